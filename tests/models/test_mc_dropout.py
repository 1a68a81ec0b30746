import keras
import numpy as np
import pytest

import keras_sngp as sngp

RATE = 0.5


def make_model(rate=RATE, activation=None):
    inputs = keras.Input((6,))
    hidden = keras.layers.BatchNormalization()(inputs)
    hidden = keras.layers.Dropout(rate)(hidden)
    outputs = keras.layers.Dense(3, activation=activation)(hidden)
    return keras.Model(inputs, outputs)


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(3, 2, (40, 6)).astype("float32")


def values(variables):
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def test_only_dropout_is_on_and_no_statistic_moves(x):
    model = make_model()
    normalisation = model.layers[1]
    before = values(normalisation.weights)
    sngp.MCDropout(model, num_samples=5).predict_distribution(x)
    for old, new in zip(before, values(normalisation.weights), strict=True):
        np.testing.assert_array_equal(old, new)
    first = keras.ops.convert_to_numpy(model(x))
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(model(x)), first)


def test_samples_are_the_network_under_independent_masks(x):
    model = make_model()
    kernel, bias = values(model.layers[3].weights)
    normalised = x[:1] / np.sqrt(1 + model.layers[1].epsilon)
    prediction = sngp.MCDropout(model, num_samples=4000).predict_distribution(x[:1], batch_size=4000, seed=3)
    samples = prediction.samples[:, 0]
    masks = np.array(np.meshgrid(*[[0, 1 / (1 - RATE)]] * 6)).reshape(6, -1).T
    logits = (masks * normalised) @ kernel + bias
    every_mask = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    nearest = np.abs(samples[:, None] - every_mask[None]).max(axis=-1)
    assert nearest.min(axis=1).max() < 1e-4
    assert len(np.unique(nearest.argmin(axis=1))) == len(every_mask)
    np.testing.assert_allclose(prediction.probabilities[0], every_mask.mean(axis=0), atol=0.03)
    np.testing.assert_allclose(prediction.probabilities[0], samples.mean(axis=0), atol=1e-6)


def test_a_subclassed_model_and_nested_dropout_are_found(x):
    model = sngp.DeepResNet(2, num_layers=3, num_hidden=8, dropout_rate=0.3)
    model(x)
    dropout = sngp.MCDropout(model, num_samples=7)
    assert dropout.dropout_layers == model.dropout_layers
    prediction = dropout.predict_distribution(x)
    assert prediction.samples.shape == (7, 40, 2)
    assert prediction.mutual_information.mean() > 0
    assert prediction.samples.std(axis=0).min() > 0


def test_a_seed_makes_it_repeatable_and_leaves_other_generators_alone(x):
    dropout = sngp.MCDropout(make_model(), num_samples=3)
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    one = dropout.predict_distribution(x, seed=5).samples
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    np.testing.assert_array_equal(dropout.predict_distribution(x, seed=5).samples, one)
    assert np.abs(dropout.predict_distribution(x, seed=6).samples - one).max() > 0
    assert np.abs(dropout.predict_distribution(x).samples - dropout.predict_distribution(x).samples).max() > 0


def test_a_softmax_output_is_taken_as_probabilities(x):
    model = make_model(activation="softmax")
    prediction = sngp.MCDropout(model, 4, from_logits=False).predict_distribution(x)
    np.testing.assert_allclose(prediction.probabilities.sum(axis=1), 1, atol=1e-5)
    with pytest.raises(ValueError, match="pass `from_logits=False`"):
        sngp.MCDropout(model, 4).predict_distribution(x)
    with pytest.raises(ValueError, match="pass `from_logits=True`"):
        sngp.MCDropout(make_model(), 4, from_logits=False).predict_distribution(x)


def test_bad_arguments_are_refused(x):
    with pytest.raises(ValueError, match="dropout layer of a rate above 0"):
        sngp.MCDropout(make_model(rate=0.0))
    with pytest.raises(ValueError, match=r"`num_samples` must be an integer of at least 1. Received: 0"):
        sngp.MCDropout(make_model(), num_samples=0)
    with pytest.raises(ValueError, match="finite numbers"):
        sngp.MCDropout(make_model()).predict_distribution(x * np.nan)
