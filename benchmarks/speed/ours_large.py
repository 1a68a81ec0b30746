"""Networks where the trunk is most of the work: training by batches of the real shapes, with random contents.

KERAS_BACKEND=torch python benchmarks/speed/ours_large.py "ResNet-20"

Time of ten epochs, from that of a step and, for the SNGP, that of a batch of the posterior pass and of what comes
before and after it.
"""

import statistics
import sys
import time
from pathlib import Path

import keras
import numpy as np
from measuring import BATCH_SIZE, main, once

import keras_sngp as sngp

sys.path.append(str(Path(__file__).parents[1] / "quality"))
MEASURED_STEPS, SETTLING_STEPS = 9, 3
MORE_BATCHES = 12
TEN_EPOCHS = 10
draws = np.random.default_rng(0)


class StepTimes(keras.callbacks.Callback):
    """Steps of the two networks are taken in turn, so that what else the machine does meets both alike."""

    def on_train_begin(self, logs=None):
        self.seconds = []

    def on_train_batch_begin(self, batch, logs=None):
        self.started = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self.seconds.append(time.perf_counter() - self.started)


def ratio_of(classifier: keras.Model, converted: sngp.SNGP, x, labels: np.ndarray, rows: int) -> dict[str, float]:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    models = {"plain": classifier, "SNGP": converted}
    for model in models.values():
        model.compile(keras.optimizers.Adam(1e-4), loss)
        for _ in range(SETTLING_STEPS):
            model.train_on_batch(x, labels)
    times = {name: [] for name in models}
    for _ in range(MEASURED_STEPS):
        for name, model in models.items():
            times[name].append(once(lambda model=model: model.train_on_batch(x, labels)))
    step = {name: statistics.median(taken) for name, taken in times.items()}
    converted.fit_posterior(x)
    one_batch, all_batches = (
        min(once(lambda data=data: converted.fit_posterior(data, batch_size=BATCH_SIZE)) for _ in range(3))
        for data in (x, keras.tree.map_structure(lambda array: np.concatenate([array] * (1 + MORE_BATCHES)), x))
    )
    a_batch = (all_batches - one_batch) / MORE_BATCHES
    steps = -(-rows // BATCH_SIZE)
    posterior = one_batch + (steps - 1) * a_batch
    return {
        "SNGP step": step["SNGP"],
        "plain step": step["plain"],
        "SNGP": TEN_EPOCHS * steps * step["SNGP"] + posterior,
        "plain": TEN_EPOCHS * steps * step["plain"],
        "posterior": posterior,
    }


def resnet_20() -> dict[str, float]:
    from cifar10_images import SETTINGS, make_classifier

    name = "resnet-20"
    x = draws.normal(size=(BATCH_SIZE, 32, 32, 3)).astype("float32")
    classifier = make_classifier(name)
    converted, _ = sngp.convert(make_classifier(name), norm_multiplier=SETTINGS[name].norm_multiplier)
    return ratio_of(classifier, converted, x, draws.integers(0, 10, BATCH_SIZE), 50_000)


def minilm() -> dict[str, float]:
    from clinc_fine_tuned import SETTINGS, make_classifier

    tokens, rows = 16, 15_000
    ids = draws.integers(1_000, 30_000, (BATCH_SIZE, tokens)).astype("int32")
    x = {"token_ids": ids, "padding_mask": np.ones_like(ids), "segment_ids": np.zeros_like(ids)}
    converted, _ = sngp.convert(
        make_classifier(SETTINGS),
        norm_multiplier=SETTINGS.norm_multiplier,
        gp_kernel_scale=SETTINGS.gp_kernel_scale,
        constrain_composite_layers=False,
    )
    return ratio_of(make_classifier(SETTINGS), converted, x, draws.integers(0, 150, BATCH_SIZE), rows)


main({"ResNet-20": resnet_20, "MiniLM": minilm})
