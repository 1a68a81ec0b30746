"""Fashion-MNIST: articles of clothing, 28 x 28 (Xiao et al. 2017, MIT)."""

import gzip
import os
from pathlib import Path

import numpy as np

from benchmarks.data.labelled_images import LabelledImages, checked_part
from benchmarks.data.local_or_download import PublicFile, local_or_download, read_checked, require

SOURCE = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
HASHES = {
    "train-images-idx3-ubyte.gz": "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "md5:25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "md5:bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "md5:bb300cfdad3c16e7a12a480ee83cd310",
}
DEBIAN_FOLDERS = ("/usr/share/datasets/fashion-mnist",)
CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def load(data_dir: str | os.PathLike | None = None) -> LabelledImages:
    """Reads the four published files from a local folder or Debian's `dataset-fashion-mnist`, or downloads them.

    Example:

        clothes = benchmarks.data.fashion_mnist.load()
        images, labels = clothes.train

    Raises:
        ValueError: A file is truncated, or holds something else.
        FileNotFoundError, OSError: A file is missing; see `local_or_download`.
    """
    parts = []
    for part, count in (("train", 60_000), ("t10k", 10_000)):
        images = _load_file(f"{part}-images-idx3-ubyte.gz", (count, 28, 28), data_dir)
        labels = _load_file(f"{part}-labels-idx1-ubyte.gz", (count,), data_dir)
        parts.append(checked_part((images, labels), (count, 28, 28), len(CLASS_NAMES)))
    return LabelledImages(parts[0], parts[1], CLASS_NAMES)


def _load_file(name: str, shape: tuple[int, ...], data_dir: str | os.PathLike | None) -> np.ndarray:
    public = PublicFile(f"fashion-{name}", f"{SOURCE}{name}", HASHES[name])
    path = local_or_download("fashion-mnist", [name, public.name], public, data_dir, DEBIAN_FOLDERS)
    return read_checked(path, f"an idx array {shape} of bytes", lambda file: _read_idx(file, shape))


def _read_idx(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    with gzip.open(path) as file:
        content = file.read()
    header = 4 + 4 * len(shape)
    expected = bytes((0, 0, 8, len(shape))) + np.array(shape, ">u4").tobytes()
    require(content[:header] == expected, f"the header {content[:header].hex()} instead of {expected.hex()}")
    require(len(content) == header + np.prod(shape), f"{len(content):,} bytes")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)
