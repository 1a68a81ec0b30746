"""CIFAR-10: ten kinds of animals and vehicles, 32 x 32 (Krizhevsky 2009), and the labels people gave (CIFAR-10H)."""

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.data.labelled_images import ImagesAndLabels, LabelledImages, checked_part
from benchmarks.data.local_or_download import PublicFile, local_or_download, read_checked, require
from benchmarks.data.packed_images import read_binary_batches, read_parquet_images

FILE = PublicFile(
    "cifar-10-binary.tar.gz",
    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    "md5:c32a1d4ab5d03f1284b67883e8d87530",
)
PARQUET = {"train": ("train-00000-of-00002.parquet", "train-00001-of-00002.parquet"), "test": ("test.parquet",)}
BATCHES = {"train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)), "test": ("test_batch.bin",)}
COUNTS = {"train": 50_000, "test": 10_000}
CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def load(data_dir: str | os.PathLike | None = None) -> LabelledImages:
    """Reads Parquet files in the layout of image data sets, or the published `cifar-10-binary.tar.gz`; or downloads it.

    The published Python version is never read, since it is made of pickles. The two sources may hold the images of a
    part in different orders.

    Example:

        photographs = benchmarks.data.cifar10.load("my-data")
        images, labels = photographs.test

    Raises:
        ValueError: A file is truncated, or holds something else.
        FileNotFoundError, OSError: A file is missing; see `local_or_download`.
    """
    return LabelledImages(_load_part("train", data_dir), _load_part("test", data_dir), CLASS_NAMES)


def load_human_votes(data_dir: str | os.PathLike | None = None) -> npt.NDArray[np.int64]:
    """How many people gave each label to each test image, `(10000, 10)`: CIFAR-10H (Peterson et al. 2019).

    From `human_votes_test.npz`, whose array `counts` follows the order of the test images of the Parquet files.
    """
    path = local_or_download("cifar10", ["human_votes_test.npz"], None, data_dir)
    return read_checked(path, "an array `counts` (10000, 10) of votes", _read_votes)


def _load_part(part: str, data_dir: str | os.PathLike | None) -> ImagesAndLabels:
    first, *others = PARQUET[part]
    path = local_or_download("cifar10", [first, FILE.name], FILE, data_dir)
    shape = (COUNTS[part], 32, 32, 3)

    def read(file: Path) -> ImagesAndLabels:
        if file.name == first:
            found = read_parquet_images([file, *(file.with_name(name) for name in others)], "label")
        else:
            found = read_binary_batches(file, BATCHES[part], label_bytes=1)
        return checked_part(found, shape, len(CLASS_NAMES))

    return read_checked(path, f"images {shape} of CIFAR-10 with their labels", read)


def _read_votes(path: Path) -> npt.NDArray[np.int64]:
    with np.load(path, allow_pickle=False) as arrays:
        counts = arrays["counts"]
    require(counts.shape == (10_000, 10), f"counts {counts.shape}")
    return counts.astype("int64")
