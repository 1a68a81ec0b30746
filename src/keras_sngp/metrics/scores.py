r"""How uncertain a prediction is, as one number a row. All take arrays from any framework.

Each score rises with uncertainty, except `max_probability`, which is a confidence and falls. `detectors` has those that
are fitted to training data.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from keras_sngp.metrics.array_checks import checked_probabilities, checked_vector

Array = npt.NDArray[np.floating]


@dataclasses.dataclass(frozen=True)
class ScoreText:
    """How a score is called.

    Attributes:
        title: In tables and sentences.
        axis: On the axis of a picture.
        phrase: What it is, in a clause.
    """

    title: str
    axis: str
    phrase: str


# Every score that a policy, a report or a command may go by, each higher for less sure.
SCORES = {
    "max_probability": ScoreText("max probability", "1 − largest probability", "one less the largest probability"),
    "entropy": ScoreText("entropy", "Entropy (nats)", "the entropy"),
    "margin": ScoreText(
        "margin", "1 − margin of the two largest", "one less the margin of the two largest probabilities"
    ),
    "variance": ScoreText("variance", "Variance", "the posterior variance"),
    "given": ScoreText("given uncertainty", "Uncertainty given", "the uncertainty given in the file"),
    "out_of_domain": ScoreText("out of domain", "Out of domain", "the size of the logits and the variance, combined"),
    "expected_saving": ScoreText(
        "expected saving", "Expected saving", "the expected cost of answering less that of asking"
    ),
}
OF_PREDICTIONS = ("max_probability", "entropy", "margin", "variance", "given")


def entropy(probabilities: npt.ArrayLike) -> Array:
    """Entropy `-sum_k p_k log p_k` in nats, 0 to log(classes), of `(..., classes)`."""
    p = np.asarray(probabilities)
    nats: Array = -np.sum(p * np.log(np.where(p > 0, p, 1)), axis=-1)
    return nats


def max_probability(probabilities: npt.ArrayLike) -> Array:
    """Probability of the predicted class, 1/classes to 1; the model's confidence."""
    largest: Array = np.max(np.asarray(probabilities), axis=-1)
    return largest


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
    disagreement: Array = np.maximum(entropy(samples.mean(axis=0)) - entropy(samples).mean(axis=0), 0)
    return disagreement


def dempster_shafer(logits: npt.ArrayLike) -> Array:
    """`K / (K + sum_k exp(logit_k))`, 0 to 1, for K classes.

    High where all logits are small, whatever their differences; a softmax cannot see that.

    Reference: Sensoy et al. 2018, arXiv:1806.01768, section 3; used for SNGP in Liu et al. 2020.
    """
    logits = np.asarray(logits, dtype="float64")
    classes = logits.shape[-1]
    log_evidence = np.logaddexp.reduce(logits, axis=-1)
    vacuity: Array = 1 / (1 + np.exp(np.minimum(log_evidence - np.log(classes), 700)))
    return vacuity


def max_logit(logits: npt.ArrayLike) -> Array:
    """`-max_k logit_k` of logits `(..., classes)`, any real number: high where no class has a large logit.

    Reference: Hendrycks et al. 2022, arXiv:1911.11132, section 3.
    """
    largest: Array = np.max(np.asarray(logits, dtype="float64"), axis=-1)
    return -largest


def energy(logits: npt.ArrayLike) -> Array:
    """`-log sum_k exp(logit_k)` of logits `(..., classes)`, in nats, any real number.

    It orders rows as Dempster-Shafer does, without saturating at 0 and 1.

    Reference: Liu et al. 2020, arXiv:2010.03759, equation 4 with temperature 1.
    """
    log_evidence: Array = np.logaddexp.reduce(np.asarray(logits, dtype="float64"), axis=-1)
    return -log_evidence


def gen(logits: npt.ArrayLike, gamma: float = 0.1, num_classes: int = 100) -> Array:
    r"""Generalised entropy `sum_k p_k^gamma (1 - p_k)^gamma` over the most probable classes; 0 where one class has all.

    A small `gamma` makes it sensitive to probabilities near 0, where the entropy hardly changes.

    Args:
        logits: `(..., classes)`. `p` is their softmax.
        gamma: Exponent, above 0; 0.1 in the paper.
        num_classes: How many of the most probable classes the sum takes, so that the tail of many classes does not
            drown it; 100 in the paper. With fewer classes it takes all.

    Raises:
        ValueError: `gamma` is not above 0, or `num_classes` is no integer of at least 1.

    Example:

    >>> gen(np.array([[0.0, 0.0], [9.0, 0.0]])).round(2).tolist()
    [1.74, 0.81]

    Reference: Liu, Lochman and Zach 2023, "GEN: Pushing the Limits of Softmax-Based Out-of-Distribution Detection",
    CVPR, equation 4.
    """
    if not gamma > 0 or not isinstance(num_classes, int) or num_classes < 1:
        raise ValueError(
            "`gamma` must be above 0 and `num_classes` an integer of at least 1. "
            f"Received: {gamma!r} and {num_classes!r}"
        )
    array = np.sort(np.asarray(logits, dtype="float64"), axis=-1)
    p = np.exp(array - array[..., -1:])
    others = p[..., :-1].sum(axis=-1, keepdims=True)
    total = 1 + others
    # 1 - p of the most probable class would lose its digits; the others' sum keeps them.
    rest = np.concatenate([1 - p[..., :-1] / total, others / total], axis=-1)
    terms = (p / total * rest)[..., -num_classes:] ** gamma
    uncertainty: Array = terms.sum(axis=-1)
    return uncertainty


