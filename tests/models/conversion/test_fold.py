import keras
import numpy as np
import pytest
from keras import layers

import keras_sngp as sngp
from keras_sngp._runtime.keras_internals import layers_of


def rows(count=10, width=4, seed=0):
    return np.random.default_rng(seed).normal(size=(count, width)).astype("float32")


def test_functional_models_with_layers_of_ours_fold_to_plain_ones_with_the_same_outputs(tmp_path):
    inputs = keras.Input((4,))
    hidden = sngp.SpectralNormalization(layers.Dense(6, activation="relu"), 0.5)(inputs)
    hidden = sngp.SpectralNormalization(layers.Dense(6, kernel_initializer="zeros"), 0.5)(hidden)
    head = sngp.RandomFeatureGaussianProcess(3, 16, returns="logits_and_variance", kernel_initializer="normal")
    model = keras.Model(inputs, head(hidden))
    sngp.fit_posterior(model, rows())
    folded = sngp.fold(model)
    assert [type(layer).__name__ for layer in folded.layers] == [
        "InputLayer",
        "Dense",
        "Dense",
        "RandomFeatureGaussianProcess",
    ]
    for expected, received in zip(model(rows(seed=1)), folded(rows(seed=1)), strict=True):
        np.testing.assert_allclose(*map(keras.ops.convert_to_numpy, (received, expected)), atol=1e-6)
    assert folded.get_layer(head.name).rows_seen == 10


@pytest.mark.parametrize("model_class", [sngp.DeepResNet, sngp.DeepResNetSNGP])
def test_residual_networks_fold_to_the_same_class_without_a_bound(model_class):
    model = model_class(2, num_layers=2, num_hidden=8, spec_norm_bound=0.5)
    expected = keras.ops.convert_to_numpy(model(rows()))
    folded = sngp.fold(model)
    assert type(folded) is model_class
    assert not any(isinstance(layer, sngp.SpectralNormalization) for layer in layers_of(folded))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(folded(rows())), expected, atol=1e-6)


def test_models_whose_layers_cannot_be_seen_are_refused():
    class Subclassed(keras.Model):
        pass

    with pytest.raises(TypeError, match="Received: a Subclassed, a subclassed model"):
        sngp.fold(Subclassed())
