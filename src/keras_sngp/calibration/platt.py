"""Platt scaling: a sigmoid through each class's log-odds."""

from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from keras_sngp.calibration.outputs import as_logits, check_classes, fitted, labels_of_every_class
from keras_sngp.metrics.probabilities import softmax

Array = npt.NDArray[np.floating]


class PlattScaling:
    r"""Fits `sigmoid(a s + b)` to each class's log-odds s, one against the rest, and makes rows add up to 1.

    .. math:: s = \log \frac{p}{1 - p}, \qquad
        \min_{a, b} -\sum_i t_i \log \sigma(a s_i + b) + (1 - t_i) \log(1 - \sigma(a s_i + b))

    with Platt's targets `t = (n_1 + 1) / (n_1 + 2)` for the class's rows and `1 / (n_0 + 2)` for the others, which
    keep a and b finite. With two classes only the second is fitted, and the first is the rest.

    Args:
        from_logits: Whether `fit` and `transform` take logits; otherwise probabilities.

    Attributes:
        scale: a of each fitted class, once fitted: `(classes,)`, or `(1,)` with two classes.
        shift: b, of the same shape.

    Example:

    >>> overconfident = np.array([[0.9, 0.1]] * 100 + [[0.1, 0.9]] * 100)
    >>> scaling = PlattScaling().fit(overconfident, [0] * 70 + [1] * 30 + [0] * 30 + [1] * 70)
    >>> scaling.transform(overconfident)[[0, -1]].round(1).tolist()
    [[0.7, 0.3], [0.3, 0.7]]

    Reference: Platt 1999, "Probabilistic outputs for support vector machines and comparisons to regularized likelihood
    methods", equations 1 to 3; one against the rest: Zadrozny and Elkan 2002.
    """

    def __init__(self, from_logits: bool = False) -> None:
        self.from_logits = from_logits
        self.scale: Array | None = None
        self.shift: Array | None = None
        self._num_classes = 0

    def fit(self, outputs: npt.ArrayLike, labels: npt.ArrayLike) -> Self:
        """Fits the sigmoids to held-out outputs `(rows, classes)` and class numbers `(rows,)`."""
        logits = as_logits(outputs, self.from_logits)
        labels = labels_of_every_class(labels, logits.shape)
        self._num_classes = logits.shape[1]
        fits = np.array([_sigmoid_fit(_log_odds(logits, k), labels == k) for k in self._fitted_classes()])
        self.scale, self.shift = fits.T
        return self

    def transform(self, outputs: npt.ArrayLike) -> Array:
        """Calibrated probabilities `(rows, classes)`."""
        scale = fitted(self.scale, "scale")
        logits = as_logits(outputs, self.from_logits)
        check_classes(logits, self._num_classes)
        odds = np.column_stack([_log_odds(logits, k) for k in self._fitted_classes()])
        log_probabilities = special.log_expit(odds * scale + self.shift)
        if self._num_classes == 2:
            positive = np.exp(log_probabilities[:, 0])
            return np.column_stack([1 - positive, positive])
        return softmax(log_probabilities)

    def _fitted_classes(self) -> range:
        return range(1, 2) if self._num_classes == 2 else range(self._num_classes)


def _log_odds(logits: Array, k: int) -> Array:
    odds: Array = logits[:, k] - special.logsumexp(np.delete(logits, k, axis=1), axis=1)
    return odds


def _sigmoid_fit(scores: Array, members: npt.NDArray[np.bool_]) -> Array:
    inside = members.sum()
    targets = np.where(members, (inside + 1) / (inside + 2), 1 / (len(members) - inside + 2))

    def loss_and_gradient(parameters: Array) -> tuple[float, Array]:
        z = parameters[0] * scores + parameters[1]
        loss = -np.mean(targets * special.log_expit(z) + (1 - targets) * special.log_expit(-z))
        residual = special.expit(z) - targets
        return float(loss), np.array([np.mean(residual * scores), residual.mean()])

    best: Array = optimize.minimize(loss_and_gradient, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B").x
    return best
