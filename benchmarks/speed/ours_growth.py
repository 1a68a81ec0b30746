"""How time grows with random features, classes, rows and devices: the head of an SNGP on a small trunk."""

import functools
import json
import os
import subprocess
import sys

import keras
import numpy as np

import keras_sngp as sngp
from benchmarks.speed.measuring import main, peak_megabytes_more, seconds
from benchmarks.speed.moons import BATCH_SIZE, LEARNING_RATE

FEATURES = (256, 512, 1024, 2048, 4096, 8192)
CLASSES = (2, 10, 100, 1000)
ROWS = (1_000, 10_000, 100_000, 1_000_000)
DEVICES = (1, 2, 4)
TRAINED_ROWS = 8 * BATCH_SIZE
draws = np.random.default_rng(0)
x = draws.normal(size=(max(ROWS), 128)).astype("float32")


def make_sngp(features: int = 1024, classes: int = 10) -> sngp.SNGP:
    inputs = keras.Input((x.shape[1],))
    backbone = keras.Model(inputs, keras.layers.Dense(128, activation="relu")(inputs))
    model = sngp.SNGP(backbone, classes, features)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(LEARNING_RATE), loss)
    labels = draws.integers(0, classes, TRAINED_ROWS)
    model.fit(x[:TRAINED_ROWS], labels, batch_size=BATCH_SIZE, verbose=0)
    return model


def phases(model: sngp.SNGP) -> dict[str, float]:
    """A training step of 128 rows, the posterior of 8,192 rows, and a prediction of 8,192."""
    labels = draws.integers(0, model.num_classes, BATCH_SIZE)
    rows = x[:8_192]
    return {
        "step": seconds(lambda: model.train_on_batch(x[:BATCH_SIZE], labels)),
        "posterior": seconds(lambda: model.fit_posterior(rows), repeats=3),
        "prediction": seconds(lambda: model.predict_distribution(rows), repeats=3),
    }


def phases_by_rows(model: sngp.SNGP, rows: int) -> dict[str, float]:
    found = {}
    for name, phase in (("prediction", model.predict_distribution), ("posterior", model.fit_posterior)):
        call = functools.partial(phase, x[:rows])
        found |= {name: seconds(call, repeats=3), f"{name} megabytes": peak_megabytes_more(call)}
    return found


def in_a_process_of(devices: int) -> dict[str, float]:
    """The phases where the cores are made to look like several devices, which share out each batch."""
    environment = {**os.environ, "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}"}
    command = [sys.executable, "-m", "benchmarks.speed.ours_growth", "devices"]
    ended = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(ended.stdout.splitlines()[-1])


def devices() -> dict[str, float]:
    keras.distribution.set_distribution(keras.distribution.DataParallel())
    return phases(make_sngp())


def growth() -> list[dict]:
    """A record for each size of what is varied."""
    of_rows = functools.partial(phases_by_rows, make_sngp())
    varied = {
        "features": (FEATURES, lambda features: phases(make_sngp(features))),
        "classes": (CLASSES, lambda classes: phases(make_sngp(classes=classes))),
        "rows": (ROWS, of_rows),
        "devices": (DEVICES, in_a_process_of),
    }
    return [
        {"varied": name, "size": size, **measure(size)} for name, (sizes, measure) in varied.items() for size in sizes
    ]


if __name__ == "__main__":
    main({"growth": growth, "devices": devices})
