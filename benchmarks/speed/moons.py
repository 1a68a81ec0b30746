"""Two moons and the networks of the SNGP tutorial, as every library is measured with them; NumPy alone."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed.measuring import Works, once, peak_megabytes_more, seconds

DATA = Path(__file__).parents[2] / "build" / "speed" / "two-moons.npz"
BATCH_SIZE, EPOCHS, LEARNING_RATE = 128, 100, 1e-4
LAYERS, UNITS, DROPOUT, BOUND, FEATURES = 6, 128, 0.1, 0.9, 1024
SAMPLES, MEMBERS = 10, 10
STEADY_EPOCHS, SETTLING_EPOCHS = 30, 5


def load() -> list[np.ndarray]:
    """Training data, their labels, and the 10,000 points of a grid."""
    with np.load(DATA) as arrays:
        return [arrays[name] for name in ("x", "y", "grid")]


def works_of(
    fit: Callable[[str, int], tuple[Any, list[float]]],
    predict: dict[str, Callable[[Any, Any], Any]],
    grid: Any,
    trained: tuple[str, ...] = (),
    grid_repeats: int = 7,
    row_repeats: int = 200,
) -> Works:
    """What is measured of every library.

    Args:
        fit: Trains a network of a kind, "SNGP" or "plain", for some epochs; gives it and the seconds of each epoch.
        predict: Probabilities by a network of each kind.
        grid: The points, as the library takes them.
        trained: The kinds of which training is measured; by default those of `predict`.
        grid_repeats: How often the grid is predicted.
        row_repeats: How often one row is.
    """
    trained = trained or tuple(predict)

    def step() -> dict[str, float]:
        """A training step, once the first epochs have compiled what there is to compile."""
        epochs = {kind: fit(kind, SETTLING_EPOCHS + STEADY_EPOCHS)[1][SETTLING_EPOCHS:] for kind in trained}
        steps = -(-len(load()[0]) // BATCH_SIZE)
        return {kind: statistics.median(taken) / steps for kind, taken in epochs.items()}

    def training() -> dict[str, float]:
        return {kind: once(lambda kind=kind: fit(kind, EPOCHS)) for kind in trained}

    def on_grid() -> dict[str, float]:
        (model, _), call = fit("SNGP", 1), predict["SNGP"]
        call(model, grid[:1])
        megabytes = peak_megabytes_more(lambda: call(model, grid))
        return {"SNGP": seconds(lambda: call(model, grid), grid_repeats), "SNGP megabytes": megabytes}

    def one_row() -> dict[str, float]:
        models = {kind: fit(kind, 1)[0] for kind in predict}
        return {
            kind: seconds(lambda kind=kind, call=call: call(models[kind], grid[:1]), row_repeats)
            for kind, call in predict.items()
        }

    return {"step": step, "training": training, "grid": on_grid, "one row": one_row}


def fit_keras(keras: Any, model: Any, epochs: int = EPOCHS, callbacks: tuple = ()) -> tuple[Any, list[float]]:
    """Trains a model of Keras or of tf_keras, given as `keras`; also gives the seconds of each epoch."""

    class EpochTimes(keras.callbacks.Callback):
        seconds: tuple[float, ...] = ()

        def on_epoch_begin(self, epoch, logs=None):
            self.started = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            self.seconds = (*self.seconds, time.perf_counter() - self.started)

    times, (x, y, _) = EpochTimes(), load()
    compile_keras(keras, model)
    model.fit(x, y, batch_size=BATCH_SIZE, epochs=epochs, verbose=0, callbacks=[times, *callbacks])
    return model, list(times.seconds)


def compile_keras(keras: Any, model: Any) -> Any:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(LEARNING_RATE), loss, metrics=["accuracy"])
    return model


def make_residual_class(keras: Any) -> type:
    """The network of the tutorial as a class of models of Keras or of tf_keras, for layers of others."""

    class Residual(keras.Model):
        def __init__(self, dense: Callable[[Any], Any], last: Any):
            super().__init__()
            self.first = keras.layers.Dense(UNITS, trainable=False)
            self.hidden = [dense(keras.layers.Dense(UNITS, activation="relu")) for _ in range(LAYERS)]
            self.dropout = [keras.layers.Dropout(DROPOUT) for _ in range(LAYERS)]
            self.last = last

        def call(self, inputs, training=False, return_covmat=False):
            hidden = self.first(inputs)
            for dense, dropout in zip(self.hidden, self.dropout, strict=True):
                hidden = hidden + dropout(dense(hidden), training=training)
            if isinstance(self.last, keras.layers.Dense):
                return self.last(hidden)
            logits, covariance = self.last(hidden, training=training)
            return (logits, covariance) if return_covmat else logits

    return Residual
