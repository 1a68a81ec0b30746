"""Vector scaling: a scale and a shift for each class."""

from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import optimize

from keras_sngp.calibration.outputs import (
    as_logits,
    check_classes,
    fitted,
    labels_of_every_class,
    mean_log_loss,
)
from keras_sngp.metrics.probabilities import softmax

Array = npt.NDArray[np.floating]


class VectorScaling:
    r"""Scales and shifts each class's logit, chosen for the least negative log-likelihood of held-out rows.

    .. math:: q = \mathrm{softmax}(w \odot z + b)

    Puts right what temperature cannot: classes that are stated too often or too rarely. Predicted classes can change.
    It takes 2 K numbers from the held-out rows, so it wants some dozens of rows a class. Unlike the other calibrations
    it can tell logits from the logarithms of their probabilities, and gives slightly different results for them.

    Args:
        from_logits: Whether `fit` and `transform` take logits; otherwise probabilities.
        l2_regularization: Weight of the squared distance from doing nothing (w = 1, b = 0), which keeps the numbers
            finite where the held-out rows could be predicted perfectly.

    Attributes:
        scale: w, `(classes,)`, once fitted.
        shift: b, `(classes,)`, once fitted.

    Example:

    >>> one_sided = np.array([[0.7, 0.3]] * 10 + [[0.4, 0.6]] * 10)
    >>> scaling = VectorScaling().fit(one_sided, [0] * 5 + [1] * 5 + [0] * 1 + [1] * 9)
    >>> scaling.transform(one_sided)[[0, -1]].round(2).tolist()
    [[0.5, 0.5], [0.1, 0.9]]

    Reference: Guo et al. 2017, arXiv:1706.04599, section 4.2 (matrix and vector scaling).
    """

    def __init__(self, from_logits: bool = False, l2_regularization: float = 1e-5) -> None:
        if l2_regularization < 0:
            raise ValueError(f"`l2_regularization` must be at least 0. Received: {l2_regularization}")
        self.from_logits = from_logits
        self.l2_regularization = l2_regularization
        self.scale: Array | None = None
        self.shift: Array | None = None

    def fit(self, outputs: npt.ArrayLike, labels: npt.ArrayLike) -> Self:
        """Finds scale and shift from held-out outputs `(rows, classes)` and class numbers `(rows,)`."""
        logits = as_logits(outputs, self.from_logits)
        labels = labels_of_every_class(labels, logits.shape)
        classes = logits.shape[1]
        start = np.concatenate([np.ones(classes), np.zeros(classes)])
        best = optimize.minimize(
            self._loss_and_gradient, start, args=(logits, labels, start), jac=True, method="L-BFGS-B"
        )
        self.scale, self.shift = np.split(best.x, 2)
        return self

    def transform(self, outputs: npt.ArrayLike) -> Array:
        """Calibrated probabilities `(rows, classes)`."""
        scale = fitted(self.scale, "scale")
        logits = as_logits(outputs, self.from_logits)
        check_classes(logits, len(scale))
        return softmax(logits * scale + self.shift)

    def _loss_and_gradient(
        self, parameters: Array, logits: Array, labels: npt.NDArray[np.intp], start: Array
    ) -> tuple[float, Array]:
        scale, shift = np.split(parameters, 2)
        scaled = logits * scale + shift
        residual = softmax(scaled)
        residual[np.arange(len(labels)), labels] -= 1
        gradient = np.concatenate([np.mean(residual * logits, axis=0), residual.mean(axis=0)])
        distance = parameters - start
        loss = mean_log_loss(scaled, labels) + self.l2_regularization * np.sum(distance**2)
        return float(loss), gradient + 2 * self.l2_regularization * distance
