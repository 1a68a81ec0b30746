"""Temperature scaling: one number against overconfidence."""

from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import optimize

from keras_sngp.calibration.outputs import as_logits, fitted, mean_log_loss
from keras_sngp.metrics.array_checks import checked_labels
from keras_sngp.metrics.probabilities import softmax

LOG_TEMPERATURE_BOUNDS = (-7.0, 7.0)


class TemperatureScaling:
    r"""Divides the logits by one temperature, chosen for the least negative log-likelihood of held-out rows.

    .. math:: q = \mathrm{softmax}(z / T), \qquad T = \arg\min_T -\sum_i \log q_{i, y_i}

    Above 1 it makes a model less confident, below 1 more. The predicted classes stay what they are. The likelihood is
    concave in 1 / T, so there is one best temperature.

    Args:
        from_logits: Whether `fit` and `transform` take logits; otherwise probabilities, whose logarithm then serves as
            logits, to the same result.

    Attributes:
        temperature: T once fitted, between exp(-7) and exp(7).

    Example:

    >>> overconfident = np.array([[0.99, 0.01]] * 10)
    >>> scaling = TemperatureScaling().fit(overconfident, [0] * 8 + [1] * 2)
    >>> scaling.transform(overconfident)[0].round(3).tolist()
    [0.8, 0.2]

    Reference: Guo et al. 2017, arXiv:1706.04599, equation 9.
    """

    def __init__(self, from_logits: bool = False) -> None:
        self.from_logits = from_logits
        self.temperature: float | None = None

    def fit(self, outputs: npt.ArrayLike, labels: npt.ArrayLike) -> Self:
        """Finds the temperature from held-out outputs `(rows, classes)` and class numbers `(rows,)`."""
        logits = as_logits(outputs, self.from_logits)
        labels = checked_labels(labels, *logits.shape)
        best = optimize.minimize_scalar(
            lambda log_temperature: mean_log_loss(logits * np.exp(-log_temperature), labels),
            bounds=LOG_TEMPERATURE_BOUNDS,
            method="bounded",
            options={"xatol": 1e-6},
        )
        self.temperature = float(np.exp(best.x))
        return self

    def transform(self, outputs: npt.ArrayLike) -> npt.NDArray[np.floating]:
        """Calibrated probabilities `(rows, classes)`."""
        temperature = fitted(self.temperature, "temperature")
        return softmax(as_logits(outputs, self.from_logits) / temperature)
