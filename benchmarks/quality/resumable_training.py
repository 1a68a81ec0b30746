"""Training that a stopped run takes up again in the epoch it was in, to the same result.

Order and augmentation follow from the seed, the epoch and the number of the batch alone, and all that the network and
the optimizer remember is written after each epoch, whole or not at all. On a CPU a resumed run equals one that was
never stopped, bit by bit; on a GPU up to the order in which its kernels add.
"""

import dataclasses
import json
import time
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from benchmarks.data.labelled_images import ImagesAndLabels
from benchmarks.quality.augmented_images import augment
from keras_sngp._runtime.files import atomic_write

MEAN, DEVIATION = np.float32([0.4914, 0.4822, 0.4465]), np.float32([0.2470, 0.2435, 0.2616])
PREDICTED_ROWS = 500
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

Arrays = dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """OpenOOD's training of CIFAR networks."""

    epochs: int = 100
    batch_size: int = 128
    learning_rate: float = 0.1  # The first of a cosine schedule by step.
    last_learning_rate: float = 1e-6
    momentum: float = 0.9  # Nesterov's.
    weight_decay: float = 5e-4  # As PyTorch's SGD has it: in the gradient.


class EpochImages(keras.utils.PyDataset):
    """Batches of standardised images in the order, and with the augmentation, that belong to `epoch`."""

    def __init__(
        self, images: np.ndarray, labels: np.ndarray, batch_size: int, seed: int, augmented: bool = True
    ) -> None:
        super().__init__()
        self.images, self.labels, self.batch_size = images, labels, batch_size
        self.seed, self.augmented = seed, augmented
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        self.epoch, rows = epoch, len(self.labels)
        self.order = np.random.default_rng((self.seed, epoch)).permutation(rows) if self.augmented else np.arange(rows)

    def __len__(self) -> int:
        return -(-len(self.labels) // self.batch_size)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.order[number * self.batch_size : (number + 1) * self.batch_size]
        images = self.images[rows]
        if self.augmented:
            images = augment(images, np.random.default_rng((self.seed, self.epoch, number)), padding="constant")
        return standardised(images), self.labels[rows]


def standardised(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Each channel by the mean and the standard deviation of CIFAR-10's training images."""
    return (images.astype("float32") / 255 - MEAN) / DEVIATION


def train(
    model: keras.Model,
    training: ImagesAndLabels,
    validation: ImagesAndLabels,
    recipe: Recipe,
    seed: int,
    checkpoint: Path,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> dict[str, float]:
    """Trains a new network from the epoch of its checkpoint on; leaves it with the weights of its best epoch.

    The best epoch is the last one of those with the largest accuracy on validation data, as in OpenOOD. Weights that
    have no penalty of their own get `weight_decay / 2` times their squared sum: its gradient is the weight decay of
    PyTorch's SGD, which goes through the momentum, unlike that of Keras.

    Returns:
        The seconds of training, the best epoch (from 1) and its accuracy on validation data.

    Raises:
        ValueError: The checkpoint is of another recipe, seed, network or number of rows.
        FloatingPointError: The training diverged; its last sound epoch stays in the checkpoint.
    """
    batches = EpochImages(*training, recipe.batch_size, seed)
    _compile(model, recipe, len(batches))
    progress = _Progress(model, checkpoint, {**dataclasses.asdict(recipe), "seed": seed, "rows": len(training[1])})
    for epoch in range(progress.epochs_done, recipe.epochs):
        started = time.perf_counter()
        batches.start_epoch(epoch)
        keras.Model.fit(
            model,
            batches,
            initial_epoch=epoch,
            epochs=epoch + 1,
            shuffle=False,
            verbose=0,
            callbacks=list(callbacks),
        )
        accuracy = float((plain_logits(model, validation[0]).argmax(axis=1) == validation[1]).mean())
        progress.finish_epoch(accuracy, time.perf_counter() - started)
        print(
            f"{checkpoint.stem}: epoch {epoch + 1} of {recipe.epochs}, validation accuracy {accuracy:.4f}", flush=True
        )
    progress.restore_best()
    return {"seconds": progress.seconds, "best epoch": progress.best_epoch, "best accuracy": progress.best_accuracy}


def plain_logits(model: keras.Model, images: npt.NDArray[np.uint8]) -> np.ndarray:
    """Logits `(n, classes)` of a network whose posterior, if any, is not fitted yet."""
    parts = [images[row : row + PREDICTED_ROWS] for row in range(0, len(images), PREDICTED_ROWS)]
    logits = np.concatenate([keras.Model.predict(model, standardised(part), verbose=0) for part in parts])
    if not np.isfinite(logits).all():
        raise FloatingPointError(f"The logits must be finite. Received: {np.isnan(logits).mean():.0%} of them NaN")
    return logits


def _compile(model: keras.Model, recipe: Recipe, steps_per_epoch: int) -> None:
    for variable in model.trainable_variables:
        if variable.regularizer is None:
            variable.regularizer = keras.regularizers.L2(recipe.weight_decay / 2)
    rate = keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate,
        recipe.epochs * steps_per_epoch,
        alpha=recipe.last_learning_rate / recipe.learning_rate,
    )
    model.compile(keras.optimizers.SGD(rate, momentum=recipe.momentum, nesterov=True), LOSS)
    model.optimizer.build(model.trainable_variables)


class _Progress:
    """What a run has reached, and its file."""

    def __init__(self, model: keras.Model, file: Path, fingerprint: dict[str, float]) -> None:
        self.model, self.file, self.fingerprint = model, file, json.dumps(fingerprint, sort_keys=True)
        self.epochs_done, self.best_epoch, self.best_accuracy, self.seconds = 0, 0, -1.0, 0.0
        self.best: list[np.ndarray] = []
        if file.exists():
            self._read()

    def finish_epoch(self, accuracy: float, seconds: float) -> None:
        self.epochs_done += 1
        self.seconds += seconds
        if accuracy >= self.best_accuracy:
            self.best_epoch, self.best_accuracy = self.epochs_done, accuracy
            self.best = [keras.ops.convert_to_numpy(variable).copy() for variable in self.model.variables]
        self._write()

    def restore_best(self) -> None:
        _assign(self.model.variables, self.best, self.file)

    def _write(self) -> None:
        variables = [*self.model.variables, *self.model.optimizer.variables]
        arrays = {f"now {number}": keras.ops.convert_to_numpy(one) for number, one in enumerate(variables)}
        arrays |= {f"best {number}": one for number, one in enumerate(self.best)}
        numbers = np.array([self.epochs_done, self.best_epoch, self.best_accuracy, self.seconds])
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(self.file) as temporary:
            np.savez(temporary, numbers=numbers, fingerprint=self.fingerprint, **arrays)

    def _read(self) -> None:
        with np.load(self.file, allow_pickle=False) as arrays:
            if (found := str(arrays["fingerprint"])) != self.fingerprint:
                raise ValueError(
                    f"{self.file} must be a checkpoint of {self.fingerprint}; take another --work-dir, or remove it. "
                    f"Received: {found}"
                )
            variables = [*self.model.variables, *self.model.optimizer.variables]
            now, self.best = (
                [arrays[f"{kind} {number}"] for number in range(sum(name.startswith(kind) for name in arrays.files))]
                for kind in ("now", "best")
            )
            epochs_done, best_epoch, self.best_accuracy, self.seconds = (float(number) for number in arrays["numbers"])
        self.epochs_done, self.best_epoch = int(epochs_done), int(best_epoch)
        _assign(variables, now, self.file)


def _assign(variables: Sequence[keras.Variable], values: Sequence[np.ndarray], file: Path) -> None:
    shapes = [tuple(variable.shape) for variable in variables], [value.shape for value in values]
    if shapes[0] != shapes[1]:
        raise ValueError(f"{file} must hold the {len(variables)} variables of this network. Received: {len(values)}")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
