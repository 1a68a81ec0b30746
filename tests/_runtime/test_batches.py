import keras
import numpy as np
import pytest

from keras_sngp._runtime.batches import predict_in_batches

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


class Interrupted(keras.layers.Layer):
    interrupts = False

    def call(self, inputs):
        if self.interrupts:
            raise KeyboardInterrupt
        return inputs


@pytest.mark.parametrize("as_data_set", [False, True])
def test_an_interruption_leaves_the_weights_of_a_model_trained_since_its_last_prediction(as_data_set):
    inputs = keras.Input((3,))
    layer = Interrupted()
    outputs = layer(keras.layers.Dense(2)(inputs))
    model, view = keras.Model(inputs, outputs), keras.Model(inputs, outputs)
    model.compile("sgd", "mse")
    predict_in_batches(view, DRAWS, 16, verbose=0)
    view.predict_on_batch(DRAWS)  # Keras keeps what it returned on JAX.
    model.fit(DRAWS, np.ones((40, 2)), epochs=1, verbose=0)
    trained = model.get_weights()
    view.compile()
    layer.interrupts = True
    with pytest.raises(KeyboardInterrupt):
        predict_in_batches(view, InBatches() if as_data_set else DRAWS, 16, verbose=0)
    for weight, before in zip(model.get_weights(), trained, strict=True):
        np.testing.assert_array_equal(weight, before)


class Doubled(keras.layers.Layer):
    factor = 2.0

    def call(self, inputs):
        return inputs * self.factor


class Counting(keras.layers.Layer):
    def build(self, input_shape):
        self.calls = self.add_weight(name="calls", initializer="zeros", dtype="int32", trainable=False)

    def call(self, inputs):
        self.calls.assign_add(1)
        return inputs


class WithOwnStep(keras.Model):
    def predict_step(self, *arguments):
        outputs = super().predict_step(*arguments)
        return (outputs[0] + 1, *outputs[1:]) if isinstance(outputs, tuple) else outputs + 1


def changed_by(layer_class, model_class=keras.Model):
    inputs = keras.Input((3,))
    layer = layer_class()
    return model_class(inputs, layer(inputs)), layer


def test_compile_takes_over_settings_that_were_changed_since():
    model, layer = changed_by(Doubled)
    predict_in_batches(model, DRAWS, 16, verbose=0)
    layer.factor = 3.0
    model.compile()
    np.testing.assert_allclose(predict_in_batches(model, DRAWS, 16, verbose=0), 3 * DRAWS, rtol=1e-6)


class CountingTraces(keras.layers.Layer):
    traces = 0

    def call(self, inputs):
        self.traces += 1
        return inputs


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="PyTorch runs a call each time")
def test_the_program_made_for_the_first_batch_is_kept():
    model, layer = changed_by(CountingTraces)
    predict_in_batches(model, DRAWS[:16], 16, verbose=0)
    before = layer.traces
    predict_in_batches(model, DRAWS[:32], 16, verbose=0)
    assert layer.traces == before


def test_what_a_model_changes_as_it_predicts_is_kept():
    model, layer = changed_by(Counting)
    before = int(layer.calls)
    for _ in range(2):
        predict_in_batches(model, DRAWS, 16, verbose=0)
    assert int(layer.calls) == before + 6


def test_a_step_of_ones_own_is_taken():
    model, _ = changed_by(Doubled, WithOwnStep)
    np.testing.assert_allclose(predict_in_batches(model, DRAWS, 16, verbose=0), 2 * DRAWS + 1, atol=1e-5)


def test_layers_trained_or_frozen_or_with_lora_since_are_taken_as_they_are():
    inputs = keras.Input((3,))
    dense = keras.layers.Dense(4)
    model = keras.Model(inputs, dense(inputs))
    predict_in_batches(model, DRAWS, 16, verbose=0)
    dense.trainable = False
    dense.kernel.assign(np.ones((3, 4)))
    np.testing.assert_allclose(predict_in_batches(model, DRAWS, 16, verbose=0)[:, 0], DRAWS.sum(axis=1), rtol=1e-5)
    dense.enable_lora(1)
    dense.lora_kernel_a.assign(np.ones((3, 1)))
    dense.lora_kernel_b.assign(np.ones((1, 4)))
    if keras.backend.backend() == "tensorflow":
        model.compile()  # Keras keeps its program otherwise.
    np.testing.assert_allclose(predict_in_batches(model, DRAWS, 16, verbose=0)[:, 0], 2 * DRAWS.sum(axis=1), rtol=1e-5)


class InBatches(keras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, number):
        return (DRAWS[20 * number : 20 * number + 20],)
