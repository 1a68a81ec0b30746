"""Means of classes, and covariances that can be inverted."""

import numpy as np
import scipy.linalg

from keras_sngp.metrics.array_checks import check_share
from keras_sngp.metrics.detectors.checked_inputs import Array


def class_means(features: Array, classes: np.ndarray) -> Array:
    """Means `(classes, width)` of features `(rows, width)`, by class numbers without gaps."""
    sums = np.zeros((classes.max() + 1, features.shape[1]))
    np.add.at(sums, classes, features)
    means: Array = sums / np.bincount(classes)[:, None]
    return means


def whitening_of(centred: Array, shrinkage: float) -> Array:
    r"""A matrix `W` `(width, width)` with `W W^T` the inverse covariance of centred rows, so that `|x W|^2` is the
    squared Mahalanobis distance.

    .. math:: \Sigma = (1 - s) \frac{1}{n} X^T X + s \frac{\mathrm{tr}(X^T X)}{n d} I

    With `s` above 0 it is defined with fewer rows than columns and with columns that do not vary. There a direction
    that no training row takes counts `1 / s` times as much as an average one.

    Args:
        centred: Rows less their mean, `(rows, width)`.
        shrinkage: `s`, 0 to 1.

    Raises:
        ValueError: the rows do not vary, or `s` is 0 and the covariance cannot be inverted.

    Reference: Ledoit and Wolf 2004, "A well-conditioned estimator for large-dimensional covariance matrices", for the
    form; the share is fixed here.
    """
    share = check_share(shrinkage, "shrinkage")
    rows, width = centred.shape
    covariance = centred.T @ centred / rows
    mean_variance = np.trace(covariance) / width
    if not mean_variance > 0:
        raise ValueError("`features` must vary within the classes. Received: the same row throughout each class")
    covariance *= 1 - share
    covariance[np.diag_indices(width)] += share * mean_variance
    try:
        factor = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError as error:
        raise ValueError(
            f"The covariance of {rows} rows of width {width} cannot be inverted; take a larger `shrinkage`, such as "
            f"1e-6. Received: {shrinkage}"
        ) from error
    whitening: Array = scipy.linalg.solve_triangular(factor, np.eye(width), lower=True).T
    return whitening
