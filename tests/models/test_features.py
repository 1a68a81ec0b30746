"""Features and logits of every kind of classifier, against the layers applied one by one."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_sngp as sngp
from keras_sngp import features_of


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(50, 4)).astype("float32")


def hidden_and_head(activation=None, units=3):
    return keras.layers.Dense(5, activation="relu"), keras.layers.Dense(units, activation=activation)


def by_hand(hidden, head, x):
    features = np.maximum(x @ ops.convert_to_numpy(hidden.kernel) + ops.convert_to_numpy(hidden.bias), 0)
    return features, features @ ops.convert_to_numpy(head.kernel) + ops.convert_to_numpy(head.bias)


def assert_is(found, expected):
    for some, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(some, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("activation", "units"), [(None, 3), ("softmax", 3), ("sigmoid", 1), ("tanh", 3)])
def test_a_functional_model_with_an_activation_in_its_last_layer(x, activation, units):
    hidden, head = hidden_and_head(activation, units)
    inputs = keras.Input((4,))
    model = keras.Model(inputs, head(hidden(inputs)))
    assert_is(features_of(model, x, batch_size=16), by_hand(hidden, head, x))
    assert head.activation is keras.activations.get(activation)
    assert "call" not in vars(head)


@pytest.mark.parametrize("last", [keras.layers.Softmax(), keras.layers.Activation("log_softmax")])
def test_a_sequential_model_with_an_activation_layer_and_a_nested_one(x, last):
    hidden, head = hidden_and_head()
    inner = keras.Sequential([keras.Input((4,)), hidden, keras.layers.Dropout(0.5)])
    model = keras.Sequential([keras.Input((4,)), inner, head, last])
    assert_is(features_of(model, x), by_hand(hidden, head, x))


class Subclassed(keras.Model):
    def __init__(self, scale=1.0):
        super().__init__()
        # Made in another order than called.
        self.head, self.hidden = hidden_and_head()[::-1]
        self.scale = scale

    def call(self, inputs):
        return self.scale * self.head(self.hidden(inputs))


def test_a_subclassed_model_by_its_last_call_of_a_dense_layer(x):
    model = Subclassed()
    model(x)
    assert_is(features_of(model, x), by_hand(model.hidden, model.head, x))


def test_a_network_of_our_own_with_bounded_layers(x):
    model = sngp.DeepResNet(3, num_layers=2, num_hidden=6)
    features, logits = features_of(model, x)
    assert features.shape == (50, 6)
    np.testing.assert_allclose(logits, model.predict(x, verbose=0), rtol=1e-4, atol=1e-5)
    head = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)][-1]
    expected = features @ ops.convert_to_numpy(head.kernel) + ops.convert_to_numpy(head.bias)
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)


def test_an_sngp_gives_what_enters_its_gaussian_process_and_logits_that_are_not_adjusted(x):
    y = (x[:, 0] > 0).astype(int)
    backbone = sngp.DeepResNet(num_layers=1, num_hidden=6)
    model = sngp.SNGP(backbone, 2, num_inducing=32, seed=0)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, epochs=2, verbose=0)
    features, logits = features_of(model, x)
    np.testing.assert_allclose(features, backbone.predict(x, verbose=0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(logits, model.predict_distribution(x).logits, rtol=1e-4, atol=1e-5)


def test_an_sngp_that_is_not_trained_has_features_too(x):
    model = sngp.SNGP(sngp.DeepResNet(num_layers=1, num_hidden=6), 2, num_inducing=32)
    model(x)
    features, logits = features_of(model, x)
    assert features.shape == (50, 6) and logits.shape == (50, 2)


def test_weights_changed_since_are_seen(x):
    hidden, head = hidden_and_head()
    model = keras.Sequential([keras.Input((4,)), hidden, head])
    features_of(model, x)
    head.kernel.assign(np.ones((5, 3)))
    assert_is(features_of(model, x), by_hand(hidden, head, x))


@pytest.mark.quick_on("torch")
def test_half_precision_comes_in_single(x):
    hidden, head = (
        keras.layers.Dense(5, activation="relu", dtype="mixed_bfloat16"),
        keras.layers.Dense(3, activation="softmax", dtype="mixed_bfloat16"),
    )
    model = keras.Sequential([keras.Input((4,)), hidden, head])
    features, logits = features_of(model, x)
    assert features.dtype == logits.dtype == np.float32
    for some, other in zip((features, logits), by_hand(hidden, head, x), strict=True):
        np.testing.assert_allclose(some, other, atol=0.1)


def refused(layers, message, x, error=ValueError):
    with pytest.raises(error, match=message):
        features_of(layers, x)


def test_models_that_are_refused(x):
    inputs = keras.Input((4,))
    hidden, head = hidden_and_head()
    logits = head(hidden(inputs))
    refused("model", r"`model` must be a keras.Model. Received: str", x, TypeError)
    refused(keras.Model(inputs, [logits, logits]), r"must have one output .* with 2 outputs", x)
    refused(keras.Model(inputs, 2 * logits), r"its last Dense layer's, with or without softmax", x)
    refused(keras.Model(inputs, keras.layers.ReLU()(inputs)), r"ends in a Dense .* which has neither", x)
    scaled = Subclassed(scale=3.0)
    scaled(x)
    refused(scaled, r"make a keras.Model of the part that is", x)
    steps = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Reshape((2, 2))(inputs)))
    refused(steps, r"features \(rows, width\).* Received: features of shape \(50, 2, 2\)", x)


def test_a_model_of_two_processes_is_refused(x):
    inputs = keras.Input((4,))
    processes = [sngp.RandomFeatureGaussianProcess(2, 16) for _ in range(2)]
    model = keras.Model(inputs, processes[0](inputs) + processes[1](inputs))
    refused(model, r"at most one RandomFeatureGaussianProcess layer. Received: 2", x)


def test_a_dense_layer_that_is_not_called_is_named(x):
    class Idle(keras.Model):
        def __init__(self):
            super().__init__()
            self.idle = keras.layers.Dense(2)

        def call(self, inputs):
            return inputs

    model = Idle()
    model.idle.build((None, 4))
    refused(model, "a dense layer that was not called", x)
