"""The images of OpenOOD v1.5's CIFAR-10 benchmark: from its own folders where they are there, else from our loaders.

OpenOOD keeps the images in `images_classic/` and says which of them form a set in `benchmark_imglist/cifar10/*.txt`, a
line an image: its path below `images_classic/`, a blank, its label. Only Tiny ImageNet, SVHN, Textures and Places365
need that layout. For CIFAR-10, CIFAR-100 and MNIST there are loaders of ours, with a split of our own.

Reference: Zhang et al. 2023, arXiv:2306.09301; github.com/Jingkang50/OpenOOD.
"""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split

from benchmarks.data import cifar10, cifar100, mnist
from benchmarks.data.labelled_images import ImagesAndLabels
from benchmarks.data.local_or_download import ENVIRONMENT_VARIABLE, read_checked, require

if TYPE_CHECKING:
    from PIL import Image

SIDE = 32
VALIDATION_ROWS = 1_000
LISTS, IMAGES = "benchmark_imglist/cifar10", "images_classic"
NEAR = {"CIFAR-100": "test_cifar100", "Tiny ImageNet": "test_tin"}
FAR = {"MNIST": "test_mnist", "SVHN": "test_svhn", "Textures": "test_texture", "Places365": "test_places365"}
OUTSIDE_VALIDATION = "val_tin"


@dataclasses.dataclass(frozen=True)
class OpenOODCifar10:
    """Images uint8 `(n, 32, 32, 3)`; labels of CIFAR-10.

    `sources` says of each set whether OpenOOD's list or a split of our own gave it; `missing` names the sets that are
    not there.
    """

    training: ImagesAndLabels
    validation: ImagesAndLabels
    test: ImagesAndLabels
    outside_validation: npt.NDArray[np.uint8]  # To choose hyperparameters of detectors by.
    near: dict[str, npt.NDArray[np.uint8]]
    far: dict[str, npt.NDArray[np.uint8]]
    sources: dict[str, str]
    missing: tuple[str, ...]


def load(data_dir: str | os.PathLike | None = None) -> OpenOODCifar10:
    """Reads what is there.

    Looks for OpenOOD's two folders in `data_dir`, or in the folder that KERAS_SNGP_DATA names, and there in
    a sub-folder `openood` first. Without its list, the 10,000 test images of CIFAR-10 are split into 1,000 for
    validation and 9,000 for the test, the classes in equal parts; the test images of CIFAR-100 alike, where the 1,000
    serve as out-of-domain validation data in place of Tiny ImageNet; and MNIST is all its 70,000 images. Images
    of another size are scaled so that the shorter side is 32, bilinearly, and cut in the middle.

    Example:

        data = benchmarks.data.openood.load("my-data")
        images, labels = data.test

    Raises:
        ValueError: A list is there, but one of its images is not, or cannot be read.
        FileNotFoundError, OSError: CIFAR-10, CIFAR-100 or MNIST is missing; see `local_or_download`.
    """
    folder, found = _openood_folder(data_dir), {}
    sources: dict[str, str] = {}

    def listed(name: str, list_name: str) -> ImagesAndLabels | None:
        path = None if folder is None else folder / LISTS / f"{list_name}.txt"
        if path is None or not path.is_file():
            return None
        sources[name] = f"OpenOOD's list {list_name}"
        return read_list(path, path.parents[2] / IMAGES)

    for name, list_name in (*NEAR.items(), *FAR.items(), ("out-of-domain validation", OUTSIDE_VALIDATION)):
        if (part := listed(name, list_name)) is not None:
            found[name] = part[0]
    of_cifar10 = {part: listed(name, f"{name}_cifar10") for part, name in _PARTS.items()}
    if None in of_cifar10.values():
        sources.update(dict.fromkeys(_PARTS.values(), "loader of CIFAR-10; validation and test split by us"))
        of_cifar10 = dict(zip(_PARTS, _split_cifar10(data_dir), strict=True))
    if "CIFAR-100" not in found or "out-of-domain validation" not in found:
        images, labels = cifar100.load_test(data_dir)
        kept, tested = split_of(labels)
        for name, rows in (("CIFAR-100", tested), ("out-of-domain validation", kept)):
            if name not in found:
                found[name], sources[name] = images[rows], "test images of CIFAR-100, split by us"
    if "MNIST" not in found:
        found["MNIST"], sources["MNIST"] = _digits(data_dir), "all 70,000 images of MNIST"
    return OpenOODCifar10(
        **{part: images for part, images in of_cifar10.items() if images is not None},
        outside_validation=found["out-of-domain validation"],
        near={name: found[name] for name in NEAR if name in found},
        far={name: found[name] for name in FAR if name in found},
        sources=sources,
        missing=tuple(name for name in (*NEAR, *FAR) if name not in found),
    )


