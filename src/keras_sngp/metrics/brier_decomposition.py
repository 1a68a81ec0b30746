"""What a Brier score is made of."""

import dataclasses

import numpy as np
import numpy.typing as npt

from keras_sngp.metrics.array_checks import checked_predictions
from keras_sngp.metrics.confidence_bins import bin_index


@dataclasses.dataclass(frozen=True)
class BrierDecomposition:
    """Terms of `brier = reliability - resolution + uncertainty + within_bins`, each a sum over the classes.

    Attributes:
        reliability: Squared distance of stated from true frequencies in the bins; 0 if calibrated.
        resolution: How far the bins' frequencies are from the overall ones; large if the model tells cases apart.
        uncertainty: The score of somebody who always states the overall frequencies.
        within_bins: What gathering different probabilities in one bin hides; 0 if each bin holds one value.
    """

    reliability: float
    resolution: float
    uncertainty: float
    within_bins: float

    @property
    def brier(self) -> float:
        """The Brier score itself."""
        return self.reliability - self.resolution + self.uncertainty + self.within_bins


def brier_decomposition(
    probabilities: npt.ArrayLike, labels: npt.ArrayLike, num_bins: int = 15, binning: str = "equal_width"
) -> BrierDecomposition:
    r"""Parts the Brier score into calibration, ability to tell cases apart, and the difficulty of the data.

    For each class k, with bins m of its probability p that hold n_m rows with mean probability `p_m` and a share
    `o_m` of rows of that class, and `o` that share overall,

    .. math::
        \mathrm{reliability} = \sum_m \frac{n_m}{n} (p_m - o_m)^2, \quad
        \mathrm{resolution} = \sum_m \frac{n_m}{n} (o_m - o)^2, \quad
        \mathrm{uncertainty} = o (1 - o),

    and within bins the variance of p less twice its covariance with the outcome.

    Args:
        probabilities: `(rows, classes)`.
        labels: Class numbers `(rows,)`.
        num_bins: Number of bins a class.
        binning: `"equal_width"` or `"equal_mass"`.

    Example:

    >>> parts = brier_decomposition([[0.75, 0.25]] * 4, [0, 0, 1, 1])
    >>> parts.reliability, parts.resolution, parts.uncertainty, round(parts.brier, 3)
    (0.125, 0.0, 0.5, 0.625)

    Reference: Murphy 1973, "A new vector partition of the probability score"; the terms within bins:
    Stephenson, Coelho and Jolliffe 2008, "Two extra components in the Brier score decomposition".
    """
    probabilities, labels = checked_predictions(probabilities, labels)
    terms = [_terms(column, labels == k, num_bins, binning) for k, column in enumerate(probabilities.T)]
    return BrierDecomposition(*(float(term) for term in np.sum(terms, axis=0)))


def _terms(p: np.ndarray, came_true: np.ndarray, num_bins: int, binning: str) -> tuple[float, float, float, float]:
    index = bin_index(p, num_bins, binning)
    count = np.bincount(index, minlength=num_bins)
    share, rows = count / len(p), np.maximum(count, 1)
    mean = np.bincount(index, p, num_bins) / rows
    frequency = np.bincount(index, came_true, num_bins) / rows
    overall = came_true.mean()
    deviation = p - mean[index]
    within = np.mean(deviation**2) - 2 * np.mean(deviation * (came_true - frequency[index]))
    reliability = np.sum(share * (mean - frequency) ** 2)
    resolution = np.sum(share * (frequency - overall) ** 2)
    return reliability, resolution, overall * (1 - overall), within
