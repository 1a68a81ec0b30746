"""DDU's density: one Gaussian a class on the features."""

import dataclasses
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from keras_sngp.metrics.detectors.checked_inputs import Array, checked_classes, checked_features, require_fitted
from keras_sngp.metrics.detectors.covariance import class_means, whitening_of


@dataclasses.dataclass(eq=False)
class GaussianMixture:
    r"""The negative log density of a mixture of one Gaussian a class, in nats.

    .. math:: s(h) = -\log \sum_c \pi_c \, \mathcal{N}(h; \mu_c, \Sigma_c)

    Unlike `Mahalanobis`, each class has a covariance of its own, and a share `pi_c` of the rows. Keeps
    `classes x width x width` numbers, and needs many rows of each class. It is the density of deep deterministic
    uncertainty (DDU) for features of a spectral-normalised network.

    Args:
        shrinkage: Each covariance is mixed with this share of the identity, times its mean variance; the published
            code adds the smallest jitter that makes it invertible. With fewer rows a class than a few times the width,
            try 0.01 to 0.1.

    Example:

    >>> features = np.random.default_rng(0).normal(size=(200, 2)) + 5 * np.repeat([[0], [1]], 100, axis=0)
    >>> detector = GaussianMixture().fit(features=features, labels=np.repeat([0, 1], 100))
    >>> near, far = detector.score(features=[[0.0, 0.0], [0.0, 5.0]])
    >>> bool(far > near + 5)
    True

    Reference: Mukhoti et al. 2023, arXiv:2102.11582, equations 4 and 5.
    """

    name: ClassVar[str] = "gaussian_mixture"
    shrinkage: float = 1e-6
    means: Array | None = dataclasses.field(default=None, init=False, repr=False)
    whitenings: Array | None = dataclasses.field(default=None, init=False, repr=False)
    log_weights: Array | None = dataclasses.field(default=None, init=False, repr=False)

    def fit(
        self,
        *,
        features: npt.ArrayLike | None = None,
        logits: npt.ArrayLike | None = None,
        labels: npt.ArrayLike | None = None,
    ) -> Self:
        """Fits the Gaussians to training features `(rows, width)` and class numbers `(rows,)`.

        Raises:
            ValueError: features or labels that are missing, of a wrong shape, not finite, or with a class of fewer
                than two different rows.
        """
        rows = checked_features(features)
        classes = checked_classes(labels, len(rows), rows_per_class=2)
        means = class_means(rows, classes)
        whitenings = np.stack(
            [whitening_of(rows[classes == number] - mean, self.shrinkage) for number, mean in enumerate(means)]
        )
        half_log_precision = np.log(np.diagonal(whitenings, axis1=1, axis2=2)).sum(axis=1)
        log_shares = np.log(np.bincount(classes) / len(rows))
        self.means, self.whitenings = means, whitenings
        self.log_weights = log_shares + half_log_precision - rows.shape[1] / 2 * np.log(2 * np.pi)
        return self

    def score(self, *, features: npt.ArrayLike | None = None, logits: npt.ArrayLike | None = None) -> Array:
        """The negative log densities `(rows,)` of features `(rows, width)`."""
        means = require_fitted(self.means, self.name)
        whitenings = require_fitted(self.whitenings, self.name)
        rows = checked_features(features, means.shape[1])
        squares = [
            np.square((rows - mean) @ whitening).sum(axis=1) for mean, whitening in zip(means, whitenings, strict=True)
        ]
        weights = require_fitted(self.log_weights, self.name)
        log_density: Array = np.logaddexp.reduce(weights - np.stack(squares, axis=1) / 2, axis=1)
        return -log_density
