"""Everything the report says about each model, from its table of predictions."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_sngp.deferral import Expert, JointAccuracyCurve, joint_accuracy_curve, uncertainty_of
from keras_sngp.metrics import (
    ConfidenceBins,
    Interval,
    RiskCoverageCurve,
    brier_decomposition,
    risk_coverage_curve,
    top_label_bins,
)
from keras_sngp.report import quality
from keras_sngp.report.policies import PolicyEvaluation, PolicyRequest, deferred_out_of_domain, evaluate_policies
from keras_sngp.report.prediction_table import Halves, PredictionTable


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """One model's figures and curves.

    Attributes:
        table: The predictions.
        other: Predictions out of domain, or None.
        score: Name of the score selection and separation are drawn by.
        measures: Measures with their intervals.
        decomposition: Terms of the Brier score.
        classes: A row for each class, the worst first.
        temperature: What temperature scaling would do.
        sets: What conformal prediction sets would do.
        separation: For each score, how well it detects out-of-domain rows; empty without.
        uncertainties: For each score, the uncertainties of the rows and of those out of domain; empty without.
        policies: The policies and what they do.
        deferred_out_of_domain: What the policy defers out of domain, or None.
        bins: Bins of the reliability diagram.
        risk_coverage: The risk-coverage curve.
        joint: Joint accuracy on the rows the policy is evaluated on, or None without an expert.
    """

    table: PredictionTable
    other: PredictionTable | None
    score: str
    measures: dict[str, Interval]
    decomposition: dict[str, float]
    classes: list[dict[str, Any]]
    temperature: dict[str, float]
    sets: list[dict[str, float]]
    separation: dict[str, dict[str, Interval]]
    uncertainties: dict[str, quality.InAndOut]
    policies: PolicyEvaluation
    deferred_out_of_domain: dict[str, float | None] | None
    bins: ConfidenceBins
    risk_coverage: RiskCoverageCurve
    joint: JointAccuracyCurve | None

    def as_json(self) -> dict[str, Any]:
        """The figures, without the curves."""
        policy = self.policies.policy
        return {
            "rows": len(self.table),
            "classes": len(self.table.class_names),
            "out_of_domain_rows": None if self.other is None else len(self.other),
            "score": self.score,
            "measures": {name: dataclasses.asdict(interval) for name, interval in self.measures.items()},
            "brier_decomposition": self.decomposition,
            "by_class": self.classes,
            "temperature_scaling": self.temperature,
            "prediction_sets": self.sets,
            "out_of_domain": {
                score: {name: dataclasses.asdict(interval) for name, interval in figures.items()}
                for score, figures in self.separation.items()
            },
            "policy": None
            if policy is None
            else {**_finite(dataclasses.asdict(policy)), "guarantee": policy.guarantee},
            "policy_refused": self.policies.refusal,
            "policy_outcome": self.policies.outcome,
            "policy_out_of_domain": self.deferred_out_of_domain,
            "budgets": self.policies.budgets,
        }


def evaluate(
    table: PredictionTable,
    other: PredictionTable | None,
    request: PolicyRequest,
    expert: Expert | None,
) -> Evaluation:
    """Measures one model.

    Args:
        table: Predictions with labels.
        other: Predictions out of domain.
        request: What the policy is to do.
        expert: Who is asked, where the table holds no record.
    """
    _check_labels(table)
    _check_other(table, other)
    score = request.score or "max_probability"
    measures = quality.measure(table, score)
    halves = Halves.of(table)
    temperature, sets = quality.try_temperature(halves), quality.try_conformal_sets(halves)
    uncertainties = {} if other is None else _in_and_out(table, other)
    policies = evaluate_policies(halves, request, expert)
    policy = policies.policy
    return Evaluation(
        table,
        other,
        score,
        measures,
        dataclasses.asdict(brier_decomposition(table.probabilities, table.known_labels)),
        quality.describe_classes(table),
        temperature,
        sets,
        quality.measure_out_of_domain(uncertainties),
        uncertainties,
        policies,
        deferred_out_of_domain(policy, other) if policy is not None and other is not None else None,
        top_label_bins(table.probabilities, table.known_labels),
        risk_coverage_curve(uncertainty_of(score, table.probabilities, **table.extras), table.mistakes),
        _joint(halves.evaluation, score, expert),
    )


def _in_and_out(table: PredictionTable, other: PredictionTable) -> dict[str, quality.InAndOut]:
    return {
        score: (
            uncertainty_of(score, table.probabilities, **table.extras),
            uncertainty_of(score, other.probabilities, **other.extras),
        )
        for score in available_scores(table, other)
    }


def available_scores(table: PredictionTable, other: PredictionTable) -> list[str]:
    """Names of the scores that both tables can give."""
    scores = ["max_probability", "entropy", "margin"]
    if table.variance is not None and other.variance is not None:
        scores.append("variance")
    if table.uncertainty is not None and other.uncertainty is not None:
        scores.append("given")
    return scores


def check_same_cases(tables: Sequence[PredictionTable]) -> None:
    """Raises a ValueError unless all tables are of the same cases in the same order."""
    first = tables[0]
    for table in tables[1:]:
        if len(table) != len(first):
            raise ValueError(
                "Files to compare must hold the same cases in the same order. "
                f"Received: {len(first)} rows in {first.name} and {len(table)} in {table.name}"
            )
        if len(table.class_names) != len(first.class_names):
            raise ValueError(
                "Files to compare must have the same classes. "
                f"Received: {len(first.class_names)} in {first.name} and {len(table.class_names)} in {table.name}"
            )
        differ = first.known_labels != table.known_labels
        if differ.any():
            raise ValueError(
                "Files to compare must hold the same cases in the same order. Received: other labels in "
                f"{int(differ.sum())} rows of {table.name}, the first in row {int(np.argmax(differ)) + 1}"
            )


def _check_labels(table: PredictionTable) -> None:
    labels = table.known_labels
    if labels.min() == labels.max():
        raise ValueError(
            f"The labels must hold at least two classes, or nothing can be told apart. Received: {len(labels)} times "
            f"{table.class_names[int(labels[0])]!r} in {table.name}"
        )


def _check_other(table: PredictionTable, other: PredictionTable | None) -> None:
    if other is not None and other.probabilities.shape[1] != table.probabilities.shape[1]:
        raise ValueError(
            "Out-of-domain predictions must have the same classes. "
            f"Received: {table.probabilities.shape[1]} classes in {table.name}, "
            f"{other.probabilities.shape[1]} in {other.name}"
        )


def _joint(table: PredictionTable, score: str, expert: Expert | None) -> JointAccuracyCurve | None:
    who = table.expert or expert
    if who is None:
        return None
    uncertainty = uncertainty_of(score, table.probabilities, **table.extras)
    return joint_accuracy_curve(uncertainty, table.mistakes, who.correct_probability(table.known_labels))


def _finite(policy: dict[str, Any]) -> dict[str, Any]:
    threshold = policy["threshold"]
    return {**policy, "threshold": threshold if np.isfinite(threshold) else str(threshold)}
