"""How far stated confidences are from what comes true."""

import numpy as np
import numpy.typing as npt

from keras_sngp.metrics.array_checks import checked_predictions
from keras_sngp.metrics.confidence_bins import ConfidenceBins, confidence_bins, top_label_bins


def expected_calibration_error(
    probabilities: npt.ArrayLike, labels: npt.ArrayLike, num_bins: int = 15, binning: str = "equal_width"
) -> float:
    r"""Mean distance between confidence and accuracy over bins of confidence.

    .. math:: \mathrm{ECE} = \sum_{m=1}^M \frac{|B_m|}{n} \left| \mathrm{acc}(B_m) - \mathrm{conf}(B_m) \right|

    with the rows in bins `B_m` by the probability of their predicted class; a confidence of exactly 1 is in the last
    bin.

    Args:
        probabilities: `(rows, classes)`.
        labels: Class numbers `(rows,)`.
        num_bins: Number of bins `M`.
        binning: `"equal_width"`, as in the paper, or `"equal_mass"`, bins of equal counts, which leaves fewer bins
            to the noise of a handful of rows.

    Returns:
        A number from 0 (calibrated) to 1.

    Raises:
        ValueError: shapes that do not fit, rows that are not probabilities, labels out of range.

    Example:

    >>> expected_calibration_error([[1.0, 0.0], [1.0, 0.0]], [0, 1])
    0.5

    Reference: Guo et al. 2017, arXiv:1706.04599, equation 3; equal mass: Nguyen and O'Connor 2015, arXiv:1508.05154.
    """
    return _mean_gap(top_label_bins(probabilities, labels, num_bins, binning))


def maximum_calibration_error(
    probabilities: npt.ArrayLike, labels: npt.ArrayLike, num_bins: int = 15, binning: str = "equal_width"
) -> float:
    r"""Largest distance between confidence and accuracy in any bin that holds rows.

    .. math:: \mathrm{MCE} = \max_{m: |B_m| > 0} \left| \mathrm{acc}(B_m) - \mathrm{conf}(B_m) \right|

    A bin of one row counts as much as one of a thousand, so this is noisy unless bins are of equal mass.

    Args:
        probabilities: `(rows, classes)`.
        labels: Class numbers `(rows,)`.
        num_bins: Number of bins.
        binning: `"equal_width"` or `"equal_mass"`.

    Example:

    >>> maximum_calibration_error([[0.9, 0.1], [0.6, 0.4]], [1, 0], num_bins=10)
    0.9

    Reference: Guo et al. 2017, arXiv:1706.04599, equation 5.
    """
    bins = top_label_bins(probabilities, labels, num_bins, binning)
    return float(np.abs(bins.gap)[bins.count > 0].max())


def classwise_calibration_error(
    probabilities: npt.ArrayLike, labels: npt.ArrayLike, num_bins: int = 15, binning: str = "equal_width"
) -> float:
    r"""Calibration of every class's probability, not of the predicted one alone; also static calibration error.

    .. math:: \frac{1}{K} \sum_{k=1}^K \sum_{m=1}^M \frac{|B_{mk}|}{n}
        \left| \bar y_k(B_{mk}) - \bar p_k(B_{mk}) \right|

    Args:
        probabilities: `(rows, classes)`.
        labels: Class numbers `(rows,)`.
        num_bins: Number of bins a class.
        binning: `"equal_width"`, or `"equal_mass"` for the adaptive calibration error.

    Example:

    >>> classwise_calibration_error([[0.75, 0.25], [0.75, 0.25]], [0, 1])
    0.25

    Reference: Kull et al. 2019, arXiv:1910.12656 (class-wise ECE); Nixon et al. 2019, arXiv:1904.01685 (SCE).
    """
    probabilities, labels = checked_predictions(probabilities, labels)
    gaps = [
        _mean_gap(confidence_bins(column, labels == k, num_bins, binning)) for k, column in enumerate(probabilities.T)
    ]
    return float(np.mean(gaps))


