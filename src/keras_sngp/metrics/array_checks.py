"""Checks of arrays that come from anywhere, with errors that say what was expected and received."""

from typing import Any

import numpy as np
import numpy.typing as npt

from keras_sngp.metrics.probabilities import checked_sums, scaled_to_one

ROWS_PER_BLOCK = 100_000


def checked_probabilities(probabilities: npt.ArrayLike, name: str = "probabilities") -> npt.NDArray[np.floating]:
    """The array `(rows, classes)`, if each row is finite, not negative and adds up to 1.

    Rows that miss 1 by at most 0.01, as numbers written with few digits do, are scaled to add up to 1.
    """
    array = checked_matrix(probabilities, name)
    starts = range(0, len(array), ROWS_PER_BLOCK)
    sums = np.concatenate([checked_sums(array[start : start + ROWS_PER_BLOCK], start, name=name) for start in starts])
    return scaled_to_one(array, sums)


def checked_matrix(values: npt.ArrayLike, name: str) -> npt.NDArray[np.floating]:
    """The array `(rows, classes)`, if it is finite and has at least one row and two classes."""
    array = _as_numbers(values, name)
    if array.ndim != 2 or array.shape[0] == 0 or array.shape[1] < 2:
        raise ValueError(
            f"`{name}` must have the shape (rows, classes) with at least one row and two classes. "
            f"Received: shape {array.shape}"
        )
    _check_finite(array, name)
    return array


def checked_features(features: npt.ArrayLike, name: str = "features") -> npt.NDArray[np.floating]:
    """The array `(rows, width)`, if it is finite and has at least one row and one column."""
    array = _as_numbers(features, name)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(
            f"`{name}` must have the shape (rows, width) with at least one row and one column. "
            f"Received: shape {array.shape}"
        )
    _check_finite(array, name)
    return array


def checked_labels(labels: npt.ArrayLike, rows: int, num_classes: int, name: str = "labels") -> npt.NDArray[np.intp]:
    """Class numbers `(rows,)` from 0 to `num_classes - 1`."""
    array = np.asarray(labels)
    if array.shape != (rows,):
        raise ValueError(f"`{name}` must have the shape ({rows},), one for each row. Received: shape {array.shape}")
    if array.dtype.kind not in "iufb":
        raise ValueError(f"`{name}` must be class numbers from 0 to {num_classes - 1}. Received: dtype {array.dtype}")
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise ValueError(f"`{name}` must be finite class numbers. Received: NaN or infinite values")
        if (array != np.floor(array)).any():
            raise ValueError(f"`{name}` must be whole class numbers. Received: {array[array != np.floor(array)][0]}")
    if array.min() < 0 or array.max() >= num_classes:
        raise ValueError(
            f"`{name}` must be class numbers from 0 to {num_classes - 1}. "
            f"Received: from {array.min():g} to {array.max():g}"
        )
    return array.astype(np.intp, copy=False)


def checked_predictions(
    probabilities: npt.ArrayLike, labels: npt.ArrayLike
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.intp]]:
    """Probabilities `(rows, classes)` and class numbers `(rows,)` that belong together."""
    array = checked_probabilities(probabilities)
    return array, checked_labels(labels, *array.shape)


def checked_vector(values: npt.ArrayLike, name: str, rows: int | None = None) -> npt.NDArray[np.floating]:
    """Finite numbers `(rows,)`, at least one."""
    array = _as_numbers(values, name)
    if array.ndim != 1 or len(array) == 0 or (rows is not None and len(array) != rows):
        expected = "(rows,) with at least one row" if rows is None else f"({rows},)"
        raise ValueError(f"`{name}` must have the shape {expected}. Received: shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"`{name}` must be finite numbers. Received: {_shown(array[~np.isfinite(array)][0])}")
    return array


def checked_mistakes(mistakes: npt.ArrayLike, rows: int) -> npt.NDArray[np.floating]:
    """Mistakes `(rows,)`: 1 or True where the prediction was wrong, 0 or False where it was right."""
    array = checked_vector(np.asarray(mistakes), "mistakes", rows)
    if not np.isin(array, (0, 1)).all():
        raise ValueError(f"`mistakes` must be 0 or 1. Received: {array[~np.isin(array, (0, 1))][0]}")
    return array


def check_share(value: Any, name: str) -> float:
    """A number from 0 to 1."""
    if not isinstance(value, (int, float, np.number)) or not 0 <= value <= 1:
        raise ValueError(f"`{name}` must be from 0 to 1. Received: {value!r}")
    return float(value)


def _check_finite(array: npt.NDArray[np.floating], name: str) -> None:
    for start in range(0, len(array), ROWS_PER_BLOCK):
        finite = np.isfinite(array[start : start + ROWS_PER_BLOCK])
        if not finite.all():
            row, column = np.argwhere(~finite)[0] + (start, 0)
            raise ValueError(
                f"`{name}` must be finite numbers. Received: {_shown(array[row, column])} in row {row}, column {column}"
            )


def _as_numbers(values: npt.ArrayLike, name: str) -> npt.NDArray[np.floating]:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"`{name}` must be an array of numbers. Received: rows of different lengths") from error
    if array.dtype.kind not in "iufb":
        raise ValueError(f"`{name}` must be numbers. Received: dtype {array.dtype}")
    return array if array.dtype.kind == "f" else array.astype("float64")


def _shown(value: Any) -> str:
    return "NaN" if np.isnan(value) else str(value)
