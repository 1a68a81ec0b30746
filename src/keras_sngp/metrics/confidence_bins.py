"""Rows gathered by confidence: what calibration errors and reliability diagrams are made of."""

import dataclasses

import numpy as np
import numpy.typing as npt
from scipy import stats

from keras_sngp.metrics.array_checks import checked_predictions

Array = npt.NDArray[np.floating]
BINNINGS = ("equal_width", "equal_mass")


@dataclasses.dataclass(frozen=True)
class ConfidenceBins:
    """Sums over the rows of each bin; everything here has the shape `(bins,)`.

    Attributes:
        count: Number of rows.
        confidence: Mean confidence, 0 in an empty bin.
        accuracy: Share of rows in which the event came true, 0 in an empty bin.

    Example:

    >>> bins = confidence_bins(np.array([0.6, 0.9, 1.0]), np.array([0, 1, 1]), num_bins=2)
    >>> bins.count.tolist(), bins.confidence.round(3).tolist(), bins.accuracy.round(3).tolist()
    ([0, 3], [0.0, 0.833], [0.0, 0.667])
    """

    count: npt.NDArray[np.integer]
    confidence: Array
    accuracy: Array

    @property
    def gap(self) -> Array:
        """Accuracy less confidence: negative where the model is overconfident."""
        return self.accuracy - self.confidence

    @property
    def share(self) -> Array:
        """Share of all rows."""
        share: Array = self.count / self.count.sum()
        return share

    def accuracy_band(self, level: float = 0.95) -> tuple[Array, Array]:
        """Wilson interval of each bin's accuracy; from 0 to 1 in an empty bin.

        Reference: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
        """
        z = stats.norm.ppf((1 + level) / 2)
        count = np.maximum(self.count, 1)
        centre = (self.accuracy + z**2 / (2 * count)) / (1 + z**2 / count)
        spread = z * np.sqrt(self.accuracy * (1 - self.accuracy) / count + z**2 / (4 * count**2)) / (1 + z**2 / count)
        empty = self.count == 0
        return np.where(empty, 0, np.maximum(centre - spread, 0)), np.where(empty, 1, np.minimum(centre + spread, 1))


def confidence_bins(
    confidence: npt.ArrayLike, came_true: npt.ArrayLike, num_bins: int = 15, binning: str = "equal_width"
) -> ConfidenceBins:
    """Gathers stated probabilities, and whether they came true, in bins.

    Args:
        confidence: Probabilities of an event, `(rows,)`, from 0 to 1.
        came_true: Whether it happened, `(rows,)`, 0 or 1.
        num_bins: Number of bins `M`.
        binning: `"equal_width"`: bin m holds `[m / M, (m + 1) / M)`, the last one also 1. `"equal_mass"`: bins of
            as equal counts as ties allow: bin `floor(M r / n)` with `r` the number of rows of lower confidence, so
            that equal confidences are never parted and the order of the rows does not matter.
    """
    confidence, came_true = np.asarray(confidence), np.asarray(came_true)
    index = bin_index(confidence, num_bins, binning)
    count = np.bincount(index, minlength=num_bins)
    rows = np.maximum(count, 1)
    return ConfidenceBins(
        count,
        np.bincount(index, weights=confidence, minlength=num_bins) / rows,
        np.bincount(index, weights=came_true, minlength=num_bins) / rows,
    )


def top_label_bins(
    probabilities: npt.ArrayLike, labels: npt.ArrayLike, num_bins: int = 15, binning: str = "equal_width"
) -> ConfidenceBins:
    """Bins of the predicted class's probability, with the share of right predictions in each.

    Args:
        probabilities: `(rows, classes)`.
        labels: Class numbers `(rows,)`.
        num_bins: Number of bins.
        binning: See `confidence_bins`.
    """
    probabilities, labels = checked_predictions(probabilities, labels)
    return confidence_bins(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels, num_bins, binning)


def bin_index(confidence: np.ndarray, num_bins: int, binning: str) -> npt.NDArray[np.integer]:
    """The bin of each row, `(rows,)`."""
    if not isinstance(num_bins, (int, np.integer)) or num_bins < 1:
        raise ValueError(f"`num_bins` must be a whole number of at least 1. Received: {num_bins}")
    if binning not in BINNINGS:
        raise ValueError(f"`binning` must be one of {', '.join(BINNINGS)}. Received: {binning!r}")
    if binning == "equal_width":
        below: npt.NDArray[np.integer] = np.minimum((confidence * num_bins).astype(int), num_bins - 1)
        return below
    lower = np.searchsorted(np.sort(confidence), confidence, side="left")
    return lower * num_bins // len(confidence)
