"""The layers of keras-proba on two moons, in the networks of the SNGP tutorial, on JAX."""

import math

import keras
import keras_proba
import numpy as np
from measuring import (
    BATCH_SIZE,
    BOUND,
    DATA,
    DROPOUT,
    EPOCHS,
    FEATURES,
    LAYERS,
    LEARNING_RATE,
    SETTLING_EPOCHS,
    STEADY_EPOCHS,
    UNITS,
    epoch_times,
    main,
    once,
    peak_megabytes_more,
    seconds,
    step_seconds,
)

moons = np.load(DATA)
x, y, grid = moons["x"], moons["y"], moons["grid"]


class SNGP(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = keras.layers.Dense(UNITS, trainable=False)
        self.hidden = [
            keras_proba.layers.SpectralNormalization(
                keras.layers.Dense(UNITS, activation="relu"), norm_multiplier=BOUND, mode="reparameterization"
            )
            for _ in range(LAYERS)
        ]
        self.dropout = [keras.layers.Dropout(DROPOUT) for _ in range(LAYERS)]
        self.last = keras_proba.layers.RandomFeatureGaussianProcess(2, num_inducing=FEATURES, gp_cov_momentum=-1)

    def call(self, inputs, training=False, return_covmat=False):
        hidden = self.first(inputs)
        for dense, dropout in zip(self.hidden, self.dropout, strict=True):
            hidden = hidden + dropout(dense(hidden, training=training), training=training)
        logits, covariance = self.last(hidden, training=training)
        return (logits, covariance) if return_covmat else logits


def fit(model, epochs: int = EPOCHS, callbacks=()):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(LEARNING_RATE), loss, metrics=["accuracy"])
    reset = keras_proba.callbacks.ResetCovarianceCallback()
    model.fit(x, y, batch_size=BATCH_SIZE, epochs=epochs, verbose=0, callbacks=[*callbacks, reset])
    return model


def probabilities(model, inputs):
    logits, covariance = model(inputs, return_covmat=True)
    adjusted = keras_proba.layers.gaussian_process.mean_field_logits(logits, covariance, math.pi / 8)
    return keras.ops.convert_to_numpy(keras.ops.softmax(adjusted))


def step() -> dict[str, float]:
    times = epoch_times(keras.callbacks.Callback)
    fit(SNGP(), SETTLING_EPOCHS + STEADY_EPOCHS, [times])
    return {"SNGP": step_seconds(times.seconds, len(x))}


def training() -> dict[str, float]:
    return {"SNGP": once(lambda: fit(SNGP()))}


def on_grid() -> dict[str, float]:
    model = fit(SNGP(), 1)
    probabilities(model, grid[:1])
    megabytes = peak_megabytes_more(lambda: probabilities(model, grid))
    return {"SNGP": seconds(lambda: probabilities(model, grid), repeats=3), "SNGP megabytes": megabytes}


def one_row() -> dict[str, float]:
    model = fit(SNGP(), 1)
    return {"SNGP": seconds(lambda: probabilities(model, grid[:1]), repeats=20)}


main({"step": step, "training": training, "grid": on_grid, "one row": one_row})
