"""The layers of tf-models-official on two moons, in the networks of its SNGP tutorial, on tf_keras."""

import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"
import math
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras
from official.nlp.modeling.layers import RandomFeatureGaussianProcess, SpectralNormalization
from official.nlp.modeling.layers.gaussian_process import mean_field_logits

from benchmarks.speed import moons
from benchmarks.speed.measuring import main, once, seconds

grid = moons.load()[2]


Residual = moons.make_residual_class(tf_keras)


class ResetCovariance(tf_keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch > 0:
            self.model.last.reset_covariance_matrix()


def fit(kind: str, epochs: int = moons.EPOCHS):
    if kind == "plain":
        return moons.fit_keras(tf_keras, Residual(lambda dense: dense, tf_keras.layers.Dense(2)), epochs)
    last = RandomFeatureGaussianProcess(
        2, num_inducing=moons.FEATURES, normalize_input=False, scale_random_features=True, gp_cov_momentum=-1
    )
    model = Residual(lambda dense: SpectralNormalization(dense, norm_multiplier=moons.BOUND), last)
    return moons.fit_keras(tf_keras, model, epochs, (ResetCovariance(),))


def probabilities(model, inputs):
    logits, covariance = model(inputs, return_covmat=True)
    return tf.nn.softmax(mean_field_logits(logits, covariance, math.pi / 8))


def plain_probabilities(model, inputs):
    return tf.nn.softmax(model(inputs))


def dropout_probabilities(model, inputs):
    samples = [tf.nn.softmax(model(inputs, training=True)) for _ in range(moons.SAMPLES)]
    return tf.reduce_mean(tf.stack(samples), axis=0)


def one_row() -> dict[str, float]:
    """Called as it is, and compiled."""
    row, found = tf.constant(grid[:1]), {}
    for kind, predict in PREDICT.items():
        model = fit(kind, 1)[0]
        compiled = tf.function(lambda inputs, predict=predict, model=model: predict(model, inputs))
        found[kind] = seconds(lambda predict=predict, model=model: predict(model, row).numpy(), repeats=50)
        found[f"{kind}, tf.function"] = seconds(lambda compiled=compiled: compiled(row).numpy(), repeats=200)
    return found


def mc_dropout() -> dict[str, float]:
    model, _ = fit("plain", 1)
    return {"MC dropout": seconds(lambda: dropout_probabilities(model, grid).numpy(), repeats=3)}


def deep_ensemble() -> dict[str, float]:
    return {"deep ensemble": once(lambda: [fit("plain") for _ in range(moons.MEMBERS)])}


def tutorial() -> dict[str, float]:
    """What `keras-sngp moons` does: four methods, and their surfaces; the time is that of this process."""
    plain = fit("plain")[0]
    members = [plain_probabilities(fit("plain")[0], grid).numpy() for _ in range(moons.MEMBERS)]
    surfaces = {
        "deterministic": plain_probabilities(plain, grid).numpy(),
        "mc-dropout": dropout_probabilities(plain, grid).numpy(),
        "deep-ensemble": np.mean(members, axis=0),
        "sngp": probabilities(fit("SNGP")[0], grid).numpy(),
    }
    for name, surface in surfaces.items():
        draw(Path(sys.argv[2]) / f"{name}.png", surface[:, 1].reshape(100, 100))
    return {}


def draw(path: Path, chance: np.ndarray) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4))
    for axes, surface in zip(figure.subplots(1, 2), (chance, chance * (1 - chance)), strict=True):
        figure.colorbar(axes.imshow(surface, origin="lower", extent=(-3.5, 3.5, -2.5, 2.5)), ax=axes)
    figure.savefig(path)


PREDICT = {"SNGP": probabilities, "plain": plain_probabilities}

if __name__ == "__main__":
    further = {"one row": one_row, "MC dropout": mc_dropout, "deep ensemble": deep_ensemble, "moons": tutorial}
    main({**moons.works_of(fit, PREDICT, grid), **further})
