"""Isotonic calibration: any rising curve."""

from typing import Self

import numpy as np
import numpy.typing as npt
from sklearn.isotonic import IsotonicRegression

from keras_sngp.calibration.outputs import as_logits, check_classes, fitted, labels_of_every_class
from keras_sngp.metrics.array_checks import checked_probabilities
from keras_sngp.metrics.probabilities import softmax


class IsotonicCalibration:
    """Maps each class's probability through the best rising step curve, and makes rows add up to 1.

    It assumes nothing but that more stated probability means more true probability, and wants a thousand held-out rows
    or so: on few it follows their noise. The curves can reach 0 and 1, where the negative log-likelihood of a surprise
    is unbounded. Rows in which all curves are 0 get equal probabilities. With two classes only the second has a
    curve, and the first is the rest.

    Args:
        from_logits: Whether `fit` and `transform` take logits; otherwise probabilities.

    Example:

    >>> stated = np.repeat([[0.9, 0.1], [0.6, 0.4]], 10, axis=0)
    >>> calibration = IsotonicCalibration().fit(stated, [0] * 8 + [1] * 2 + [0] * 5 + [1] * 5)
    >>> calibration.transform(stated)[[0, -1]].round(3).tolist()
    [[0.8, 0.2], [0.5, 0.5]]

    Reference: Zadrozny and Elkan 2002, "Transforming classifier scores into accurate multiclass probability
    estimates", sections 3 and 5.
    """

    def __init__(self, from_logits: bool = False) -> None:
        self.from_logits = from_logits
        self._curves: list[IsotonicRegression] | None = None
        self._num_classes = 0

    def fit(self, outputs: npt.ArrayLike, labels: npt.ArrayLike) -> Self:
        """Fits the curves to held-out outputs `(rows, classes)` and class numbers `(rows,)`."""
        probabilities = self._probabilities(outputs)
        labels = labels_of_every_class(labels, probabilities.shape)
        self._num_classes = probabilities.shape[1]
        self._curves = [
            IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(probabilities[:, k], labels == k)
            for k in ((1,) if self._num_classes == 2 else range(self._num_classes))
        ]
        return self

    def transform(self, outputs: npt.ArrayLike) -> npt.NDArray[np.floating]:
        """Calibrated probabilities `(rows, classes)`."""
        curves = fitted(self._curves, "curves")
        probabilities = self._probabilities(outputs)
        check_classes(probabilities, self._num_classes)
        if self._num_classes == 2:
            positive = curves[0].predict(probabilities[:, 1])
            return np.column_stack([1 - positive, positive])
        mapped: npt.NDArray[np.floating] = np.column_stack(
            [curve.predict(column) for curve, column in zip(curves, probabilities.T, strict=True)]
        )
        mapped[mapped.sum(axis=1) == 0] = 1
        mapped /= mapped.sum(axis=1, keepdims=True)
        return mapped

    def _probabilities(self, outputs: npt.ArrayLike) -> npt.NDArray[np.floating]:
        if self.from_logits:
            return softmax(as_logits(outputs, True))
        return checked_probabilities(outputs).astype("float64")