def adaptive_calibration_error(probabilities: npt.ArrayLike, labels: npt.ArrayLike, num_bins: int = 15) -> float:
    r"""Class-wise calibration error over ranges of equal counts.

    .. math:: \mathrm{ACE} = \frac{1}{K R} \sum_{k=1}^K \sum_{r=1}^R
        \left| \mathrm{acc}(r, k) - \mathrm{conf}(r, k) \right|

    Where ties keep the ranges from being equally full, each counts by its share of the rows.

    Args:
        probabilities: `(rows, classes)`.
        labels: Class numbers `(rows,)`.
        num_bins: Number of ranges `R`.

    Example:

    >>> adaptive_calibration_error([[0.8, 0.2], [0.6, 0.4]], [0, 1], num_bins=2)
    0.4

    Reference: Nixon et al. 2019, arXiv:1904.01685 (ACE).
    """
    return classwise_calibration_error(probabilities, labels, num_bins, "equal_mass")


def top_label_calibration_error(
    probabilities: npt.ArrayLike, labels: npt.ArrayLike, num_bins: int = 15, binning: str = "equal_mass"
) -> float:
    r"""Calibration of the confidence among the rows that are given the same class.

    .. math:: \sum_{k=1}^K \frac{n_k}{n} \mathrm{ECE}\left(\{i : \hat y_i = k\}\right)

    A model can be right 80 % of the time when it says 80 %, by being overconfident in cats and underconfident in dogs;
    the plain error does not see that, this one does.

    Args:
        probabilities: `(rows, classes)`.
        labels: Class numbers `(rows,)`.
        num_bins: Number of bins a predicted class.
        binning: `"equal_mass"`, as in the paper, or `"equal_width"`.

    Example:

    >>> top_label_calibration_error([[0.75, 0.25], [0.25, 0.75]], [0, 0])
    0.5

    Reference: Gupta and Ramdas 2022, arXiv:2107.08353 (TL-ECE).
    """
    probabilities, labels = checked_predictions(probabilities, labels)
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    total = 0.0
    for k in np.unique(predicted):
        rows = predicted == k
        total += _mean_gap(confidence_bins(confidence[rows], labels[rows] == k, num_bins, binning)) * rows.sum()
    return float(total / len(labels))


def debiased_calibration_error(
    probabilities: npt.ArrayLike, labels: npt.ArrayLike, num_bins: int = 15, binning: str = "equal_mass"
) -> float:
    r"""Root mean square calibration error, less what chance alone would add.

    .. math:: \sqrt{\max\left(0, \sum_m \frac{|B_m|}{n} \left[ (\mathrm{acc}_m - \mathrm{conf}_m)^2
        - \frac{\mathrm{acc}_m (1 - \mathrm{acc}_m)}{|B_m| - 1} \right]\right)}

    Even a perfectly calibrated model has gaps in its bins, and an error above 0 that shrinks with the number of rows.
    Subtracting the gaps' expected variance makes figures of few and of many rows comparable. Bins of a single row
    say nothing and are left out.

    Args:
        probabilities: `(rows, classes)`.
        labels: Class numbers `(rows,)`.
        num_bins: Number of bins.
        binning: `"equal_mass"`, as in the paper, or `"equal_width"`.

    Example:

    >>> round(debiased_calibration_error([[0.9, 0.1]] * 4, [0, 0, 1, 1], num_bins=1), 4)
    0.2769

    Reference: Kumar, Liang and Ma 2019, arXiv:1909.10155, section 5 (debiased estimator).
    """
    bins = top_label_bins(probabilities, labels, num_bins, binning)
    several = bins.count > 1
    chance = bins.accuracy * (1 - bins.accuracy) / np.maximum(bins.count - 1, 1)
    square = np.sum((bins.share * (bins.gap**2 - chance))[several])
    return float(np.sqrt(max(square, 0.0)))


def _mean_gap(bins: ConfidenceBins) -> float:
    return float(np.sum(bins.share * np.abs(bins.gap)))
