"""Checks of arrays before long work starts, with errors that say what was expected and received.

Data sets that come in batches (tf.data, PyDataset, DataLoader, generators) cannot be looked through
beforehand and are passed on as they are.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np


def is_array_like(x: Any) -> bool:
    """True for arrays, tensors, lists, data frames and structures of them; False for batched data sets."""
    leaves = keras.tree.flatten(x)
    return bool(leaves) and all(hasattr(leaf, "__array__") or isinstance(leaf, (int, float)) for leaf in leaves)


def check_inputs(x: Any, model: keras.Model | None = None) -> None:
    """Raises a ValueError if an array is empty, not finite, or not of the shape the model was built for."""
    if x is None:
        raise ValueError("`x` must be data to work on. Received: None")
    if not is_array_like(x):
        return
    arrays = keras.tree.flatten(keras.tree.map_structure(_as_numpy, x))
    for array in arrays:
        if array.ndim > 0 and len(array) == 0:
            raise ValueError(f"`x` must have at least one row. Received: shape {array.shape}")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            bad = np.argwhere(~np.isfinite(array))
            raise ValueError(
                f"`x` must hold finite numbers. Received: {len(bad)} NaN or infinite values, "
                f"the first {array[tuple(bad[0])]} at index {tuple(map(int, bad[0]))}"
            )
    if model is not None and len(arrays) == 1:
        _check_shape(arrays[0].shape, model)


def _check_shape(shape: tuple[int, ...], model: keras.Model) -> None:
    expected = (model.get_build_config() or {}).get("input_shape") if model.built else None
    if not isinstance(expected, tuple) or not all(isinstance(n, int | None) for n in expected):
        return
    pairs = itertools.zip_longest(expected[1:], shape[1:], fillvalue=-1)
    if any(wanted is not None and wanted != received for wanted, received in pairs):
        rows = ("rows", *("any" if n is None else str(n) for n in expected[1:]))
        raise ValueError(f"`x` must have the shape ({', '.join(rows)}). Received: shape {shape}")


def _as_numpy(leaf: Any) -> np.ndarray:
    return keras.ops.convert_to_numpy(leaf) if keras.ops.is_tensor(leaf) else np.asarray(leaf)


def check_labels(y: Any, num_classes: int) -> None:
    """Raises a ValueError if integer labels lie outside [0, num_classes) or one-hot rows have another width."""
    if y is None or not is_array_like(y) or num_classes < 2:
        return
    labels = _as_numpy(y)
    if labels.ndim == 2 and labels.shape[1] > 1:
        if labels.shape[1] != num_classes:
            raise ValueError(f"One-hot labels must have shape (rows, {num_classes}). Received: {labels.shape}")
        return
    if labels.dtype.kind not in "iufb" or not np.isfinite(labels.astype("float64")).all():
        raise ValueError(
            f"Labels must be class numbers from 0 to {num_classes - 1}. Received: dtype {labels.dtype}"
            if labels.dtype.kind not in "iufb"
            else "Labels must be finite class numbers. Received: NaN or infinite values"
        )
    outside = labels[(labels < 0) | (labels >= num_classes) | (labels != np.floor(labels))]
    if outside.size:
        raise ValueError(
            f"Labels must be class numbers from 0 to {num_classes - 1}. Received: {outside.size} others, "
            f"such as {outside.flat[0]}"
        )


def first_rows(x: Any) -> Any:
    """The first row of arrays, or the first batch's inputs of a data set that can be gone through again.

    Raises:
        ValueError: `x` is a generator, which gives its data once.
    """
    if is_array_like(x):
        return keras.tree.map_structure(lambda leaf: _as_numpy(leaf)[:1], x)
    if isinstance(x, Iterator):
        raise ValueError(
            "`x` is gone through once for each member, so it must be arrays, a tf.data.Dataset, a PyDataset "
            f"or a torch DataLoader. Received: {type(x).__name__}"
        )
    batch = x[0] if isinstance(x, keras.utils.PyDataset) else next(iter(x))
    inputs, _, _ = keras.utils.unpack_x_y_sample_weight(tuple(batch) if isinstance(batch, list) else batch)
    return keras.tree.map_structure(_as_numpy, inputs)
