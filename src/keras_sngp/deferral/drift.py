"""Whether new data is deferred as often as the held-out data was."""

from scipy import stats


class DeferralDriftWarning(UserWarning):
    """New data is deferred more or less often than it should be: it is not like the held-out data."""


def drift_message(rate: float, rows: int, expected_rate: tuple[float, float]) -> str | None:
    """A sentence if the share of deferred rows is outside its expected range; None if it is inside."""
    low, high = expected_rate
    if low <= rate <= high:
        return None
    return (
        f"{rate:.1%} of {rows} rows are deferred, where {low:.1%} to {high:.1%} were "
        "expected: the data is not like the held-out data the policy was learned on."
    )


def deferral_count_range(rows: int, deferred: int, new_rows: int, level: float) -> tuple[int, int]:
    r"""Range in which the number of deferred new rows lies, with probability `level` at least, if nothing has changed.

    With a threshold at an order statistic of n held-out rows that leaves d above it, the chance of a new row to be
    deferred is `Beta(d + 1, n - d)`, and the number deferred is binomial. Half of `1 - level` goes to either.

    Args:
        rows: Number of held-out rows n.
        deferred: How many of them are deferred, d.
        new_rows: Number of new rows.
        level: Probability of the range.

    Example:

    >>> deferral_count_range(rows=1000, deferred=50, new_rows=200, level=0.99)
    (1, 26)

    Reference: Wilks 1941, "Determination of sample sizes for setting tolerance limits".
    """
    tail = (1 - level) / 4
    chance = stats.beta(deferred + 1, max(rows - deferred, 0.5))
    low = stats.binom.ppf(tail, new_rows, chance.ppf(tail))
    high = stats.binom.ppf(1 - tail, new_rows, chance.ppf(1 - tail))
    return int(low), int(high)
