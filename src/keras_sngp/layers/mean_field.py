r"""From a Gaussian over logits to one set of probabilities.

The probability a Bayesian reports is the mean of `softmax(f)` over `f ~ Normal(m, v)`. The mean-field
approximation replaces the integral by shrinking the logits,

.. math:: E[\mathrm{softmax}(f)] \approx \mathrm{softmax}\left(\frac{m}{\sqrt{1 + \lambda v}}\right)

with the mean-field factor `lambda`: `pi / 8` makes it exact in slope at 0 for the probit's match to the
sigmoid, `3 / pi^2` matches variances. Near the data `v` is small and nothing changes; far from it `v` is large and the
probabilities go to `1 / classes`.

Reference: Liu et al. 2020, arXiv:2006.10108, section 3.1; MacKay 1992, "The evidence framework applied to
classification networks" (the sigmoid case, with pi / 8); Lu et al. 2020, arXiv:2006.07584 (the softmax case).
"""

import math
import numbers

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from keras_sngp._runtime.ops import Tensor

MEAN_FIELD_FACTOR = math.pi / 8


def mean_field_logits(
    logits: Tensor,
    covmat: Tensor | None = None,
    mean_field_factor: float = MEAN_FIELD_FACTOR,
    *,
    variance: Tensor | None = None,
) -> Tensor:
    """Shrinks logits by their posterior variance, `m / sqrt(1 + lambda v)`.

    Args:
        logits: `m`, `(batch, classes)` or `(batch,)`.
        covmat: The logits' posterior covariance `(batch, batch)`, its diagonal `(batch,)`, or one
            covariance a class `(classes, batch, batch)`.
        mean_field_factor: `lambda`, at least 0; 0 returns the logits unchanged.
        variance: Instead of `covmat`: variances `(batch,)`, or `(batch, classes)` where each class has its own.

    Returns:
        Adjusted logits in the shape of `logits`; their softmax is the predicted probability.

    Example:

    >>> logits, variance = np.array([[3.0, 0.0]]), np.array([8 * 3 / np.pi])
    >>> ops.convert_to_numpy(mean_field_logits(logits, variance)).round(4).tolist()
    [[1.5, 0.0]]
    """
    check_mean_field_factor(mean_field_factor)
    if (covmat is None) == (variance is None):
        raise ValueError("Pass either `covmat` or `variance`, and not both.")
    logits = _floating(logits)
    variance = ops.cast(_diagonal(covmat) if variance is None else ops.convert_to_tensor(variance), logits.dtype)
    if variance.shape[:1] != logits.shape[:1]:
        raise ValueError(
            "Logits and covariance must be of the same rows. "
            f"Received: {logits.shape[0]} rows of logits and {variance.shape[0]} of variance"
        )
    return shrink(logits, variance, mean_field_factor)


def shrink(logits: Tensor, variance: Tensor, mean_field_factor: Tensor, temperature: Tensor = 1.0) -> Tensor:
    """`m / (T sqrt(1 + lambda v))`, for tensors and arrays of matching rows."""
    logits, variance = ops.convert_to_tensor(logits), ops.convert_to_tensor(variance)
    if len(variance.shape) < len(logits.shape):
        variance = ops.expand_dims(variance, -1)
    return logits / (temperature * ops.sqrt(1 + mean_field_factor * variance))


def _floating(logits: Tensor) -> Tensor:
    logits = ops.convert_to_tensor(logits)
    return (
        logits if "float" in keras.backend.standardize_dtype(logits.dtype) else ops.cast(logits, keras.config.floatx())
    )


def check_mean_field_factor(mean_field_factor: float) -> None:
    """Raises a ValueError unless the factor is a number of at least 0."""
    if not (isinstance(mean_field_factor, numbers.Real) and 0 <= float(mean_field_factor) < math.inf):
        raise ValueError(f"`mean_field_factor` must be a finite number of at least 0. Received: {mean_field_factor!r}")


def _diagonal(covmat: Tensor) -> Tensor:
    covmat = ops.convert_to_tensor(covmat)
    shape = covmat.shape
    if len(shape) == 1:
        return covmat
    if len(shape) in (2, 3) and shape[-1] == shape[-2]:
        variance = ops.diagonal(covmat, axis1=-2, axis2=-1)
        return variance if len(shape) == 2 else ops.transpose(variance)
    raise ValueError(
        "`covmat` must be (batch, batch), (batch,) or (classes, batch, batch). Variances with a column "
        f"a class are passed as `variance=`. Received shape: {tuple(shape)}"
    )


def monte_carlo_logits(
    logits: npt.NDArray[np.floating],
    variance: npt.NDArray[np.floating],
    num_samples: int,
    seed: int | None = None,
) -> npt.NDArray[np.floating]:
    """Samples of the logits, `Normal(m, v)` independently for each row and class.

    Args:
        logits: `m`, `(batch, classes)`.
        variance: `v`, `(batch,)` or `(batch, classes)`.
        num_samples: Number of samples, at least 1.
        seed: Integer seed; None draws anew at each call.

    Returns:
        `(num_samples, batch, classes)`; the mean of their softmax is the predicted probability.
    """
    if num_samples < 1:
        raise ValueError(f"`num_samples` must be at least 1. Received: {num_samples}")
    deviation = np.sqrt(variance if variance.ndim == logits.ndim else variance[:, None])
    noise = np.random.default_rng(seed).normal(size=(num_samples, *logits.shape))
    samples: npt.NDArray[np.floating] = (logits + deviation * noise).astype(logits.dtype)
    return samples
