"""How far a measure would move if other rows had been drawn."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

UNDEFINED_A_RESAMPLE = 20


@dataclasses.dataclass(frozen=True)
class Interval:
    """An estimate between two bounds.

    Attributes:
        estimate: The measure of the data itself.
        low: Lower bound.
        high: Upper bound.
    """

    estimate: float
    low: float
    high: float


def bootstrap_interval(
    metric: Callable[..., float],
    *arrays: npt.ArrayLike,
    paired: bool = True,
    num_resamples: int = 1000,
    level: float = 0.95,
    method: str = "percentile",
    seed: int = 0,
) -> Interval:
    """Confidence interval of any measure of rows, by drawing rows anew with replacement.

    Args:
        metric: Takes the arrays, gives a number.
        *arrays: Arrays whose first axis are the rows.
        paired: True if row i of each array belongs to the same case, as probabilities and labels do; False if each
            array is a sample of its own, as in-domain and out-of-domain scores are.
        num_resamples: Number of draws.
        level: Share of such intervals that should hold the true value.
        method: `"percentile"`, the quantiles of the draws, which never leave a measure's range; or `"basic"`, those
            mirrored at the estimate, for measures that are biased upwards on few rows, such as calibration errors.
        seed: Seed of the draws.

    Returns:
        Estimate and bounds. Draws on which the metric raises a ValueError (an AUROC without a single mistake) are
        drawn again.

    Raises:
        ValueError: the metric is not defined on the data, or on most draws; lengths that differ.

    Example:

    >>> from keras_sngp.metrics import accuracy
    >>> interval = bootstrap_interval(accuracy, [[0.9, 0.1], [0.4, 0.6]] * 50, [0, 0] * 50)
    >>> interval.estimate, round(interval.low, 1), round(interval.high, 1)
    (0.5, 0.4, 0.6)

    Reference: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13; Davison and Hinkley 1997,
    "Bootstrap Methods and their Application", chapter 5 (basic).
    """
    if not 0 < level < 1:
        raise ValueError(f"`level` must be between 0 and 1. Received: {level}")
    if method not in ("percentile", "basic"):
        raise ValueError(f"`method` must be one of percentile, basic. Received: {method!r}")
    data = _checked(arrays, paired)
    estimate = float(metric(*data))
    draws = bootstrap_draws(metric, *data, paired=paired, num_resamples=num_resamples, seed=seed)
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    if method == "basic":
        low, high = 2 * estimate - high, 2 * estimate - low
    return Interval(estimate, float(low), float(high))


def bootstrap_draws(
    metric: Callable[..., float],
    *arrays: npt.ArrayLike,
    paired: bool = True,
    num_resamples: int = 1000,
    seed: int = 0,
) -> npt.NDArray[np.floating]:
    """The measure of each draw, `(num_resamples,)`; arguments as in `bootstrap_interval`.

    Example:

    >>> bootstrap_draws(np.mean, [1.0, 1.0], num_resamples=3).tolist()
    [1.0, 1.0, 1.0]
    """
    if num_resamples < 1:
        raise ValueError(f"`num_resamples` must be at least 1. Received: {num_resamples}")
    data = _checked(arrays, paired)
    generator = np.random.default_rng(seed)
    return np.array([_draw(metric, data, paired, generator) for _ in range(num_resamples)])


def _draw(metric: Callable[..., float], data: list[np.ndarray], paired: bool, generator: np.random.Generator) -> float:
    error: ValueError | None = None
    for _ in range(UNDEFINED_A_RESAMPLE):
        rows: Any = generator.integers(0, len(data[0]), len(data[0]))
        drawn = [data[0][rows]]
        for array in data[1:]:
            rows = rows if paired else generator.integers(0, len(array), len(array))
            drawn.append(array[rows])
        try:
            return float(metric(*drawn))
        except ValueError as undefined:
            error = undefined
    raise ValueError(
        f"The metric is not defined on most draws of these rows, so it has no interval. Received: {error}"
    ) from error


def _checked(arrays: tuple[npt.ArrayLike, ...], paired: bool) -> list[np.ndarray]:
    data = [np.asarray(array) for array in arrays]
    lengths = [len(array) for array in data]
    if not data or 0 in lengths or (paired and len(set(lengths)) > 1):
        raise ValueError(f"Arrays must have rows, paired ones the same number of rows. Received: {lengths}")
    return data
