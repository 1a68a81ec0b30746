"""How often machine and expert together are right."""

import dataclasses

import numpy as np
import numpy.typing as npt

from keras_sngp.metrics.array_checks import checked_mistakes, checked_vector
from keras_sngp.metrics.selective import risk_coverage_curve

Array = npt.NDArray[np.floating]


def joint_accuracy(defer: npt.ArrayLike, mistakes: npt.ArrayLike, expert_correct: npt.ArrayLike) -> float:
    """Expected share of right answers when the expert gives those that are deferred.

    Args:
        defer: Whether each row goes to the expert, `(rows,)`.
        mistakes: Whether the machine is wrong about it, `(rows,)`.
        expert_correct: Probability that the expert is right about it, `(rows,)`: see `Expert.correct_probability`.

    Example:

    >>> joint_accuracy([True, False], [1, 0], [0.9, 0.9])
    0.95
    """
    defer = np.asarray(defer, dtype=bool)
    mistakes = checked_mistakes(mistakes, len(defer))
    expert_correct = _checked_expert(expert_correct, len(defer))
    return float(np.mean(np.where(defer, expert_correct, 1 - mistakes)))


@dataclasses.dataclass(frozen=True)
class JointAccuracyCurve:
    """Accuracy of machine and expert for every share of rows deferred.

    Attributes:
        share: Share of rows deferred, from 0 to 1, `(rows + 1,)`.
        accuracy: Expected share of right answers, `(rows + 1,)`: the machine's alone first, the expert's alone last.
    """

    share: Array
    accuracy: Array

    def at(self, share: float) -> float:
        """Accuracy when at most this share is deferred."""
        return float(self.accuracy[int(np.floor(share * (len(self.share) - 1) + 1e-9))])


def joint_accuracy_curve(
    uncertainty: npt.ArrayLike, mistakes: npt.ArrayLike, expert_correct: npt.ArrayLike
) -> JointAccuracyCurve:
    """Accuracy of machine and expert when the k most uncertain rows are deferred, for every k.

    Rows of equal uncertainty count with their mean, as if deferred in random order.

    Args:
        uncertainty: `(rows,)`, higher for less sure.
        mistakes: Whether the machine is wrong, `(rows,)`.
        expert_correct: Probability that the expert is right, `(rows,)`.

    Example:

    >>> curve = joint_accuracy_curve([0.1, 0.9], [0, 1], [0.8, 0.8])
    >>> curve.share.tolist(), curve.accuracy.round(3).tolist()
    ([0.0, 0.5, 1.0], [0.5, 0.9, 0.8])
    """
    uncertainty = checked_vector(uncertainty, "uncertainty")
    mistakes = checked_mistakes(mistakes, len(uncertainty))
    expert_correct = _checked_expert(expert_correct, len(uncertainty))
    # From the most uncertain row on, each deferral gains what the expert adds; losses are at least 0, hence the shift.
    gain = expert_correct + mistakes
    curve = risk_coverage_curve(-uncertainty, gain)
    rows = len(uncertainty)
    gains = curve.risk * np.arange(1, rows + 1) - np.arange(1, rows + 1)
    return JointAccuracyCurve(np.arange(rows + 1) / rows, 1 - mistakes.mean() + np.concatenate([[0.0], gains]) / rows)


def _checked_expert(expert_correct: npt.ArrayLike, rows: int) -> Array:
    array = checked_vector(expert_correct, "expert_correct", rows)
    if array.min() < 0 or array.max() > 1:
        raise ValueError(f"`expert_correct` must be from 0 to 1. Received: from {array.min():g} to {array.max():g}")
    return array
