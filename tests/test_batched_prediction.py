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


@pytest.mark.parametrize("as_data_set", [False, True])
def test_an_interruption_leaves_the_weights_of_a_model_trained_since_its_last_prediction(as_data_set):
    inputs = keras.Input((3,))
    outputs = keras.layers.Dense(2)(inputs)
    model, view = keras.Model(inputs, outputs), keras.Model(inputs, outputs)
    model.compile("sgd", "mse")
    predict_in_batches(view, DRAWS, 16, verbose=0)
    model.fit(DRAWS, np.ones((40, 2)), epochs=1, verbose=0)
    trained = model.get_weights()
    view.predict_function = interrupted
    with pytest.raises(KeyboardInterrupt):
        predict_in_batches(view, InBatches() if as_data_set else DRAWS, 16, verbose=0)
    for weight, before in zip(model.get_weights(), trained, strict=True):
        np.testing.assert_array_equal(weight, before)


class InBatches(keras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, number):
        return (DRAWS[20 * number : 20 * number + 20],)


def interrupted(*_):
    raise KeyboardInterrupt
