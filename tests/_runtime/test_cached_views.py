import keras
import numpy as np

import keras_sngp as sngp
from keras_sngp._runtime.batches import cached_view
from keras_sngp._runtime.keras_internals import layers_of
from keras_sngp.layers.spectral_normalization import bounded_layers

X = np.random.default_rng(0).normal(size=(60, 3)).astype("float32")
Y = (X[:, 0] > 0).astype("int32")


class Doubled(keras.Model):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def call(self, inputs):
        return 2 * self.model(inputs)


def make(bound=0.5):
    keras.utils.set_random_seed(0)
    backbone = sngp.DeepResNet(num_layers=2, num_hidden=8, dropout_rate=0.0, spec_norm_bound=bound)
    return compiled(sngp.SNGP(backbone, 2, num_inducing=32, seed=0))


def compiled(model):
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def test_a_view_is_made_once_and_anew_after_compile_and_training():
    model = make()
    model.fit(X, Y, epochs=1, verbose=0)
    view = cached_view(model, Doubled)
    assert cached_view(model, Doubled) is view
    model.fit(X, Y, epochs=1, verbose=0)
    assert cached_view(model, Doubled) is view
    model.compile("sgd", "mse")
    assert cached_view(model, Doubled) is not view
    assert view not in layers_of(model)


def test_posterior_and_predictions_take_over_settings_changed_before_compile():
    model = make()
    model.fit(X, Y, epochs=3, verbose=0)
    model.predict_distribution(X)
    expected = make(bound=0.1)
    expected(X)
    expected.set_weights(model.get_weights())
    for layer in bounded_layers(model):
        layer.norm_multiplier = 0.1
    compiled(model)
    for one in (model, expected):
        one.fit_posterior(X)
    np.testing.assert_allclose(
        model.predict_distribution(X).variance, expected.predict_distribution(X).variance, rtol=1e-4
    )
