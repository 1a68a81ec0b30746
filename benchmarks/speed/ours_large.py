"""Networks where the trunk is most of the work: training by batches of the real shapes, with random contents.

Time of ten epochs, from that of a step and, for the SNGP, that of a batch of the posterior pass and of what comes
before and after it.
"""

import statistics

import keras
import numpy as np

import keras_sngp as sngp
from benchmarks.speed.measuring import main, once
from benchmarks.speed.moons import BATCH_SIZE, LEARNING_RATE

MEASURED_STEPS, SETTLING_STEPS = 9, 3
MORE_BATCHES = 12
TEN_EPOCHS = 10
draws = np.random.default_rng(0)


def ten_epochs(classifier: keras.Model, converted: sngp.SNGP, x, num_classes: int, rows: int) -> dict[str, float]:
    labels, steps = draws.integers(0, num_classes, BATCH_SIZE), -(-rows // BATCH_SIZE)
    step = step_seconds({"plain": classifier, "SNGP": converted}, x, labels)
    posterior = posterior_seconds(converted, x, steps)
    return {
        "SNGP step": step["SNGP"],
        "plain step": step["plain"],
        "SNGP": TEN_EPOCHS * steps * step["SNGP"] + posterior,
        "plain": TEN_EPOCHS * steps * step["plain"],
        "posterior": posterior,
    }


def step_seconds(models: dict[str, keras.Model], x, labels: np.ndarray) -> dict[str, float]:
    """Steps of the networks are taken in turn, so that what else the machine does meets both alike."""
    for model in models.values():
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(LEARNING_RATE), loss)
        for _ in range(SETTLING_STEPS):
            model.train_on_batch(x, labels)
    times = {name: [] for name in models}
    for _ in range(MEASURED_STEPS):
        for name, model in models.items():
            times[name].append(once(lambda model=model: model.train_on_batch(x, labels)))
    return {name: statistics.median(taken) for name, taken in times.items()}


def posterior_seconds(model: sngp.SNGP, x, batches: int) -> float:
    model.fit_posterior(x)
    longer = keras.tree.map_structure(lambda array: np.concatenate([array] * (1 + MORE_BATCHES)), x)
    one_batch, all_batches = (
        min(once(lambda data=data: model.fit_posterior(data, batch_size=BATCH_SIZE)) for _ in range(3))
        for data in (x, longer)
    )
    return one_batch + (batches - 1) * (all_batches - one_batch) / MORE_BATCHES


def resnet_20() -> dict[str, float]:
    from benchmarks.quality.images import RESNET_20, make_resnet_20

    x = draws.normal(size=(BATCH_SIZE, 32, 32, 3)).astype("float32")
    converted, _ = sngp.convert(make_resnet_20(), norm_multiplier=RESNET_20.norm_multiplier)
    return ten_epochs(make_resnet_20(), converted, x, num_classes=10, rows=50_000)


def minilm() -> dict[str, float]:
    from benchmarks.quality.clinc import FINE_TUNED, make_fine_tuned_classifier

    ids = draws.integers(1_000, 30_000, (BATCH_SIZE, 16)).astype("int32")
    x = {"token_ids": ids, "padding_mask": np.ones_like(ids), "segment_ids": np.zeros_like(ids)}
    converted, _ = sngp.convert(
        make_fine_tuned_classifier(FINE_TUNED),
        norm_multiplier=FINE_TUNED.norm_multiplier,
        gp_kernel_scale=FINE_TUNED.gp_kernel_scale,
        constrain_composite_layers=False,
    )
    return ten_epochs(make_fine_tuned_classifier(FINE_TUNED), converted, x, num_classes=150, rows=15_000)


if __name__ == "__main__":
    main({"ResNet-20": resnet_20, "MiniLM": minilm})
