"""MNIST: handwritten digits, 28 x 28 (LeCun et al., CC BY-SA 3.0)."""

import os
from pathlib import Path

import numpy as np

from benchmarks.data.labelled_images import LabelledImages, checked
from benchmarks.data.local_or_download import PublicFile, local_or_download, read_checked

FILE = PublicFile(
    "mnist.npz",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
    "sha256:731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
)
SHAPES = ((60_000, 28, 28), (10_000, 28, 28))
CLASS_NAMES = tuple("0123456789")


def load(data_dir: str | os.PathLike | None = None) -> LabelledImages:
    """Reads `mnist.npz`, in Keras's layout, from a local folder, or downloads it.

    Example:

        digits = benchmarks.data.mnist.load()
        images, labels = digits.train

    Raises:
        ValueError: The file is truncated, or other arrays are in it.
        FileNotFoundError, OSError: There is no such file; see `local_or_download`.
    """
    path = local_or_download("mnist", [FILE.name], FILE, data_dir)
    return read_checked(path, "arrays x_train (60000, 28, 28), y_train, x_test (10000, 28, 28), y_test", _read)


def _read(path: Path) -> LabelledImages:
    with np.load(path, allow_pickle=False) as arrays:
        train, test = ((arrays[f"x_{part}"], arrays[f"y_{part}"]) for part in ("train", "test"))
    return checked(train, test, SHAPES, CLASS_NAMES)
