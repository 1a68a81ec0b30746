import keras
import numpy as np
import pytest

from keras_sngp.batched_prediction import predict_in_batches

DRAWS = np.random.default_rng(0).normal(size=(40, 3))


@pytest.fixture(scope="module")
def model():
    inputs = {"numbers": keras.Input((3,), name="numbers"), "word": keras.Input((), dtype="int32", name="word")}
    embedded = keras.layers.Embedding(7, 4)(inputs["word"])
    hidden = keras.layers.Dense(5, activation="tanh")(inputs["numbers"])
    joined = keras.layers.Concatenate()([hidden, embedded])
    return keras.Model(inputs, {"logits": keras.layers.Dense(2)(joined), "hidden": hidden})


@pytest.mark.parametrize("rows", [1, 5, 16, 33])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_arrays_give_what_the_model_gives_whatever_their_number(model, rows, precision):
    x = {"numbers": DRAWS[:rows].astype(precision), "word": np.arange(rows) % 7}
    found, expected = predict_in_batches(model, x, 16, verbose=0), model.predict(x, verbose=0)
    for name in expected:
        assert found[name].shape == expected[name].shape
        np.testing.assert_allclose(found[name], expected[name], atol=1e-6)


def test_a_bar_is_shown_when_wanted(model, capsys):
    x = {"numbers": DRAWS, "word": np.zeros(len(DRAWS), "int32")}
    predict_in_batches(model, x, 16, verbose=0)
    assert not capsys.readouterr().out
    predict_in_batches(model, x, 16, verbose="auto")
    assert "3/3" in capsys.readouterr().out
