"""The last layer of a classifier, `logits = features @ kernel + bias`, as given or recovered from training rows."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from keras_sngp.metrics.array_checks import checked_features, checked_vector
from keras_sngp.metrics.detectors.checked_inputs import Array, checked_logits, require_fitted, two_classes


class LinearHead(NamedTuple):
    """A kernel `(width, classes)` and a bias `(classes,)`."""

    kernel: Array
    bias: Array

    def logits(self, features: Array) -> Array:
        """`(rows, classes)` of features `(rows, width)`."""
        return features @ self.kernel + self.bias

    def logits_or(self, given: npt.ArrayLike | None, features: Array) -> Array:
        """The logits given, if they are of the same rows and classes, or those of features `(rows, width)`."""
        return self.logits(features) if given is None else checked_logits(given, len(features), len(self.bias))


def fitted_head(
    features: Array, logits: npt.ArrayLike | None, kernel: npt.ArrayLike | None, bias: npt.ArrayLike | None
) -> LinearHead:
    r"""The head given, or the least-squares one of training rows.

    .. math:: \min_{W, b} \sum_i \| h_i W + b - z_i \|^2

    For a linear head and rows that span the features this is the head itself, up to rounding. Where the rows do not
    span them it is the head's projection on what they span. An SNGP's head is not linear: the result is its best
    linear approximation on the training rows.

    Args:
        features: `(rows, width)`.
        logits: `(rows, classes)`; not needed where `kernel` is given.
        kernel: `(width, classes)`, as a Keras `Dense` layer has it, or None.
        bias: `(classes,)`, or None for zeros beside a kernel that is given.

    Raises:
        ValueError: neither logits nor a kernel, a bias without a kernel, or shapes that do not fit.
    """
    if kernel is not None:
        return _checked_head(kernel, bias, features.shape[1])
    if bias is not None:
        raise ValueError("`bias` goes with `kernel`. Received: a bias without a kernel")
    targets = checked_logits(logits, len(features))
    feature_mean, logit_mean = features.mean(axis=0), targets.mean(axis=0)
    solution = np.linalg.lstsq(features - feature_mean, targets - logit_mean, rcond=None)[0]
    return LinearHead(solution, logit_mean - feature_mean @ solution)


def require_head(kernel: Array | None, bias: Array | None, name: str) -> LinearHead:
    """The head that a detector was fitted with.

    Raises:
        ValueError: it is not fitted yet.
    """
    return LinearHead(require_fitted(kernel, name), require_fitted(bias, name))


def _checked_head(kernel: npt.ArrayLike, bias: npt.ArrayLike | None, width: int) -> LinearHead:
    weights = two_classes(checked_features(kernel, "kernel")).astype("float64")
    if len(weights) != width:
        raise ValueError(
            f"`kernel` must have the shape (width, classes), the width being {width}. Received: shape {weights.shape}"
        )
    if bias is None:
        return LinearHead(weights, np.zeros(weights.shape[1]))
    offsets = two_classes(np.asarray(bias))
    return LinearHead(weights, checked_vector(offsets, "bias", weights.shape[1]).astype("float64"))
