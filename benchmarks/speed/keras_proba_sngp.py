"""The layers of keras-proba on two moons, in the networks of the SNGP tutorial, on JAX."""

import math

import keras
import keras_proba

from benchmarks.speed import moons
from benchmarks.speed.measuring import main


class SNGP(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = keras.layers.Dense(moons.UNITS, trainable=False)
        self.hidden = [
            keras_proba.layers.SpectralNormalization(
                keras.layers.Dense(moons.UNITS, activation="relu"),
                norm_multiplier=moons.BOUND,
                mode="reparameterization",
            )
            for _ in range(moons.LAYERS)
        ]
        self.dropout = [keras.layers.Dropout(moons.DROPOUT) for _ in range(moons.LAYERS)]
        self.last = keras_proba.layers.RandomFeatureGaussianProcess(2, num_inducing=moons.FEATURES, gp_cov_momentum=-1)

    def call(self, inputs, training=False, return_covmat=False):
        hidden = self.first(inputs)
        for dense, dropout in zip(self.hidden, self.dropout, strict=True):
            hidden = hidden + dropout(dense(hidden, training=training), training=training)
        logits, covariance = self.last(hidden, training=training)
        return (logits, covariance) if return_covmat else logits


def fit(_, epochs: int):
    return moons.fit_keras(keras, SNGP(), epochs, (keras_proba.callbacks.ResetCovarianceCallback(),))


def probabilities(model, inputs):
    logits, covariance = model(inputs, return_covmat=True)
    adjusted = keras_proba.layers.gaussian_process.mean_field_logits(logits, covariance, math.pi / 8)
    return keras.ops.convert_to_numpy(keras.ops.softmax(adjusted))


if __name__ == "__main__":
    grid = moons.load()[2]
    main(moons.works_of(fit, {"SNGP": probabilities}, grid, grid_repeats=3, row_repeats=20))
