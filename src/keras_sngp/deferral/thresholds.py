r"""Where to draw the line on held-out data. Everywhere a row is deferred if its uncertainty is above the threshold."""

import numpy as np
import numpy.typing as npt
from scipy import stats

Array = npt.NDArray[np.floating]


def budget_threshold(uncertainty: Array, budget: float) -> float:
    r"""The threshold that defers a new row with probability `budget` at most.

    It is the `k = ceil((n + 1)(1 - budget))`-th smallest of the n held-out uncertainties: a new row that could as well
    have been one of them is above it with probability at most `(n + 1 - k) / (n + 1) <= budget`. If k is above n,
    nothing is deferred.

    Reference: Vovk, Gammerman and Shafer 2005, "Algorithmic Learning in a Random World", section 4.2 (split
    conformal, here with one-sided scores).
    """
    rank = int(np.ceil((len(uncertainty) + 1) * (1 - budget) - 1e-9))
    if rank == 0:
        return -np.inf
    return float(np.partition(uncertainty, rank - 1)[rank - 1]) if rank <= len(uncertainty) else np.inf


def accuracy_threshold(
    uncertainty: Array, mistakes: Array, accuracy: float, delta: float, num_thresholds: int
) -> float | None:
    r"""The largest threshold that keeps the accuracy of the rows answered, with probability `1 - delta`.

    Candidates are fixed beforehand by rank: everything, and whatever is below the `ceil(n j / m)`-th smallest
    uncertainty for j = 1, ..., m - 1. Given that order statistic, the rows below it are independent draws from the
    distribution of rows below it, so that their number of mistakes is binomial, and

    .. math:: p_j = P(\mathrm{Binomial}(n_j, 1 - \mathrm{accuracy}) \le \mathrm{mistakes}_j)

    is a valid p-value for "the accuracy below this threshold falls short". Those with `p_j <= delta / m` are safe,
    all of them at once with probability `1 - delta` (Bonferroni); the one that answers most is taken.

    Returns:
        The threshold, infinite if all may be answered; None if no candidate is safe.

    Reference: Geifman and El-Yaniv 2017, arXiv:1705.08500, section 3 (the binomial tail bound at a threshold);
    Angelopoulos et al. 2021, arXiv:2110.01052 (multiple testing of candidates, there with Bonferroni too).
    """
    order = np.argsort(uncertainty, kind="stable")
    uncertainty = uncertainty[order]
    wrong = np.concatenate([[0], np.cumsum(mistakes[order])])
    rows = len(uncertainty)
    ranks = np.ceil(rows * np.arange(1, num_thresholds) / num_thresholds - 1e-9).astype(int)
    limits = uncertainty[np.maximum(ranks, 1) - 1]
    answered = np.append(np.searchsorted(uncertainty, limits, side="left"), rows)
    p_values = stats.binom.cdf(wrong[answered], answered, 1 - accuracy)
    safe = np.flatnonzero(p_values <= delta / num_thresholds)
    if len(safe) == 0:
        return None
    return np.inf if safe[-1] == num_thresholds - 1 else float(np.nextafter(limits[safe[-1]], -np.inf))


def cost_threshold(uncertainty: Array, answer_costs: Array, expert_costs: Array) -> float:
    """The threshold of least mean cost on the held-out rows; of equal ones that which answers most.

    Args:
        uncertainty: `(rows,)`.
        answer_costs: What each row costs if the machine answers, `(rows,)`.
        expert_costs: What each row costs if the expert does, `(rows,)`.
    """
    order = np.argsort(uncertainty, kind="stable")
    uncertainty = uncertainty[order]
    total = np.cumsum(np.concatenate([[np.sum(expert_costs)], (answer_costs - expert_costs)[order]]))
    between = np.concatenate([[True], uncertainty[1:] > uncertainty[:-1], [True]])
    total[~between] = np.inf
    answered = int(np.flatnonzero(total <= total.min() + 1e-12 * max(1.0, abs(total.min())))[-1])
    if answered == len(uncertainty):
        return np.inf
    return float(uncertainty[answered - 1]) if answered else -np.inf
