"""A data set of images, as its loaders give it."""

import dataclasses

import numpy as np
import numpy.typing as npt

from benchmarks.data.local_or_download import require

ImagesAndLabels = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]


@dataclasses.dataclass(frozen=True)
class LabelledImages:
    """Images, uint8 `(n, height, width)` or `(n, height, width, 3)`, with labels that are indices in `class_names`."""

    train: ImagesAndLabels
    test: ImagesAndLabels
    class_names: tuple[str, ...]


def checked(
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    class_names: tuple[str, ...],
) -> LabelledImages:
    """The data set, if both parts have the shapes and only labels that have a name."""
    parts = [checked_part(part, shape, len(class_names)) for part, shape in zip((train, test), shapes, strict=True)]
    return LabelledImages(parts[0], parts[1], class_names)


def checked_part(part: tuple[np.ndarray, np.ndarray], shape: tuple[int, ...], num_classes: int) -> ImagesAndLabels:
    images, labels = part
    require(images.shape == shape and images.dtype == np.uint8, f"images {images.shape} of {images.dtype}")
    require(labels.shape == shape[:1], f"labels {labels.shape}")
    require(labels.min() >= 0 and labels.max() < num_classes, f"labels from {labels.min()} to {labels.max()}")
    return images, labels.astype("int64")
