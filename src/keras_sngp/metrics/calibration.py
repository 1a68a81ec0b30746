"""How far stated confidences are from what comes true."""

import numpy as np
import numpy.typing as npt


def expected_calibration_error(probabilities: npt.ArrayLike, labels: npt.ArrayLike, num_bins: int = 15) -> float:
    r"""Mean distance between confidence and accuracy over bins of confidence.

    .. math:: \mathrm{ECE} = \sum_{m=1}^M \frac{|B_m|}{n} \left| \mathrm{acc}(B_m) - \mathrm{conf}(B_m) \right|

    with the rows in bins `B_m` of equal width by the probability of their predicted class; a confidence of
    exactly 1 is in the last bin.

    Args:
        probabilities: `(rows, classes)`.
        labels: Class numbers `(rows,)`.
        num_bins: Number of bins `M`.

    Returns:
        A number from 0 (calibrated) to 1.

    Example:

    >>> expected_calibration_error([[1.0, 0.0], [1.0, 0.0]], [0, 1])
    0.5

    Reference: Guo et al. 2017, arXiv:1706.04599, equation 3.
    """
    probabilities, labels = np.asarray(probabilities), np.asarray(labels)
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1] or len(labels) == 0:
        raise ValueError(
            "Expected probabilities (rows, classes) and labels (rows,) with at least one row. "
            f"Received: shapes {probabilities.shape} and {labels.shape}"
        )
    if num_bins < 1:
        raise ValueError(f"`num_bins` must be at least 1. Received: {num_bins}")
    if not np.isfinite(probabilities).all():
        raise ValueError("Expected finite probabilities. Received: NaN or infinite values")
    if labels.min() < 0 or labels.max() >= probabilities.shape[1]:
        raise ValueError(
            f"Labels must be class numbers from 0 to {probabilities.shape[1] - 1}. "
            f"Received: labels from {labels.min()} to {labels.max()}"
        )
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * num_bins).astype(int), num_bins - 1)
    gaps = np.bincount(bins, weights=correct - confidence, minlength=num_bins)
    return float(np.abs(gaps).sum() / len(labels))
