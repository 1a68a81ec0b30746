"""The checks that all detectors share, each with an error in one line."""

import numpy as np
import numpy.typing as npt

from keras_sngp.metrics import array_checks

Array = npt.NDArray[np.floating]


def checked_features(features: npt.ArrayLike | None, width: int | None = None) -> Array:
    """Features `(rows, width)` in float64.

    Raises:
        ValueError: they are missing, not finite, or not of the width given.
    """
    if features is None:
        raise ValueError("This detector needs `features=`, an array (rows, width). Received: None")
    array = array_checks.checked_features(features)
    if width is not None and array.shape[1] != width:
        raise ValueError(f"`features` must have the width of those fitted, {width}. Received: shape {array.shape}")
    return array.astype("float64", copy=False)


def checked_logits(logits: npt.ArrayLike | None, rows: int | None = None, classes: int | None = None) -> Array:
    """Logits `(rows, classes)` in float64; a single column becomes two.

    Raises:
        ValueError: they are missing, not finite, of other rows, or of other classes than fitted.
    """
    if logits is None:
        raise ValueError("This detector needs `logits=`, an array (rows, classes). Received: None")
    array = two_classes(np.asarray(logits))
    array = array_checks.checked_matrix(array, "logits").astype("float64", copy=False)
    if rows is not None and len(array) != rows:
        raise ValueError(f"`logits` must be of the same {rows} rows as `features`. Received: {len(array)} rows")
    if classes is not None and array.shape[1] != classes:
        raise ValueError(f"`logits` must have the {classes} classes of those fitted. Received: shape {array.shape}")
    return array


def two_classes(array: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """A single last column, of the second of two classes, with zeros for the first before it; others as they are."""
    if array.ndim == 0 or array.shape[-1] != 1:
        return array
    return np.concatenate([np.zeros_like(array), array], axis=-1)


def checked_classes(labels: npt.ArrayLike | None, rows: int, rows_per_class: int = 1) -> npt.NDArray[np.intp]:
    """Numbers from 0 without gaps, `(rows,)`, of the classes that occur.

    Raises:
        ValueError: labels that are missing, no class numbers, of one class, or of a class with fewer rows than needed.
    """
    if labels is None:
        raise ValueError("This detector needs `labels=`, class numbers (rows,). Received: None")
    array = np.asarray(labels)
    largest = array.max() if array.size and array.dtype.kind in "iu" else np.iinfo("int64").max - 1
    numbers = array_checks.checked_labels(array, rows, int(largest) + 1)
    found, places, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    if len(found) < 2:
        raise ValueError(f"`labels` must be of at least two classes. Received: class {found[0]} alone")
    if counts.min() < rows_per_class:
        raise ValueError(
            f"`labels` must have at least {rows_per_class} rows of each class. "
            f"Received: {counts.min()} of class {found[counts.argmin()]}"
        )
    return places


def require_fitted(array: Array | None, name: str) -> Array:
    """The fitted array.

    Raises:
        ValueError: it is not there yet.
    """
    if array is None:
        raise ValueError(f"Fit the detector {name!r} to training data before scoring. Received: an unfitted detector")
    return array


def unit_length(features: Array) -> Array:
    """Each row divided by its Euclidean norm; rows of zeros stay zeros."""
    norms: Array = np.linalg.norm(features, axis=1, keepdims=True)
    scaled: Array = features / np.maximum(norms, 1e-12)
    return scaled
