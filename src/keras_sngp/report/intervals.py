"""Bootstrap intervals that stay affordable on millions of rows."""

from collections.abc import Callable

import numpy as np

from keras_sngp.metrics import Interval, bootstrap_draws

ROWS_DRAWN_FROM = 2000
RESAMPLES = 200
LEVEL = 0.95


def report_interval(
    metric: Callable[..., float],
    *arrays: np.ndarray,
    paired: bool = True,
    largest: float = np.inf,
    resamples: int | None = None,
) -> Interval:
    """The measure of all rows, with the quantiles of the bootstrap around it.

    The spread is that of draws around their median, which keeps the estimate inside also where draws are biased, as
    for calibration errors. With more than 2,000 rows they are drawn from 2,000 of these, and their spread is scaled
    by the root of the numbers of rows, at which rate it falls.

    Args:
        metric: Takes the arrays, gives a number of at least 0.
        *arrays: Arrays whose first axis are the rows.
        paired: Whether row i of each belongs to the same case.
        largest: Largest value the measure can have.
        resamples: Number of draws, for measures that take long; 200 by default.
    """
    estimate = float(metric(*arrays))
    rows = [len(array) for array in arrays]
    some = _some_rows(arrays, paired)
    try:
        draws = bootstrap_draws(metric, *some, paired=paired, num_resamples=resamples or RESAMPLES)
    except ValueError:
        return Interval(estimate, 0.0, largest)
    scale = np.sqrt(max(len(array) / n for array, n in zip(some, rows, strict=True)))
    quantiles = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) - np.median(draws)
    low, high = estimate + scale * quantiles
    return Interval(estimate, float(max(low, 0.0)), float(min(high, largest)))


def _some_rows(arrays: tuple[np.ndarray, ...], paired: bool) -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    if paired and len(arrays[0]) > ROWS_DRAWN_FROM:
        chosen = generator.choice(len(arrays[0]), ROWS_DRAWN_FROM, replace=False)
        return [array[chosen] for array in arrays]
    if paired:
        return list(arrays)
    return [
        array[generator.choice(len(array), ROWS_DRAWN_FROM, replace=False)] if len(array) > ROWS_DRAWN_FROM else array
        for array in arrays
    ]
