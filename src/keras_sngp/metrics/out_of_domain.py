"""How well an uncertainty tells inputs like the training data from inputs unlike it.

All take the uncertainty of in-domain rows and of out-of-domain rows; it should be higher on the latter. A confidence,
such as the maximum probability, is passed with its sign changed.
"""

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from keras_sngp.metrics.array_checks import check_share, checked_vector

POSITIVES = ("out", "in")


def out_of_domain_auroc(in_domain: npt.ArrayLike, out_of_domain: npt.ArrayLike) -> float:
    """Probability that a row out of domain is more uncertain than one in domain, ties counting half.

    1 if they are always told apart, 0.5 by chance, below 0.5 if uncertainty points the wrong way. The same whichever
    side is called positive.

    Args:
        in_domain: Uncertainty `(rows,)`.
        out_of_domain: Uncertainty `(other rows,)`.

    Raises:
        ValueError: one side is empty or not finite.

    Example:

    >>> out_of_domain_auroc([0.1, 0.2, 0.6], [0.5, 0.9])
    0.8333333333333334

    Reference: Hendrycks and Gimpel 2017, arXiv:1610.02136, section 2.
    """
    is_out, uncertainty = _joined(in_domain, out_of_domain)
    return float(roc_auc_score(is_out, uncertainty))


def out_of_domain_aupr(in_domain: npt.ArrayLike, out_of_domain: npt.ArrayLike, positive: str = "out") -> float:
    """Area under the precision-recall curve, as average precision.

    By chance it is the share of positives among all rows, so figures with different shares cannot be compared.

    Args:
        in_domain: Uncertainty `(rows,)`.
        out_of_domain: Uncertainty `(other rows,)`.
        positive: What is to be found. `"out"` (AUPR-out): out-of-domain rows, by high uncertainty. `"in"` (AUPR-in):
            in-domain rows, by low uncertainty.

    Example:

    >>> round(out_of_domain_aupr([0.1, 0.2, 0.6], [0.5, 0.9]), 4)
    0.8333
    >>> round(out_of_domain_aupr([0.1, 0.2, 0.6], [0.5, 0.9], positive="in"), 4)
    0.9167

    Reference: Hendrycks and Gimpel 2017, arXiv:1610.02136, section 2.
    """
    return float(average_precision_score(*_towards(positive, in_domain, out_of_domain)))


def false_positive_rate(
    in_domain: npt.ArrayLike,
    out_of_domain: npt.ArrayLike,
    true_positive_rate: float = 0.95,
    positive: str = "in",
) -> float:
    """Share of the negatives let through at the threshold that lets through 95 % of the positives; less is better.

    Args:
        in_domain: Uncertainty `(rows,)`.
        out_of_domain: Uncertainty `(other rows,)`.
        true_positive_rate: Share of the positives to be let through, at least.
        positive: `"in"`: the share of out-of-domain rows taken for in-domain ones when 95 % of in-domain rows are
            accepted. `"out"`: the share of in-domain rows flagged when 95 % of out-of-domain rows are.

    Example:

    >>> false_positive_rate([0.1, 0.2, 0.3, 0.4], [0.35, 0.9])
    0.5

    Reference: Liang et al. 2018 (ODIN), arXiv:1706.02690 (FPR at 95 % TPR).
    """
    check_share(true_positive_rate, "true_positive_rate")
    false_positives, true_positives, _ = roc_curve(
        *_towards(positive, in_domain, out_of_domain), drop_intermediate=False
    )
    return float(false_positives[np.argmax(true_positives >= true_positive_rate)])


def _towards(positive: str, in_domain: npt.ArrayLike, out_of_domain: npt.ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    if positive not in POSITIVES:
        raise ValueError(f"`positive` must be one of {', '.join(POSITIVES)}. Received: {positive!r}")
    is_out, uncertainty = _joined(in_domain, out_of_domain)
    return (is_out, uncertainty) if positive == "out" else (~is_out, -uncertainty)


def _joined(in_domain: npt.ArrayLike, out_of_domain: npt.ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    inside, outside = checked_vector(in_domain, "in_domain"), checked_vector(out_of_domain, "out_of_domain")
    return np.repeat([False, True], [len(inside), len(outside)]), np.concatenate([inside, outside])