def fisher(
    scores: Sequence[npt.ArrayLike], held_out: Sequence[npt.ArrayLike], weights: Sequence[float] | None = None
) -> Array:
    r"""Several scores as one, high where any of them is rare among held-out rows: `-2 sum_s w_s log p_s`.

    `p_s = (1 + #{held-out rows that score higher}) / (1 + #{held-out rows})`, so that scores of any units go together,
    and nothing need be known of what is out of domain. Dempster-Shafer and the variance see different things,
    what resembles no class and what lies far from all data, and are better combined than chosen from. The scores need
    not be independent as long as only the order of rows counts.

    Args:
        scores: Arrays `(rows,)`, each rising with uncertainty.
        held_out: The same scores, in the same order, of rows that the model was not trained on, `(held-out rows,)`.
        weights: How much each score counts, `w_s`, at least 0; by default all count 1. A variance that tells little of
            what is to be found, but much of what else may come, is worth less than 1.

    Returns:
        `(rows,)`, at least 0; equal where no held-out row scores higher in anything.

    Raises:
        ValueError: as many scores are not given twice, they are not finite vectors, or the weights are not one a score.

    Example:

    >>> held_out = [np.arange(99), np.arange(99)]
    >>> fisher([[0, 98, 0, 200], [0, 0, 200, 200]], held_out).round(2).tolist()
    [0.04, 9.23, 9.23, 18.42]

    Reference: Fisher 1932, "Statistical Methods for Research Workers", section 21.1; for inputs out of domain:
    Haroush et al. 2022, arXiv:2102.12967; with weights: Good 1955, "On the weighted combination of significance
    tests", Journal of the Royal Statistical Society B 17.
    """
    if len(scores) != len(held_out) or not len(scores):
        raise ValueError(f"Expected the same scores of held-out rows. Received: {len(scores)} and {len(held_out)}")
    factors = np.ones(len(scores)) if weights is None else checked_vector(weights, "weights", len(scores))
    if (factors < 0).any():
        raise ValueError(f"`weights` must be at least 0. Received: {factors.tolist()}")
    rows = len(np.atleast_1d(scores[0]))
    logarithms = [
        np.log(_upper_tail(checked_vector(score, "scores", rows), checked_vector(known, "held_out")))
        for score, known in zip(scores, held_out, strict=True)
    ]
    return -2 * factors @ logarithms


def _upper_tail(score: Array, held_out: Array) -> Array:
    not_above = np.searchsorted(np.sort(held_out), score, side="right")
    return (1 + len(held_out) - not_above) / (1 + len(held_out))


def uncertainty_of(
    score: str,
    probabilities: npt.ArrayLike,
    variance: npt.ArrayLike | None = None,
    uncertainty: npt.ArrayLike | None = None,
) -> npt.NDArray[np.floating]:
    """One number a row by the score's name.

    Args:
        score: `"max_probability"`: one less the largest probability. `"entropy"`: in nats. `"margin"`: one less the
            distance of the two largest probabilities. `"variance"`: the posterior variance given, averaged over the
            classes where each has its own. `"given"`: the uncertainty given.
        probabilities: `(rows, classes)`.
        variance: `(rows,)` or `(rows, classes)`.
        uncertainty: `(rows,)`.

    Returns:
        `(rows,)` in float64, so that thresholds compare alike wherever they were saved.

    Example:

    >>> uncertainty_of("margin", np.array([[0.5, 0.3, 0.2]])).round(3).tolist()
    [0.8]
    """
    array = checked_probabilities(probabilities)
    if score == "max_probability":
        return 1 - max_probability(array).astype("float64")
    if score == "entropy":
        return entropy(array).astype("float64")
    if score == "margin":
        second, first = np.partition(array, -2, axis=1)[:, -2:].astype("float64").T
        margin: npt.NDArray[np.floating] = first - second
        return 1 - margin
    if score == "variance":
        return row_variance(_present(variance, "variance", score), len(array))
    if score == "given":
        given = checked_vector(_present(uncertainty, "uncertainty", score), "uncertainty", len(array))
        return given.astype("float64")
    raise ValueError(f"`score` must be one of {', '.join(OF_PREDICTIONS)}. Received: {score!r}")


def row_variance(variance: npt.ArrayLike, rows: int) -> npt.NDArray[np.floating]:
    """Variances `(rows,)`, averaged over classes where there is one for each."""
    array = np.asarray(variance)
    return checked_vector(array.mean(axis=1) if array.ndim == 2 else array, "variance", rows).astype("float64")


def _present(values: npt.ArrayLike | None, name: str, score: str) -> npt.ArrayLike:
    if values is None:
        raise ValueError(f"The score {score!r} needs `{name}=`, one number for each row. Received: None")
    return values
