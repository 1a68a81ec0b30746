"""A block of a model's outputs, checked and as probabilities."""

import numpy as np
from scipy import special

ROUNDING = 1e-2 + 1e-6


def block_probabilities(outputs: np.ndarray, logits: bool, first_row: int) -> np.ndarray:
    """Probabilities `(rows, classes)` of a block of outputs; one column becomes two classes.

    Rows that miss 1 by at most 0.01, as numbers written with few digits do, are scaled to add up to 1.

    Raises:
        ValueError: NaN, negative numbers, rows that do not add up to 1.
    """
    finite = np.isfinite(outputs)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        value = outputs[row, column]
        shown = "NaN or nothing" if np.isnan(value) else str(value)
        raise ValueError(f"Outputs must be finite numbers. Received: {shown} in row {first_row + row}, class {column}")
    if logits:
        if outputs.shape[1] == 1:
            positive = special.expit(outputs.astype("float64"))
            return np.concatenate([1 - positive, positive], axis=1)
        return special.softmax(outputs.astype("float64"), axis=1)
    if outputs.shape[1] == 1:
        outputs = np.concatenate([1 - outputs, outputs], axis=1)
    if outputs.min() < 0:
        row, column = np.argwhere(outputs < 0)[0]
        raise ValueError(
            f"Probabilities must not be negative. Received: {outputs[row, column]:g} in row {first_row + row}, class "
            f"{column}. If these are logits, say so by --logits"
        )
    sums = outputs.sum(axis=1, dtype="float64")
    far = np.abs(sums - 1) > ROUNDING
    if far.any():
        row = int(np.argmax(far))
        raise ValueError(
            f"The probabilities of a row must add up to 1. Received: {sums[row]:.6g} in row {first_row + row}. "
            "If these are logits, say so by --logits"
        )
    return outputs / sums[:, None].astype(outputs.dtype)
