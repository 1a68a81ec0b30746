"""What every out-of-domain detector is: fitted to training data, then one score a row."""

from typing import ClassVar, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt


@runtime_checkable
class Detector(Protocol):
    """Scores how unfamiliar a row is to a trained classifier, from its features, its logits, or both.

    Arrays of any framework go in, NumPy arrays come out. `keras_sngp.features_of(model, x)` gives features and logits
    of a Keras model. Settings are given at construction and fitted arrays are attributes; `detector_state` turns both
    into named arrays.

    Attributes:
        name: The detector's name in `DETECTORS`.
    """

    name: ClassVar[str]

    def fit(
        self,
        *,
        features: npt.ArrayLike | None = None,
        logits: npt.ArrayLike | None = None,
        labels: npt.ArrayLike | None = None,
    ) -> Self:
        """Fits the detector to training rows, and returns it. What a detector does not use it ignores.

        Args:
            features: Inputs of the classifier's last layer, `(rows, width)`.
            logits: `(rows, classes)`, or `(rows, 1)` for the second of two classes.
            labels: Class numbers `(rows,)`.

        Raises:
            ValueError: an array that the detector needs is missing, of a wrong shape, not finite, or of one class.
        """

    def score(
        self, *, features: npt.ArrayLike | None = None, logits: npt.ArrayLike | None = None
    ) -> npt.NDArray[np.floating]:
        """One number a row, `(rows,)` in float64, larger for less familiar rows.

        Raises:
            ValueError: the detector is not fitted, or an array that it needs is missing, of another width than fitted,
                or not finite.
        """
