"""Mahalanobis distances to the classes' means, plain, relative, and on features of unit length."""

import dataclasses
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from keras_sngp.metrics.detectors.checked_inputs import (
    Array,
    checked_classes,
    checked_features,
    require_fitted,
    unit_length,
)
from keras_sngp.metrics.detectors.covariance import class_means, whitening_of


@dataclasses.dataclass(eq=False)
class Mahalanobis:
    r"""The squared Mahalanobis distance to the nearest class mean, with one covariance for all classes.

    .. math:: s(h) = \min_c (h - \mu_c)^T \Sigma^{-1} (h - \mu_c)

    Args:
        shrinkage: `Sigma` is mixed with this share of the identity, times its mean variance: see `whitening_of`. 1e-6
            makes it well-conditioned and changes little; with fewer rows than about ten times the width, try 0.01 to
            0.1. The published code takes a pseudo-inverse instead.
        normalize: Scale features to unit length first, as `MahalanobisPlusPlus` does.

    Example:

    >>> features = np.array([[0.0, 0.0], [2.0, 1.0], [10.0, 0.0], [12.0, 1.0], [0.0, 1.0], [10.0, 1.0]])
    >>> detector = Mahalanobis().fit(features=features, labels=[0, 0, 1, 1, 0, 1])
    >>> near, far = detector.score(features=[[1.0, 0.5], [6.0, 0.5]])
    >>> bool(far > 10 * near)
    True

    Reference: Lee et al. 2018, arXiv:1807.03888, equation 2, on the last layer's inputs without input preprocessing.
    """

    name: ClassVar[str] = "mahalanobis"
    shrinkage: float = 1e-6
    normalize: bool = False
    means: Array | None = dataclasses.field(default=None, init=False, repr=False)
    whitening: Array | None = dataclasses.field(default=None, init=False, repr=False)

    def fit(
        self,
        *,
        features: npt.ArrayLike | None = None,
        logits: npt.ArrayLike | None = None,
        labels: npt.ArrayLike | None = None,
    ) -> Self:
        """Fits means and covariance to training features `(rows, width)` and class numbers `(rows,)`.

        Raises:
            ValueError: features or labels that are missing, of a wrong shape, not finite or of one class; features
                that do not vary within the classes.
        """
        rows = self._prepared(checked_features(features))
        classes = checked_classes(labels, len(rows))
        self.means = class_means(rows, classes)
        self.whitening = whitening_of(rows - self.means[classes], self.shrinkage)
        return self

    def score(self, *, features: npt.ArrayLike | None = None, logits: npt.ArrayLike | None = None) -> Array:
        """The distances `(rows,)` of features `(rows, width)`; at least 0."""
        means = require_fitted(self.means, self.name)
        rows = self._prepared(checked_features(features, means.shape[1]))
        return _nearest(rows, means, require_fitted(self.whitening, self.name))

    def _prepared(self, features: Array) -> Array:
        return unit_length(features) if self.normalize else features


@dataclasses.dataclass(eq=False)
class RelativeMahalanobis(Mahalanobis):
    r"""The Mahalanobis distance to the nearest class less that to all training rows.

    .. math:: s(h) = \min_c (h - \mu_c)^T \Sigma^{-1} (h - \mu_c) - (h - \mu_0)^T \Sigma_0^{-1} (h - \mu_0)

    `mu_0` and `Sigma_0` are those of all rows. What every class has in common no longer counts, which helps with
    inputs that are near: it may be negative.

    Args:
        shrinkage: See `Mahalanobis`; of both covariances.
        normalize: Scale features to unit length first, as `RelativeMahalanobisPlusPlus` does.

    Example:

    >>> features = np.array([[0.0, 0.0], [2.0, 1.0], [10.0, 0.0], [12.0, 1.0], [0.0, 1.0], [10.0, 1.0]])
    >>> detector = RelativeMahalanobis().fit(features=features, labels=[0, 0, 1, 1, 0, 1])
    >>> near, far = detector.score(features=[[1.0, 0.5], [6.0, 0.5]])
    >>> bool(near < 0 < far)
    True

    Reference: Ren et al. 2021, arXiv:2106.09022, section 2.
    """

    name: ClassVar[str] = "relative_mahalanobis"
    background_mean: Array | None = dataclasses.field(default=None, init=False, repr=False)
    background_whitening: Array | None = dataclasses.field(default=None, init=False, repr=False)

    def fit(
        self,
        *,
        features: npt.ArrayLike | None = None,
        logits: npt.ArrayLike | None = None,
        labels: npt.ArrayLike | None = None,
    ) -> Self:
        """Fits both Gaussians to training features `(rows, width)` and class numbers `(rows,)`."""
        super().fit(features=features, labels=labels)
        rows = self._prepared(checked_features(features))
        self.background_mean = rows.mean(axis=0)
        self.background_whitening = whitening_of(rows - self.background_mean, self.shrinkage)
        return self

    def score(self, *, features: npt.ArrayLike | None = None, logits: npt.ArrayLike | None = None) -> Array:
        """The differences `(rows,)` of features `(rows, width)`."""
        nearest = super().score(features=features)
        rows = self._prepared(checked_features(features))
        mean = require_fitted(self.background_mean, self.name)
        background = require_fitted(self.background_whitening, self.name)
        from_all: Array = np.square((rows - mean) @ background).sum(axis=1)
        return nearest - from_all


@dataclasses.dataclass(eq=False)
class MahalanobisPlusPlus(Mahalanobis):
    """`Mahalanobis` on features of unit length (Mahalanobis++).

    Features of very different norms break the assumption that classes share a covariance; scaling mends it.

    Example:

    >>> MahalanobisPlusPlus().normalize
    True

    Reference: Mueller and Hein 2025, arXiv:2505.18032.
    """

    name: ClassVar[str] = "mahalanobis++"
    normalize: bool = True


@dataclasses.dataclass(eq=False)
class RelativeMahalanobisPlusPlus(RelativeMahalanobis):
    """`RelativeMahalanobis` on features of unit length.

    Example:

    >>> RelativeMahalanobisPlusPlus().normalize
    True

    Reference: Mueller and Hein 2025, arXiv:2505.18032.
    """

    name: ClassVar[str] = "relative_mahalanobis++"
    normalize: bool = True


def _nearest(rows: Array, means: Array, whitening: Array) -> Array:
    distances: Array = cdist(rows @ whitening, means @ whitening, "sqeuclidean").min(axis=1)
    return distances
