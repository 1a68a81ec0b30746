import keras
import pytest

import keras_sngp as sngp
from keras_sngp._runtime.files import atomic_write, save_atomically


def test_an_error_while_writing_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "results.weights.h5"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="disk full"), atomic_write(path) as temporary:
        temporary.write_text("half of the n")
        assert temporary.name.endswith("results.weights.h5")
        raise RuntimeError("disk full")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_models_that_cannot_be_saved_whole_leave_no_file(tmp_path):
    class WithoutConfig(keras.layers.ReLU):
        def get_config(self):
            raise RuntimeError("no config")

    inputs = keras.Input((2,))
    model = sngp.SNGP(keras.Model(inputs, WithoutConfig()(inputs)), 2, 8)
    with pytest.raises(RuntimeError, match="no config"):
        model.save(tmp_path / "model.keras")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_not_overwritten_unless_allowed(tmp_path):
    path = tmp_path / "model.keras"
    save_atomically(lambda temporary: temporary.write_text("first"), path)
    with pytest.raises(FileExistsError, match=r"path must be free. Received: .*model.keras, which exists"):
        save_atomically(lambda temporary: temporary.write_text("second"), path, overwrite=False)
    assert path.read_text() == "first"
