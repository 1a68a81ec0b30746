r"""The one way from a classifier's outputs to probabilities.

.. math:: p_k = \frac{\exp z_k}{\sum_j \exp z_j}, \qquad \text{and of a single logit } (1 - \sigma(z), \sigma(z))
"""

import numpy as np
import numpy.typing as npt

SUM_TOLERANCE = 1e-2 + 1e-6
ROUNDING = 1e-6

Array = npt.NDArray[np.floating]


def softmax(logits: Array) -> Array:
    """Softmax over the last axis; a single column is a sigmoid and gives two classes."""
    if logits.shape[-1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=-1)
    # SciPy's takes twice as long for a row, which is noticed beside a small network.
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: Array = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probabilities


def check_finite(outputs: Array, first_row: int = 0) -> None:
    """Raises a ValueError if a row of outputs `(..., rows, classes)` holds NaN or infinity."""
    finite = np.isfinite(outputs)
    if not finite.all():
        *_, row, column = np.argwhere(~finite)[0]
        value = outputs[~finite][0]
        raise ValueError(
            "Outputs must be finite numbers; of a network, check its inputs, and that training has not diverged. "
            f"Received: {'NaN or nothing' if np.isnan(value) else value} in row {first_row + row}, column {column}"
        )


def as_probabilities(
    outputs: Array,
    from_logits: bool,
    *,
    first_row: int = 0,
    remedy: str = "If these are logits, pass `from_logits=True`",
) -> Array:
    """Probabilities from what a classifier's last layer gives, logits or already probabilities.

    Rows of probabilities that miss a sum of 1 by at most 0.01, as numbers written with few digits do, are scaled to add
    up to 1.

    Args:
        outputs: `(..., rows, classes)`, or `(..., rows, 1)` for the second of two classes.
        from_logits: Whether they are logits.
        first_row: Number of the first row, for errors.
        remedy: What to do if logits come instead of probabilities, for errors.

    Returns:
        `(..., rows, classes)`, in the precision of the outputs, at least float32.

    Raises:
        ValueError: outputs that are not finite, or clearly not what `from_logits` says they are.

    Example:

    >>> as_probabilities(np.array([[0.0, np.log(3)]]), from_logits=True).round(2).tolist()
    [[0.25, 0.75]]
    >>> as_probabilities(np.array([[0.75]]), from_logits=False).tolist()
    [[0.25, 0.75]]
    """
    if not isinstance(outputs, np.ndarray) or outputs.ndim < 2:
        received = getattr(outputs, "shape", type(outputs).__name__)
        raise ValueError(f"A classifier has one output (rows, classes). Received: {received}")
    check_finite(outputs, first_row)
    if outputs.dtype == np.float16:
        outputs = outputs.astype("float32")
    if from_logits:
        refuse_probabilities(outputs)
        return softmax(outputs)
    if outputs.shape[-1] == 1:
        outputs = np.concatenate([1 - outputs, outputs], axis=-1)
    return scaled_to_one(outputs, checked_sums(outputs, first_row, remedy))


def scaled_to_one(probabilities: Array, sums: Array) -> Array:
    """Probabilities whose rows add up to 1; the same array where they miss it by rounding alone."""
    if np.abs(sums - 1).max(initial=0) <= ROUNDING:
        return probabilities
    return (probabilities / sums[..., None]).astype(probabilities.dtype, copy=False)


def refuse_probabilities(outputs: Array) -> None:
    """Raises a ValueError if all rows of some logits are probabilities."""
    single = outputs.shape[-1] == 1
    if single or not outputs.size or outputs.min() < 0 or outputs.max() > 1 + SUM_TOLERANCE:
        return
    if (np.abs(outputs.sum(axis=-1, dtype="float64") - 1) <= SUM_TOLERANCE).all():
        raise ValueError(
            "The outputs are probabilities already (each row adds up to 1), not logits: pass `from_logits=False`. "
            "Received: from_logits=True"
        )


def checked_sums(
    probabilities: Array,
    first_row: int = 0,
    remedy: str = "If these are logits, turn them into probabilities first",
    name: str = "probabilities",
) -> Array:
    """The sums of the rows in float64, if these are not negative and near 1.

    Raises:
        ValueError: a row is not, with its number.
    """
    if probabilities.min() < 0:
        *_, row, column = np.argwhere(probabilities < 0)[0]
        value = probabilities[probabilities < 0][0]
        raise ValueError(
            f"`{name}` must not be negative. Received: {value:g} in row {first_row + row}, column {column}. {remedy}"
        )
    sums: Array = probabilities.sum(axis=-1, dtype="float64")
    far = np.abs(sums - 1) > SUM_TOLERANCE
    if far.any():
        row = int(np.argwhere(far)[0][-1])
        raise ValueError(
            f"Each row of `{name}` must add up to 1. Received: {sums[far][0]:.6g} in row {first_row + row}"
            f" ({int(far.sum())} such rows among {far.size}). {remedy}"
        )
    return sums
