"""The SNGP mean-field factor: how strongly the posterior variance flattens the probabilities."""

from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from keras_sngp.array_checks import checked_labels
from keras_sngp.calibration.outputs import as_logits, fitted, mean_log_loss


class MeanFieldCalibration:
    r"""Chooses the mean-field factor for the least negative log-likelihood of held-out rows.

    .. math:: q = \mathrm{softmax}\left(\frac{m}{\sqrt{1 + \lambda v}}\right)

    The default factor of an SNGP, pi / 8, is right if the variance is; the variance in turn depends on the ridge, the
    kernel and the number of classes. One number from held-out rows settles it. It works as a temperature of its own
    for each row, the higher the further the row is from the training data, and never below 1.

    Unlike the other calibrations it also takes each row's variance.

    Attributes:
        mean_field_factor: lambda once fitted, at least 0. Pass it as `SNGP(..., mean_field_factor=)`. Set on a trained
            model as `model.gaussian_process.mean_field_factor` it counts in `predict_distribution` at once, and in
            `predict` and `evaluate` after the model is compiled anew.

    Example:

    >>> logits, variance = np.array([[4.0, 0.0]] * 20), np.repeat([0.0, 9.0], 10)
    >>> calibration = MeanFieldCalibration().fit(logits, [0] * 16 + [1] * 4, variance=variance)
    >>> calibration.transform(logits, variance=variance)[[0, -1]].round(2).tolist()
    [[0.98, 0.02], [0.6, 0.4]]

    Reference: Liu et al. 2022, arXiv:2205.00403, section 3 (the factor as a hyperparameter).
    """

    def __init__(self) -> None:
        self.mean_field_factor: float | None = None

    def fit(self, logits: npt.ArrayLike, labels: npt.ArrayLike, variance: npt.ArrayLike) -> Self:
        """Finds the factor from held-out logits `(rows, classes)`, class numbers `(rows,)` and variances.

        Args:
            logits: Posterior mean of the logits, not adjusted: `Prediction.logits`.
            labels: Class numbers `(rows,)`.
            variance: Posterior variance `(rows,)`, or `(rows, classes)`.
        """
        mean = as_logits(logits, from_logits=True)
        labels = checked_labels(labels, *mean.shape)
        variance = _checked_variance(variance, mean)
        if variance.max() == 0:
            raise ValueError("`variance` must be above 0 in some rows, or no factor has any effect. Received: only 0")
        scale = variance[variance > 0].mean()

        def loss(factor: float) -> float:
            return mean_log_loss(mean / np.sqrt(1 + factor * variance), labels)

        grid = np.log(np.geomspace(1e-4, 1e5, 46) / scale)
        best = int(np.argmin([loss(np.exp(x)) for x in grid]))
        bounds = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
        found = optimize.minimize_scalar(lambda x: loss(np.exp(x)), bounds=bounds, method="bounded")
        self.mean_field_factor = float(np.exp(found.x)) if found.fun < loss(0.0) else 0.0
        return self

    def transform(self, logits: npt.ArrayLike, variance: npt.ArrayLike) -> npt.NDArray[np.floating]:
        """Calibrated probabilities `(rows, classes)`."""
        factor = fitted(self.mean_field_factor, "mean_field_factor")
        mean = as_logits(logits, from_logits=True)
        return special.softmax(mean / np.sqrt(1 + factor * _checked_variance(variance, mean)), axis=1)


def _checked_variance(variance: npt.ArrayLike, logits: np.ndarray) -> np.ndarray:
    array = np.asarray(variance, dtype="float64")
    if array.shape not in (logits.shape[:1], logits.shape):
        raise ValueError(
            f"`variance` must have the shape {logits.shape[:1]} or {logits.shape}. Received: shape {array.shape}"
        )
    if not (np.isfinite(array).all() and (array >= 0).all()):
        raise ValueError("`variance` must be finite and at least 0. Received: NaN, infinite or negative values")
    return array[:, None] if array.ndim == 1 else array
