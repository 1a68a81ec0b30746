"""Batches of images, shifted by up to four pixels and mirrored half of the time, as is usual for CIFAR."""

import keras
import numpy as np

MOST_SHIFT = 4


class AugmentedImages(keras.utils.PyDataset):
    """Batches in an order, and with changes, that are drawn anew for each epoch; or as they are."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, batch_size: int, seed: int, augmented: bool) -> None:
        super().__init__()
        self.images, self.labels, self.batch_size, self.augmented = images, labels, batch_size, augmented
        self.generator = np.random.default_rng(seed)
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        self.order = self.generator.permutation(len(self.labels))

    def __len__(self) -> int:
        return -(-len(self.labels) // self.batch_size)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.order[number * self.batch_size : (number + 1) * self.batch_size]
        images = augment(self.images[rows], self.generator) if self.augmented else self.images[rows]
        return images, self.labels[rows]


def augment(images: np.ndarray, generator: np.random.Generator, padding: str = "reflect") -> np.ndarray:
    """Each image shifted and perhaps mirrored; the border is reflected, or black with `padding="constant"`."""
    rows, height, width = images.shape[:3]
    around = ((0, 0), (MOST_SHIFT, MOST_SHIFT), (MOST_SHIFT, MOST_SHIFT), (0, 0))
    padded = np.pad(images, around, mode=padding)
    down, right = generator.integers(0, 2 * MOST_SHIFT + 1, (2, rows, 1))
    columns = np.tile(np.arange(width), (rows, 1))
    mirrored = generator.random(rows) < 0.5
    columns[mirrored] = columns[mirrored, ::-1]
    lines = np.arange(height) + down
    return padded[np.arange(rows)[:, None, None], lines[:, :, None], (columns + right)[:, None, :]]
