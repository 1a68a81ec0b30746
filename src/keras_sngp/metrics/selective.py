"""Answering only the surest cases: risk against coverage.

Rows are answered from the least uncertain on. Rows of equal uncertainty cannot be told apart, so each of them counts
with their mean loss: the expectation over all orders in which they could be answered.
"""

import dataclasses

import numpy as np
import numpy.typing as npt

from keras_sngp.metrics.array_checks import check_share, checked_mistakes, checked_vector

Array = npt.NDArray[np.floating]


@dataclasses.dataclass(frozen=True)
class RiskCoverageCurve:
    """Risk of the rows answered, for each number of rows answered from 1 to all.

    Attributes:
        coverage: Share of rows answered, `(rows,)`, rising to 1.
        risk: Mean loss among those, `(rows,)`; with 0-1 losses the error rate.
        uncertainty: The largest uncertainty among those, `(rows,)`.
    """

    coverage: Array
    risk: Array
    uncertainty: Array


def risk_coverage_curve(uncertainty: npt.ArrayLike, losses: npt.ArrayLike) -> RiskCoverageCurve:
    """Error rate among the surest k rows, for every k.

    Args:
        uncertainty: `(rows,)`, higher for less sure.
        losses: `(rows,)`; 1 or True for a mistake and 0 for a right answer, or any other loss of at least 0.

    Example:

    >>> curve = risk_coverage_curve([0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1])
    >>> curve.coverage.tolist(), curve.risk.round(3).tolist()
    ([0.25, 0.5, 0.75, 1.0], [0.0, 0.0, 0.333, 0.5])

    Reference: El-Yaniv and Wiener 2010, "On the foundations of noise-free selective classification"; Geifman and
    El-Yaniv 2017, arXiv:1705.08500, section 2.
    """
    ordered, losses = _ordered(uncertainty, losses)
    answered = np.arange(1, len(losses) + 1)
    return RiskCoverageCurve(answered / len(losses), np.cumsum(losses) / answered, ordered)


def aurc(uncertainty: npt.ArrayLike, losses: npt.ArrayLike) -> float:
    r"""Area under the risk-coverage curve: the mean risk over all coverages; less is better.

    .. math:: \mathrm{AURC} = \frac{1}{n} \sum_{k=1}^n \frac{1}{k} \sum_{i \le k} \ell_{(i)}

    Args:
        uncertainty: `(rows,)`.
        losses: `(rows,)`.

    Example:

    >>> round(aurc([0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1]), 4)
    0.2083

    Reference: Geifman, Uziel and El-Yaniv 2019, arXiv:1805.08206 (AURC).
    """
    return float(risk_coverage_curve(uncertainty, losses).risk.mean())


def excess_aurc(uncertainty: npt.ArrayLike, losses: npt.ArrayLike) -> float:
    r"""AURC less that of the best order there is; 0 if every mistake is more uncertain than every right answer.

    The best order sorts by the losses themselves. With an error rate `r` and many rows its area is close to
    `r + (1 - r) log(1 - r)`.

    Args:
        uncertainty: `(rows,)`.
        losses: `(rows,)`.

    Example:

    >>> excess_aurc([0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1])
    0.0

    Reference: Geifman, Uziel and El-Yaniv 2019, arXiv:1805.08206 (E-AURC).
    """
    return aurc(uncertainty, losses) - aurc(losses, losses)


def augrc(uncertainty: npt.ArrayLike, losses: npt.ArrayLike) -> float:
    r"""Area under the generalised risk-coverage curve: the mean over coverages of the chance of an undetected mistake.

    The generalised risk is risk times coverage, the share of all rows that are answered wrongly. Its area weighs all
    mistakes alike, where AURC weighs most those among the surest rows. With 0-1 losses

    .. math:: \mathrm{AUGRC} = (1 - \mathrm{AUROC}) \, a (1 - a) + \frac{1}{2} (1 - a)^2

    with the accuracy `a` and the AUROC of uncertainty finding mistakes. From 0 to 1/2; less is better.

    Args:
        uncertainty: `(rows,)`.
        losses: `(rows,)`.

    Example:

    >>> augrc([0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1])
    0.125

    Reference: Traub et al. 2024, arXiv:2407.01032.
    """
    _, ordered = _ordered(uncertainty, losses)
    answered_wrongly = np.concatenate([[0.0], np.cumsum(ordered)]) / len(ordered)
    return float((answered_wrongly.sum() - answered_wrongly[-1] / 2) / len(ordered))


def accuracy_at_coverage(uncertainty: npt.ArrayLike, mistakes: npt.ArrayLike, coverage: float) -> float:
    """Accuracy on the surest rows, as many as it takes to answer a share `coverage` of all.

    Args:
        uncertainty: `(rows,)`.
        mistakes: `(rows,)`, 1 or True where the prediction was wrong.
        coverage: Share of rows to be answered, above 0.

    Example:

    >>> accuracy_at_coverage([0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1], coverage=0.5)
    1.0
    """
    if check_share(coverage, "coverage") == 0:
        raise ValueError("`coverage` must be above 0, since accuracy needs an answer. Received: 0")
    curve = risk_coverage_curve(uncertainty, checked_mistakes(mistakes, np.size(uncertainty)))
    answered = int(np.ceil(coverage * len(curve.risk) - 1e-9))
    return float(1 - curve.risk[answered - 1])


def coverage_at_risk(uncertainty: npt.ArrayLike, losses: npt.ArrayLike, risk: float) -> float:
    """Largest share of rows that some threshold on the uncertainty answers with at most this risk on these rows.

    This is a figure of the data at hand and no promise for new data; for that see `DeferralPolicy.for_accuracy`.

    Args:
        uncertainty: `(rows,)`.
        losses: `(rows,)`.
        risk: Largest mean loss allowed, from 0 to 1.

    Returns:
        The coverage, 0 if no threshold does.

    Example:

    >>> coverage_at_risk([0.1, 0.2, 0.3, 0.4], [0, 0, 1, 0], risk=0.25)
    1.0
    """
    check_share(risk, "risk")
    curve = risk_coverage_curve(uncertainty, losses)
    last_of_ties = np.append(curve.uncertainty[1:] > curve.uncertainty[:-1], True)
    allowed = np.flatnonzero(last_of_ties & (curve.risk <= risk + 1e-12))
    return float(curve.coverage[allowed[-1]]) if len(allowed) else 0.0


def _ordered(uncertainty: npt.ArrayLike, losses: npt.ArrayLike) -> tuple[Array, Array]:
    uncertainty = checked_vector(uncertainty, "uncertainty")
    losses = checked_vector(np.asarray(losses), "losses", len(uncertainty))
    if losses.min() < 0:
        raise ValueError(f"`losses` must not be negative. Received: {losses.min():g}")
    order = np.argsort(uncertainty, kind="stable")
    uncertainty, losses = uncertainty[order], losses[order].astype("float64")
    first = np.flatnonzero(np.append(True, uncertainty[1:] > uncertainty[:-1]))
    counts = np.diff(np.append(first, len(losses)))
    return uncertainty, np.repeat(np.add.reduceat(losses, first) / counts, counts)
