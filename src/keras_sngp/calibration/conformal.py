"""Split-conformal prediction sets: sets of classes that hold the label as often as promised."""

from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import stats

from keras_sngp.calibration.outputs import check_classes, fitted
from keras_sngp.metrics.array_checks import checked_predictions, checked_probabilities

SCORES = ("lac", "aps", "raps")


class ConformalPredictionSets:
    r"""Sets of classes that hold the true one with a stated probability, whatever the model and the data.

    With scores `s(x, y)` of n held-out rows and their `k = ceil((n + 1) coverage)`-th smallest `q`, the set of a new
    row is `{y : s(x, y) <= q}`. If its rows and the held-out ones could come in any order (exchangeable),

    .. math:: \mathrm{coverage} \le P(y \in C(x)) \le \mathrm{coverage} + \frac{1}{n + 1}

    on average over held-out sets; the upper bound needs scores without ties and `allow_empty=True`. Given one held-out
    set, coverage varies as `coverage_band` says. The promise is about all rows together, not about each class or kind
    of input, and it does not survive a change of the data.

    Args:
        score: `"lac"`: `1 - p_y`, the smallest sets on average. `"aps"`: the probability of the classes above y, plus a
            random part of its own, which makes sets larger where the model is unsure. `"raps"`: that, plus
            `penalty` for each rank beyond `penalty_rank`, against long tails of many classes.
        coverage: Share of rows whose set should hold the label.
        randomized: Whether APS and RAPS draw the part of the class's own probability; without, sets are larger than
            promised.
        allow_empty: Whether a set may hold no class at all. If not, the most probable class is always in it, which can
            only raise coverage.
        penalty: Lambda of RAPS.
        penalty_rank: Rank up to which RAPS takes no penalty.
        seed: Seed of the random parts.

    Attributes:
        threshold: q once fitted; infinite if the held-out rows are too few for the coverage, and sets hold all classes.

    Example:

    >>> probabilities = np.array([[0.8, 0.2], [0.6, 0.4], [0.7, 0.3], [0.9, 0.1]])
    >>> sets = ConformalPredictionSets("lac", coverage=0.6).fit(probabilities, [0, 1, 0, 0])
    >>> sets.predict([[0.95, 0.05], [0.5, 0.5]]).tolist()
    [[True, False], [True, False]]

    Reference: Vovk, Gammerman and Shafer 2005 (split conformal); LAC: Sadinle, Lei and Wasserman 2019,
    arXiv:1609.00451; APS: Romano, Sesia and Candes 2020, arXiv:2006.02544; RAPS: Angelopoulos et al. 2021,
    arXiv:2009.14193.
    """

    def __init__(
        self,
        score: str = "lac",
        coverage: float = 0.9,
        *,
        randomized: bool = True,
        allow_empty: bool = False,
        penalty: float = 0.01,
        penalty_rank: int = 5,
        seed: int = 0,
    ) -> None:
        if score not in SCORES:
            raise ValueError(f"`score` must be one of {', '.join(SCORES)}. Received: {score!r}")
        if not 0 < coverage < 1:
            raise ValueError(f"`coverage` must be between 0 and 1. Received: {coverage}")
        if penalty < 0 or penalty_rank < 0:
            raise ValueError(f"`penalty` and `penalty_rank` must be at least 0. Received: {penalty}, {penalty_rank}")
        self.score = score
        self.coverage = coverage
        self.randomized = randomized
        self.allow_empty = allow_empty
        self.penalty = penalty
        self.penalty_rank = penalty_rank
        self.seed = seed
        self.threshold: float | None = None
        self._num_classes = 0
        self._generator = np.random.default_rng(seed)

    def fit(self, probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> Self:
        """Finds the threshold from held-out probabilities `(rows, classes)` and class numbers `(rows,)`."""
        probabilities, labels = checked_predictions(probabilities, labels)
        self._num_classes = probabilities.shape[1]
        self._generator = np.random.default_rng(self.seed)
        scores = np.sort(self._scores(probabilities)[np.arange(len(labels)), labels])
        rank = _rank(len(labels), self.coverage)
        self.threshold = float(scores[rank - 1]) if rank <= len(scores) else float("inf")
        return self

    def predict(self, probabilities: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Which classes are in each row's set, `(rows, classes)`."""
        threshold = fitted(self.threshold, "threshold")
        probabilities = checked_probabilities(probabilities)
        check_classes(probabilities, self._num_classes)
        sets: npt.NDArray[np.bool_] = self._scores(probabilities) <= threshold
        if not self.allow_empty:
            sets[np.arange(len(sets)), probabilities.argmax(axis=1)] = True
        return sets

    def _scores(self, probabilities: np.ndarray) -> np.ndarray:
        if self.score == "lac":
            return 1 - probabilities
        order = np.argsort(-probabilities, axis=1, kind="stable")
        sorted_probabilities = np.take_along_axis(probabilities, order, axis=1)
        own = self._generator.random((len(probabilities), 1)) if self.randomized else 1.0
        scores = np.cumsum(sorted_probabilities, axis=1) - (1 - own) * sorted_probabilities
        if self.score == "raps":
            ranks = np.arange(1, probabilities.shape[1] + 1)
            scores = scores + self.penalty * np.maximum(ranks - self.penalty_rank, 0)
        unsorted = np.empty_like(scores)
        np.put_along_axis(unsorted, order, scores, axis=1)
        return unsorted


def coverage_band(rows: int, coverage: float, level: float = 0.95) -> tuple[float, float]:
    """Range in which the true coverage of sets fitted on so many held-out rows lies, with probability `level`.

    Coverage given the held-out rows is `Beta(k, n + 1 - k)` with `k = ceil((n + 1) coverage)`, for scores without
    ties and sets that may be empty.

    Args:
        rows: Number of held-out rows n.
        coverage: Coverage asked for.
        level: Probability of the range.

    Example:

    >>> low, high = coverage_band(1000, 0.9)
    >>> round(low, 3), round(high, 3)
    (0.881, 0.918)

    Reference: Vovk 2012, arXiv:1209.2673; Angelopoulos and Bates 2021, arXiv:2107.07511, section 3.2.
    """
    rank = _rank(rows, coverage)
    if rank > rows:
        return 1.0, 1.0
    low, high = stats.beta(rank, rows + 1 - rank).ppf([(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _rank(rows: int, coverage: float) -> int:
    return int(np.ceil((rows + 1) * coverage - 1e-9))
