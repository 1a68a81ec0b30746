r"""What one training row adds to the posterior precision: the curvature of its log-likelihood.

| likelihood | `p(y | f)` | curvature `w = -d^2 log p / d f^2` |
|---|---|---|
| `"gaussian"` | `Normal(y; f, 1)` | 1 |
| `"binary_logistic"` | Bernoulli with `p = sigmoid(f)` | `p (1 - p)` |
| `"poisson"` | Poisson with rate `exp(f)` | `exp(f)` |
| `"categorical"`, a covariance a class | `softmax(f)` | `p_k (1 - p_k)` for class k |
| `"categorical"`, one shared covariance | `softmax(f)` | mean over classes of `p_k (1 - p_k)` |

The curvature is taken at the plain logits, never at mean-field-adjusted ones.

Reference: Liu et al. 2020, arXiv:2006.10108, equation 9; Rasmussen and Williams 2006, equations 3.15 and 3.38.
"""

from keras import ops

from keras_sngp._runtime.ops import Tensor

LIKELIHOODS = ("gaussian", "binary_logistic", "poisson", "categorical")


def check_likelihood(likelihood: str, units: int) -> None:
    """Raises a ValueError for an unknown likelihood or one that does not fit the number of logits."""
    if likelihood not in LIKELIHOODS:
        raise ValueError(f"`gp_cov_likelihood` must be one of {', '.join(LIKELIHOODS)}. Received: {likelihood!r}")
    if likelihood in ("binary_logistic", "poisson") and units != 1:
        raise ValueError(f"The {likelihood!r} likelihood has one logit. Received: units={units}")
    if likelihood == "categorical" and units < 2:
        raise ValueError(
            "The 'categorical' likelihood has a logit for each of at least 2 classes; with one logit use "
            f"'binary_logistic'. Received: units={units}"
        )


def curvature(logits: Tensor, likelihood: str, per_class: bool) -> Tensor:
    """Curvature `w` of each row: `(batch,)`, or `(batch, classes)` with a covariance a class."""
    if likelihood == "gaussian":
        return ops.ones_like(logits[:, 0])
    if likelihood == "poisson":
        return ops.exp(logits[:, 0])
    if likelihood == "binary_logistic":
        probability = ops.sigmoid(logits[:, 0])
        return probability * (1 - probability)
    probabilities = ops.softmax(logits, axis=-1)
    curvatures = probabilities * (1 - probabilities)
    return curvatures if per_class else ops.mean(curvatures, axis=-1)
