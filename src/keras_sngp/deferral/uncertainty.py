"""The scores a policy can go by, each higher for less sure."""

import numpy as np
import numpy.typing as npt

from keras_sngp.metrics import scores
from keras_sngp.metrics.array_checks import checked_vector

SCORES = scores.OF_PREDICTIONS


def uncertainty_of(
    score: str,
    probabilities: npt.NDArray[np.floating],
    variance: npt.ArrayLike | None = None,
    uncertainty: npt.ArrayLike | None = None,
) -> npt.NDArray[np.floating]:
    """One number a row by the score's name.

    Args:
        score: `"max_probability"`: one less the largest probability. `"entropy"`: in nats. `"margin"`: one less the
            distance of the two largest probabilities. `"variance"`: the posterior variance given, averaged over the
            classes where each has its own. `"given"`: the uncertainty given.
        probabilities: `(rows, classes)`.
        variance: `(rows,)` or `(rows, classes)`.
        uncertainty: `(rows,)`.

    Returns:
        `(rows,)` in float64, so that thresholds compare alike wherever they were saved.

    Example:

    >>> uncertainty_of("margin", np.array([[0.5, 0.3, 0.2]])).round(3).tolist()
    [0.8]
    """
    if score == "max_probability":
        return 1 - scores.max_probability(probabilities).astype("float64")
    if score == "entropy":
        return scores.entropy(probabilities).astype("float64")
    if score == "margin":
        second, first = np.partition(probabilities, -2, axis=1)[:, -2:].astype("float64").T
        margin: npt.NDArray[np.floating] = first - second
        return 1 - margin
    if score == "variance":
        return row_variance(_present(variance, "variance", score), len(probabilities))
    if score == "given":
        given = checked_vector(_present(uncertainty, "uncertainty", score), "uncertainty", len(probabilities))
        return given.astype("float64")
    raise ValueError(f"`score` must be one of {', '.join(SCORES)}. Received: {score!r}")


def row_variance(variance: npt.ArrayLike, rows: int) -> npt.NDArray[np.floating]:
    """Variances `(rows,)`, averaged over classes where there is one for each."""
    array = np.asarray(variance)
    return checked_vector(array.mean(axis=1) if array.ndim == 2 else array, "variance", rows).astype("float64")


def _present(values: npt.ArrayLike | None, name: str, score: str) -> npt.ArrayLike:
    if values is None:
        raise ValueError(f"The score {score!r} needs `{name}=`, one number for each row. Received: None")
    return values
