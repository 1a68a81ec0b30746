"""The layers of tf-models-official on two moons, in the networks of its SNGP tutorial, on tf_keras."""

import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"
import math

import numpy as np
import tensorflow as tf
import tf_keras
from measuring import (
    BATCH_SIZE,
    BOUND,
    DATA,
    DROPOUT,
    EPOCHS,
    FEATURES,
    LAYERS,
    LEARNING_RATE,
    MEMBERS,
    SAMPLES,
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
from official.nlp.modeling.layers import RandomFeatureGaussianProcess, SpectralNormalization
from official.nlp.modeling.layers.gaussian_process import mean_field_logits

moons = np.load(DATA)
x, y, grid = moons["x"], moons["y"], moons["grid"]


class Plain(tf_keras.Model):
    def __init__(self):
        super().__init__()
        self.first = tf_keras.layers.Dense(UNITS, trainable=False)
        self.hidden = [self.make_dense() for _ in range(LAYERS)]
        self.dropout = [tf_keras.layers.Dropout(DROPOUT) for _ in range(LAYERS)]
        self.last = self.make_last()

    def make_dense(self):
        return tf_keras.layers.Dense(UNITS, activation="relu")

    def make_last(self):
        return tf_keras.layers.Dense(2)

    def features(self, inputs, training):
        hidden = self.first(inputs)
        for dense, dropout in zip(self.hidden, self.dropout, strict=True):
            hidden += dropout(dense(hidden), training=training)
        return hidden

    def call(self, inputs, training=False):
        return self.last(self.features(inputs, training))


class SNGP(Plain):
    def make_dense(self):
        return SpectralNormalization(super().make_dense(), norm_multiplier=BOUND)

    def make_last(self):
        return RandomFeatureGaussianProcess(
            2, num_inducing=FEATURES, normalize_input=False, scale_random_features=True, gp_cov_momentum=-1
        )

    def call(self, inputs, training=False, return_covmat=False):
        logits, covariance = self.last(self.features(inputs, training), training=training)
        return (logits, covariance) if return_covmat and not training else logits


class ResetCovariance(tf_keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch > 0:
            self.model.last.reset_covariance_matrix()


def fit(model, epochs: int = EPOCHS, callbacks=()):
    loss = tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(tf_keras.optimizers.Adam(LEARNING_RATE), loss, metrics=["accuracy"])
    reset = [ResetCovariance()] if isinstance(model, SNGP) else []
    model.fit(x, y, batch_size=BATCH_SIZE, epochs=epochs, verbose=0, callbacks=[*callbacks, *reset])
    return model


def probabilities(model, inputs):
    logits, covariance = model(inputs, return_covmat=True)
    return tf.nn.softmax(mean_field_logits(logits, covariance, math.pi / 8))


def dropout_probabilities(model, inputs):
    return tf.reduce_mean(tf.stack([tf.nn.softmax(model(inputs, training=True)) for _ in range(SAMPLES)]), axis=0)


def step() -> dict[str, float]:
    def of(model) -> float:
        times = epoch_times(tf_keras.callbacks.Callback)
        fit(model, SETTLING_EPOCHS + STEADY_EPOCHS, [times])
        return step_seconds(times.seconds, len(x))

    return {"SNGP": of(SNGP()), "plain": of(Plain())}


def training() -> dict[str, float]:
    return {"SNGP": once(lambda: fit(SNGP())), "plain": once(lambda: fit(Plain()))}


def on_grid() -> dict[str, float]:
    model = fit(SNGP(), 1)
    probabilities(model, grid[:1])
    megabytes = peak_megabytes_more(lambda: probabilities(model, grid))
    return {"SNGP": seconds(lambda: probabilities(model, grid)), "SNGP megabytes": megabytes}


def one_row() -> dict[str, float]:
    process, plain = fit(SNGP(), 1), fit(Plain(), 1)
    compiled_process = tf.function(lambda inputs: probabilities(process, inputs))
    compiled_plain = tf.function(lambda inputs: tf.nn.softmax(plain(inputs)))
    row = tf.constant(grid[:1])
    return {
        "SNGP": seconds(lambda: probabilities(process, row).numpy(), repeats=50),
        "plain": seconds(lambda: tf.nn.softmax(plain(row)).numpy(), repeats=50),
        "SNGP, tf.function": seconds(lambda: compiled_process(row).numpy(), repeats=50),
        "plain, tf.function": seconds(lambda: compiled_plain(row).numpy(), repeats=200),
    }


def mc_dropout() -> dict[str, float]:
    model = fit(Plain(), 1)
    return {"MC dropout": seconds(lambda: dropout_probabilities(model, grid).numpy(), repeats=3)}


def deep_ensemble() -> dict[str, float]:
    return {"deep ensemble": once(lambda: [fit(Plain()) for _ in range(MEMBERS)])}


if __name__ == "__main__":
    main(
        {
            "step": step,
            "training": training,
            "grid": on_grid,
            "one row": one_row,
            "MC dropout": mc_dropout,
            "deep ensemble": deep_ensemble,
        }
    )
