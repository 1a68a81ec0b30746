"""The decision to defer to a human: learned on held-out data, applied to new predictions."""

import dataclasses
import math
import numbers
import warnings
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from keras_sngp.deferral import policy_file, thresholds
from keras_sngp.deferral.costs import DecisionCosts
from keras_sngp.deferral.decisions import AMBIGUOUS, UNFAMILIAR, Decisions
from keras_sngp.deferral.drift import DeferralDriftWarning, deferral_count_range
from keras_sngp.deferral.experts import Expert
from keras_sngp.metrics.array_checks import check_share, checked_predictions, checked_probabilities
from keras_sngp.metrics.scores import row_variance, uncertainty_of

Array = npt.NDArray[np.floating]

DRIFT_LEVEL = 0.999
EXPECTED_SAVING = "expected_saving"


class NoSuchPolicyError(ValueError):
    """The held-out rows cannot promise what was asked for."""


@dataclasses.dataclass(frozen=True)
class DeferralPolicy:
    """Answers what is sure enough, and defers the rest to an expert.

    Learned by `for_budget`, `for_accuracy` or `for_costs` from held-out predictions: rows that the model was neither
    trained nor calibrated on, and that are like those to come. A row is deferred if its uncertainty is above
    `threshold`.

    Attributes:
        rule: `"budget"`, `"accuracy"` or `"costs"`.
        target: The budget, or the accuracy asked for; None for costs.
        delta: Chance that the accuracy is missed; None for the other rules.
        score: Name of the score the threshold is on: see `uncertainty_of`, or `"expected_saving"` with costs.
        threshold: Uncertainty above which a row is deferred.
        num_classes: Number of classes.
        rows: Number of held-out rows.
        deferred: How many of them are deferred.
        variance_limit: Variance above which a deferred row is called unfamiliar; None without variances.
        mistake_costs: `(classes, classes)` with costs, else None.
        expert_costs: Expected cost of asking about a case of each true class, `(classes,)` with costs, else None.

    Example:

    >>> generator = np.random.default_rng(0)
    >>> held_out = generator.dirichlet([0.3, 0.3, 0.3], size=1000)
    >>> policy = DeferralPolicy.for_budget(held_out, budget=0.05)
    >>> decisions = policy.decide([[0.98, 0.01, 0.01], [0.35, 0.33, 0.32]])
    >>> decisions.answers.tolist(), decisions.defer.tolist(), decisions.reasons.tolist()
    ([0, 0], [False, True], ['', 'ambiguous'])
    """

    rule: str
    target: float | None
    delta: float | None
    score: str
    threshold: float
    num_classes: int
    rows: int
    deferred: int
    variance_limit: float | None = None
    mistake_costs: tuple[tuple[float, ...], ...] | None = None
    expert_costs: tuple[float, ...] | None = None

    @classmethod
    def for_budget(
        cls,
        probabilities: npt.ArrayLike,
        budget: float,
        *,
        score: str = "max_probability",
        variance: npt.ArrayLike | None = None,
        uncertainty: npt.ArrayLike | None = None,
        familiar_share: float = 0.95,
    ) -> Self:
        """Defers at most a share of the cases: the most uncertain ones.

        Guarantee: a new row like the held-out ones is deferred with probability `budget` at most, on average over
        held-out sets. It needs no labels.

        Args:
            probabilities: `(rows, classes)` of held-out rows.
            budget: Share of cases the expert can take, from 0 to 1.
            score: What to go by; see `uncertainty_of`.
            variance: Posterior variance `(rows,)` or `(rows, classes)`, for that score and for the reasons.
            uncertainty: `(rows,)`, for the score `"given"`.
            familiar_share: Share of the held-out rows whose variance counts as familiar.
        """
        probabilities = checked_probabilities(probabilities)
        check_share(budget, "budget")
        values = uncertainty_of(score, probabilities, variance, uncertainty)
        threshold = thresholds.budget_threshold(values, budget)
        return cls._learned("budget", budget, None, score, threshold, values, probabilities, variance, familiar_share)

    @classmethod
    def for_accuracy(
        cls,
        probabilities: npt.ArrayLike,
        labels: npt.ArrayLike,
        accuracy: float,
        *,
        delta: float = 0.05,
        num_thresholds: int = 50,
        score: str = "max_probability",
        variance: npt.ArrayLike | None = None,
        uncertainty: npt.ArrayLike | None = None,
        familiar_share: float = 0.95,
    ) -> Self:
        """Answers as much as it can with at least this accuracy on what is answered.

        Guarantee: with probability `1 - delta` over the draw of the held-out rows, new rows like them that are answered
        are right with probability `accuracy` or more. Whatever the model and the data; see
        `keras_sngp.deferral.thresholds.accuracy_threshold`. The price is caution: on 1,000 held-out rows expect to
        defer some percent more than the accuracy would need.

        Args:
            probabilities: `(rows, classes)` of held-out rows.
            labels: Class numbers `(rows,)`.
            accuracy: Accuracy asked for, between 0 and 1.
            delta: Chance that it is missed.
            num_thresholds: Number of candidates to choose from.
            score: What to go by; see `uncertainty_of`.
            variance: Posterior variance `(rows,)` or `(rows, classes)`, for that score and for the reasons.
            uncertainty: `(rows,)`, for the score `"given"`.
            familiar_share: Share of the held-out rows whose variance counts as familiar.

        Raises:
            NoSuchPolicyError: a ValueError; no threshold on these rows can promise that accuracy.
        """
        probabilities, labels = checked_predictions(probabilities, labels)
        are_numbers = all(isinstance(share, numbers.Real) for share in (accuracy, delta))
        if not are_numbers or not (0 < accuracy < 1 and 0 < delta < 1) or num_thresholds < 1:
            raise ValueError(
                "`accuracy` and `delta` must be between 0 and 1, `num_thresholds` at least 1. "
                f"Received: {accuracy}, {delta}, {num_thresholds}"
            )
        values = uncertainty_of(score, probabilities, variance, uncertainty)
        mistakes = (probabilities.argmax(axis=1) != labels).astype(int)
        threshold = thresholds.accuracy_threshold(values, mistakes, accuracy, delta, num_thresholds)
        if threshold is None:
            needed = math.ceil(math.log(delta / num_thresholds) / math.log(accuracy))
            raise NoSuchPolicyError(
                f"No threshold on {len(labels)} held-out rows promises an accuracy of {accuracy:g} with probability "
                f"{1 - delta:g}: the surest {needed} rows would have to be right without exception, or more rows with "
                f"few mistakes. Received: {int(mistakes.sum())} mistakes in {len(labels)} rows"
            )
        return cls._learned(
            "accuracy", accuracy, delta, score, threshold, values, probabilities, variance, familiar_share
        )

    @classmethod
    def for_costs(
        cls,
        probabilities: npt.ArrayLike,
        labels: npt.ArrayLike,
        costs: DecisionCosts,
        expert: Expert,
        *,
        score: str = EXPECTED_SAVING,
        variance: npt.ArrayLike | None = None,
        uncertainty: npt.ArrayLike | None = None,
        familiar_share: float = 0.95,
    ) -> Self:
        """Asks the expert where that costs less on the held-out rows.

        The answers are those of least expected cost, which with unequal costs need not be the most probable ones. The
        threshold has the least mean cost on the held-out rows; that is no promise for new ones, but for one number
        learned from many rows it comes close.

        Args:
            probabilities: `(rows, classes)` of held-out rows.
            labels: Class numbers `(rows,)`.
            costs: What mistakes and calls cost.
            expert: Who is asked; records must be of these rows.
            score: By default `"expected_saving"`, the expected cost of answering less that of asking, both by the
                probabilities; or one of `uncertainty_of`.
            variance: Posterior variance `(rows,)` or `(rows, classes)`, for that score and for the reasons.
            uncertainty: `(rows,)`, for the score `"given"`.
            familiar_share: Share of the held-out rows whose variance counts as familiar.
        """
        probabilities, labels = checked_predictions(probabilities, labels)
        of_class = costs.expert_costs(expert.confusion_matrix(labels))
        answers, values = costs.expected_saving(probabilities, of_class)
        if score != EXPECTED_SAVING:
            values = uncertainty_of(score, probabilities, variance, uncertainty)
        asked = costs.expert_call[labels] + np.sum(expert.answer_probabilities(labels) * costs.mistakes[labels], axis=1)
        threshold = thresholds.cost_threshold(values, costs.mistakes[labels, answers], asked)
        return cls._learned(
            "costs",
            None,
            None,
            score,
            threshold,
            values,
            probabilities,
            variance,
            familiar_share,
            mistake_costs=tuple(tuple(row) for row in costs.mistakes.tolist()),
            expert_costs=tuple(of_class.tolist()),
        )

    @classmethod
    def _learned(
        cls,
        rule: str,
        target: float | None,
        delta: float | None,
        score: str,
        threshold: float,
        values: Array,
        probabilities: Array,
        variance: npt.ArrayLike | None,
        familiar_share: float,
        mistake_costs: tuple[tuple[float, ...], ...] | None = None,
        expert_costs: tuple[float, ...] | None = None,
    ) -> Self:
        limit = None
        if variance is not None:
            check_share(familiar_share, "familiar_share")
            limit = float(np.quantile(row_variance(variance, len(values)), familiar_share))
            limit = min(limit, threshold) if score == "variance" else limit
        deferred = int(np.sum(values > threshold))
        rows, num_classes = probabilities.shape
        return cls(
            rule, target, delta, score, threshold, num_classes, rows, deferred, limit, mistake_costs, expert_costs
        )

    @property
    def guarantee(self) -> str:
        """What is promised, in a sentence."""
        if self.rule == "budget":
            return f"A new case is deferred with probability {self.target:g} at most, on average over held-out sets."
        if self.rule == "accuracy":
            assert self.delta is not None
            return (
                f"With probability {1 - self.delta:g} over the draw of the held-out rows, answered cases are right "
                f"with probability {self.target:g} or more."
            )
        return "The threshold had the least mean cost on the held-out rows; there is no promise for new ones."

    def decide(
        self,
        probabilities: npt.ArrayLike,
        *,
        variance: npt.ArrayLike | None = None,
        uncertainty: npt.ArrayLike | None = None,
    ) -> Decisions:
        """Answers or defers each row of new predictions, with the reason.

        Warns with `DeferralDriftWarning` if the share deferred is outside the range that holds it with probability
        0.999 when new rows are like the held-out ones.

        Args:
            probabilities: `(rows, classes)`.
            variance: Posterior variance `(rows,)` or `(rows, classes)`; without it every reason is `"ambiguous"`.
            uncertainty: `(rows,)`, for the score `"given"`.
        """
        self._check_classes(probabilities)
        answers, values = self._answers(probabilities, variance, uncertainty)
        defer = values > self.threshold
        reasons = np.where(defer, AMBIGUOUS, "").astype(f"<U{len(UNFAMILIAR)}")
        if variance is not None and self.variance_limit is not None:
            reasons[defer & (row_variance(variance, len(defer)) > self.variance_limit)] = UNFAMILIAR
        decisions = Decisions(answers, defer, reasons, values, self.expected_rate(len(defer)))
        if message := decisions.drift_message:
            warnings.warn(message, DeferralDriftWarning, stacklevel=2)
        return decisions

    def expected_rate(self, rows: int, level: float = DRIFT_LEVEL) -> tuple[float, float]:
        """Range that holds the share deferred among so many new rows, with probability `level`, without drift."""
        low, high = deferral_count_range(self.rows, self.deferred, rows, level)
        return low / rows, high / rows

    def save(self, path: str | Path) -> None:
        """Writes the policy as JSON."""
        policy_file.save(dataclasses.asdict(self), path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Reads a policy from JSON; decides what the saved one would have decided, to the last bit."""
        return cls(**policy_file.load(path, [field.name for field in dataclasses.fields(cls)]))

    def _answers(
        self, probabilities: npt.ArrayLike, variance: npt.ArrayLike | None, uncertainty: npt.ArrayLike | None
    ) -> tuple[npt.NDArray[np.integer], Array]:
        if self.mistake_costs is not None:
            costs = DecisionCosts(np.array(self.mistake_costs), np.zeros(self.num_classes))
            answers, saving = costs.expected_saving(probabilities, np.array(self.expert_costs))
            if self.score == EXPECTED_SAVING:
                return answers, saving
            return answers, uncertainty_of(self.score, probabilities, variance, uncertainty)
        values = uncertainty_of(self.score, probabilities, variance, uncertainty)
        return np.asarray(probabilities).argmax(axis=1), values

    def _check_classes(self, probabilities: npt.ArrayLike) -> None:
        known = probabilities if hasattr(probabilities, "shape") else np.asarray(probabilities, dtype=object)
        shape = tuple(known.shape)
        if len(shape) == 2 and shape[1] != self.num_classes:
            raise ValueError(f"The policy was learned on {self.num_classes} classes. Received: {shape[1]}")
