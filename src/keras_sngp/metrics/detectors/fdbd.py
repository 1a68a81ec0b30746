"""fDBD: the distance of the features to the decision boundaries."""

import dataclasses
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from keras_sngp.metrics.detectors.checked_inputs import Array, checked_features, require_fitted
from keras_sngp.metrics.detectors.linear_head import fitted_head, require_head

SMALLEST_DISTANCE = 1e-8


@dataclasses.dataclass(eq=False)
class FDBD:
    r"""The mean distance to the other classes' decision boundaries per distance to the training mean, negated.

    .. math::
        s(h) = -\frac{1}{K - 1} \sum_{c \ne \hat y} \frac{z_{\hat y} - z_c}{\|w_{\hat y} - w_c\| \, \|h - \mu\|}

    Each fraction is how far `h` is from where the head would answer `c` instead. Rows near a boundary for their
    distance to the mean are unfamiliar. Nothing to tune.

    Args:
        kernel: The head's kernel `(width, classes)`; by default recovered from features and logits: see `fitted_head`.
        bias: The head's bias `(classes,)`.

    Example:

    >>> features = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0], [0.0, 2.0]])
    >>> detector = FDBD(kernel=np.eye(2)).fit(features=features)
    >>> detector.score(features=[[4.0, 0.0], [4.0, 4.0]]).round(3).tolist()
    [-0.848, -0.0]

    Reference: Liu and Qin 2024, arXiv:2312.11536, equations 5 and 6.
    """

    name: ClassVar[str] = "fdbd"
    kernel: npt.ArrayLike | None = None
    bias: npt.ArrayLike | None = None
    head_kernel: Array | None = dataclasses.field(default=None, init=False, repr=False)
    head_bias: Array | None = dataclasses.field(default=None, init=False, repr=False)
    weight_distances: Array | None = dataclasses.field(default=None, init=False, repr=False)
    mean: Array | None = dataclasses.field(default=None, init=False, repr=False)

    def fit(
        self,
        *,
        features: npt.ArrayLike | None = None,
        logits: npt.ArrayLike | None = None,
        labels: npt.ArrayLike | None = None,
    ) -> Self:
        """Takes the mean of training features `(rows, width)`, and the head.

        Raises:
            ValueError: features, logits or a head that are missing, of a wrong shape or not finite; two classes with
                the same weights, between which there is no boundary.
        """
        rows = checked_features(features)
        self.head_kernel, self.head_bias = fitted_head(rows, logits, self.kernel, self.bias)
        distances = cdist(self.head_kernel.T, self.head_kernel.T)
        np.fill_diagonal(distances, np.inf)
        if distances.min() <= 1e-12 * np.abs(self.head_kernel).max():
            first, second = np.unravel_index(distances.argmin(), distances.shape)
            raise ValueError(
                "The head must have different weights for each class, or there is no boundary between them. "
                f"Received: the same for the classes {first} and {second}"
            )
        # A class has no boundary with itself: its difference of 0 may be divided by anything.
        np.fill_diagonal(distances, 1)
        self.weight_distances, self.mean = distances, rows.mean(axis=0)
        return self

    def score(self, *, features: npt.ArrayLike | None = None, logits: npt.ArrayLike | None = None) -> Array:
        """`(rows,)`, at most 0, of features `(rows, width)`, and of their logits, by default those of the head."""
        distances = require_fitted(self.weight_distances, self.name)
        head = require_head(self.head_kernel, self.head_bias, self.name)
        rows = checked_features(features, len(head.kernel))
        z = head.logits_or(logits, rows)
        differences = z.max(axis=1, keepdims=True) - z
        to_boundaries = (differences / distances[z.argmax(axis=1)]).sum(axis=1) / (len(distances) - 1)
        to_mean = np.linalg.norm(rows - require_fitted(self.mean, self.name), axis=1)
        scaled: Array = to_boundaries / np.maximum(to_mean, SMALLEST_DISTANCE)
        return -scaled