_PARTS = {"training": "train", "validation": "val", "test": "test"}


def split_of(labels: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows for validation, 1,000 of them, and the others, both in order; the same at each call.

    Example:

    >>> kept, tested = split_of(np.repeat(np.arange(10), 1_000))
    >>> len(kept), len(tested)
    (1000, 9000)
    """
    rows = np.arange(len(labels))
    tested, kept = train_test_split(rows, test_size=VALIDATION_ROWS, random_state=0, stratify=labels)
    return np.sort(kept), np.sort(tested)


def read_list(path: Path, folder: Path) -> ImagesAndLabels:
    """The images of a list of OpenOOD's, `(n, 32, 32, 3)`, and their labels, -1 for none."""

    def read(file: Path) -> ImagesAndLabels:
        lines = [line.rsplit(maxsplit=1) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        require(bool(lines) and all(len(line) == 2 for line in lines), "a line that is no path and label, or no line")
        images = np.empty((len(lines), SIDE, SIDE, 3), np.uint8)
        for row, (name, _) in enumerate(lines):
            images[row] = _open(folder / name)
        return images, np.array([int(label) for _, label in lines], np.int64)

    return read_checked(path, f"a path below {folder} and a label in each line", read)


def as_openood(image: "Image.Image") -> npt.NDArray[np.uint8]:
    """An image in colours, `(32, 32, 3)`: the shorter side scaled to 32, bilinearly, and the middle cut out."""
    from PIL import Image

    image = image.convert("RGB")
    if image.size != (SIDE, SIDE):
        shorter = min(image.size)
        width, height = (int(SIDE * length / shorter) for length in image.size)
        image = image.resize((width, height), Image.Resampling.BILINEAR)
        left, top = round((width - SIDE) / 2), round((height - SIDE) / 2)
        image = image.crop((left, top, left + SIDE, top + SIDE))
    return np.asarray(image)


def _open(path: Path) -> npt.NDArray[np.uint8]:
    from PIL import Image

    with Image.open(path) as image:
        return as_openood(image)


def _openood_folder(data_dir: str | os.PathLike | None) -> Path | None:
    places = [data_dir] if data_dir is not None else [os.environ.get(ENVIRONMENT_VARIABLE)]
    folders = [folder for place in places if place for folder in (Path(place) / "openood", Path(place))]
    return next((folder for folder in folders if (folder / LISTS).is_dir()), None)


def _split_cifar10(data_dir: str | os.PathLike | None) -> Iterator[ImagesAndLabels]:
    data = cifar10.load(data_dir)
    yield data.train
    images, labels = data.test
    for rows in split_of(labels):
        yield images[rows], labels[rows]


def _digits(data_dir: str | os.PathLike | None) -> npt.NDArray[np.uint8]:
    from PIL import Image

    data = mnist.load(data_dir)
    digits = np.concatenate([data.train[0], data.test[0]])
    return np.stack([as_openood(Image.fromarray(digit)) for digit in digits])
