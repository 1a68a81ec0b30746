r"""How uncertain a prediction is, as one number a row. All take arrays from any framework.

Each score rises with uncertainty, except `max_probability`, which is a confidence and falls.
"""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]


def entropy(probabilities: npt.ArrayLike) -> Array:
    """Entropy `-sum_k p_k log p_k` in nats, 0 to log(classes), of `(..., classes)`."""
    p = np.asarray(probabilities)
    return -np.sum(p * np.log(np.where(p > 0, p, 1)), axis=-1)


def max_probability(probabilities: npt.ArrayLike) -> Array:
    """Probability of the predicted class, 1/classes to 1; the model's confidence."""
    return np.max(np.asarray(probabilities), axis=-1)


def bernoulli_variance(probabilities: npt.ArrayLike) -> Array:
    """`p (1 - p)` of the predicted class, 0 to 1/4; with two classes the same for either."""
    p = max_probability(probabilities)
    return p * (1 - p)


def mutual_information(samples: npt.ArrayLike) -> Array:
    """Disagreement of the members, in nats: entropy of their mean less the mean of their entropies.

    Args:
        samples: Probabilities `(samples, rows, classes)` from an ensemble, MC dropout or Monte Carlo.

    Reference: Houlsby et al. 2011, arXiv:1112.5745, equation 2.
    """
    samples = np.asarray(samples)
    return np.maximum(entropy(samples.mean(axis=0)) - entropy(samples).mean(axis=0), 0)


def dempster_shafer(logits: npt.ArrayLike) -> Array:
    """`K / (K + sum_k exp(logit_k))`, 0 to 1, for K classes.

    High where all logits are small, whatever their differences; a softmax cannot see that.

    Reference: Sensoy et al. 2018, arXiv:1806.01768, section 3; used for SNGP in Liu et al. 2020.
    """
    logits = np.asarray(logits, dtype="float64")
    classes = logits.shape[-1]
    log_evidence = np.logaddexp.reduce(logits, axis=-1)
    return 1 / (1 + np.exp(np.minimum(log_evidence - np.log(classes), 700)))
