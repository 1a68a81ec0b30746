"""The layers of keras-proba on two moons, in the networks of the SNGP tutorial, on JAX."""

import math

import keras
import keras_proba

from benchmarks.speed import moons
from benchmarks.speed.measuring import main

Residual = moons.make_residual_class(keras)


def bounded(dense: keras.layers.Layer) -> keras.layers.Layer:
    return keras_proba.layers.SpectralNormalization(dense, norm_multiplier=moons.BOUND, mode="reparameterization")


def fit(_, epochs: int):
    last = keras_proba.layers.RandomFeatureGaussianProcess(2, num_inducing=moons.FEATURES, gp_cov_momentum=-1)
    return moons.fit_keras(keras, Residual(bounded, last), epochs, (keras_proba.callbacks.ResetCovarianceCallback(),))


def probabilities(model, inputs):
    logits, covariance = model(inputs, return_covmat=True)
    adjusted = keras_proba.layers.gaussian_process.mean_field_logits(logits, covariance, math.pi / 8)
    return keras.ops.convert_to_numpy(keras.ops.softmax(adjusted))


if __name__ == "__main__":
    grid = moons.load()[2]
    main(moons.works_of(fit, {"SNGP": probabilities}, grid, grid_repeats=3, row_repeats=20))
