"""The SNGP mean-field factor: how strongly the posterior variance flattens the probabilities."""

import warnings
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import optimize

from keras_sngp.calibration.outputs import as_logits, fitted, mean_log_loss
from keras_sngp.layers.mean_field import MEAN_FIELD_FACTOR
from keras_sngp.metrics.array_checks import checked_labels
from keras_sngp.metrics.probabilities import softmax

FACTOR_RANGE = (1e-3, 1e3)
TEMPERATURE_RANGE = (0.05, 20.0)
FACTORS_TO_START_FROM = (0.03, 1.0, 30.0)
PRIOR_DEVIATION = 2.0
SMALLEST_HELPFUL_FACTOR = 0.01


class MeanFieldCalibration:
    r"""Chooses the mean-field factor, and a temperature, for the least negative log-likelihood of held-out rows.

    .. math:: q = \mathrm{softmax}\left(\frac{m}{T \sqrt{1 + \lambda v}}\right)

    The default factor of an SNGP, pi / 8, is right if the variance is; the variance in turn depends on the ridge, the
    kernel and the number of classes, and published factors range from 0.1 to 25. Held-out rows settle it. It works as a
    temperature of its own for each row, the higher the further the row is from the training data.

    The logarithm of the factor has a normal prior around that of pi / 8, two wide: it decides where the held-out rows,
    all of them familiar, say little about the factor, and yields to a few hundred rows that do.

    Unlike the other calibrations it also takes each row's variance. For a trained model, `keras_sngp.calibrate` fits it
    and makes the model use it.

    Attributes:
        mean_field_factor: lambda once fitted.
        temperature: T once fitted.

    Example:

    >>> logits, variance = np.array([[4.0, 0.0]] * 200), np.repeat([0.0, 9.0], 100)
    >>> calibration = MeanFieldCalibration().fit(logits, [0] * 160 + [1] * 40, variance=variance)
    >>> calibration.transform(logits, variance=variance)[[0, -1]].round(1).tolist()
    [[1.0, 0.0], [0.6, 0.4]]

    Reference: Liu et al. 2022, arXiv:2205.00403, section 3 (the factor as a hyperparameter); temperature: Guo et al.
    2017, arXiv:1706.04599.
    """

    def __init__(self) -> None:
        self.mean_field_factor: float | None = None
        self.temperature: float | None = None

    def fit(self, logits: npt.ArrayLike, labels: npt.ArrayLike, variance: npt.ArrayLike) -> Self:
        """Finds both from held-out logits `(rows, classes)`, class numbers `(rows,)` and variances.

        Args:
            logits: Posterior mean of the logits, not adjusted: `Prediction.logits`.
            labels: Class numbers `(rows,)`.
            variance: Posterior variance `(rows,)`, or `(rows, classes)`.
        """
        mean = as_logits(logits, from_logits=True)
        labels = checked_labels(labels, *mean.shape)
        variance = _checked_variance(variance, mean)

        def objective(log_parameters: npt.NDArray[np.floating]) -> float:
            factor, temperature = np.exp(log_parameters)
            loss = mean_log_loss(mean / (temperature * np.sqrt(1 + factor * variance)), labels)
            prior = ((log_parameters[0] - np.log(MEAN_FIELD_FACTOR)) / PRIOR_DEVIATION) ** 2 / 2
            return float(loss + prior / len(labels))

        bounds = np.log([FACTOR_RANGE, TEMPERATURE_RANGE])
        starts = [(np.log(factor), 0.0) for factor in FACTORS_TO_START_FROM]
        fits = [optimize.minimize(objective, start, bounds=bounds, method="L-BFGS-B") for start in starts]
        best = min(fits, key=lambda fit: fit.fun)
        self.mean_field_factor, self.temperature = map(float, np.exp(best.x))
        if self.mean_field_factor < SMALLEST_HELPFUL_FACTOR:
            warnings.warn(
                "The held-out rows gave no reason to lower confidence where the variance is high: the fitted "
                f"mean-field factor is {self.mean_field_factor:.2g}, so probabilities will hardly tell unfamiliar "
                "inputs. Use the variance for that.",
                stacklevel=2,
            )
        return self

    def transform(self, logits: npt.ArrayLike, variance: npt.ArrayLike) -> npt.NDArray[np.floating]:
        """Calibrated probabilities `(rows, classes)`."""
        factor = fitted(self.mean_field_factor, "mean_field_factor")
        mean = as_logits(logits, from_logits=True)
        scaled = mean / (self.temperature * np.sqrt(1 + factor * _checked_variance(variance, mean)))
        return softmax(scaled)


def _checked_variance(variance: npt.ArrayLike, logits: np.ndarray) -> np.ndarray:
    array = np.asarray(variance, dtype="float64")
    if array.shape not in (logits.shape[:1], logits.shape):
        raise ValueError(
            f"`variance` must have the shape {logits.shape[:1]} or {logits.shape}. Received: shape {array.shape}"
        )
    if not (np.isfinite(array).all() and (array >= 0).all()):
        raise ValueError("`variance` must be finite and at least 0. Received: NaN, infinite or negative values")
    return array[:, None] if array.ndim == 1 else array
