"""CIFAR-100's test images, 32 x 32 colour, 100 kinds (Krizhevsky 2009): near to CIFAR-10, but other things."""

import os
from pathlib import Path

from benchmarks.data.labelled_images import ImagesAndLabels, checked_part
from benchmarks.data.local_or_download import PublicFile, local_or_download, read_checked
from benchmarks.data.packed_images import read_binary_batches, read_parquet_images

FILE = PublicFile(
    "cifar-100-binary.tar.gz",
    "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
    "md5:03b5dce01913d631647c71ecec9e9cb8",
)
SHAPE = (10_000, 32, 32, 3)


def load_test(data_dir: str | os.PathLike | None = None) -> ImagesAndLabels:
    """Reads `test.parquet` in a folder `cifar100`, or the published `cifar-100-binary.tar.gz`; or downloads the latter.

    Example:

        images, fine_labels = benchmarks.data.cifar100.load_test("my-data")

    Raises:
        ValueError: The file is truncated, or holds something else.
        FileNotFoundError, OSError: The file is missing; see `local_or_download`.
    """
    path = local_or_download("cifar100", ["test.parquet", FILE.name], FILE, data_dir)

    def read(file: Path) -> ImagesAndLabels:
        is_parquet = file.suffix == ".parquet"
        found = read_parquet_images([file], "label") if is_parquet else read_binary_batches(file, ("test.bin",), 2)
        return checked_part(found, SHAPE, 100)

    return read_checked(path, f"images {SHAPE} of CIFAR-100 with their labels", read)
