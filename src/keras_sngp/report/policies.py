"""When to defer, and what that costs and gains: policies learned on one half of the rows, evaluated on the other."""

import dataclasses
import warnings
from typing import Any

import numpy as np

from keras_sngp.deferral import (
    DecisionCosts,
    Decisions,
    DeferralDriftWarning,
    DeferralPolicy,
    Expert,
    NoSuchPolicyError,
    joint_accuracy,
)
from keras_sngp.deferral.policy import EXPECTED_SAVING
from keras_sngp.report.prediction_table import Halves, PredictionTable

BUDGETS = (0.01, 0.05, 0.1, 0.2, 0.3)


@dataclasses.dataclass(frozen=True)
class PolicyRequest:
    """What the user asks of the policy; at most one of budget, accuracy and costs.

    Attributes:
        score: Name of the score to go by; by default the largest probability, with costs the expected saving.
        budget: Largest share of cases for the expert.
        accuracy: Least accuracy of what is answered.
        delta: Chance that it is missed.
        costs: What mistakes and calls cost.
    """

    score: str | None = None
    budget: float | None = None
    accuracy: float | None = None
    delta: float = 0.05
    costs: DecisionCosts | None = None


@dataclasses.dataclass(frozen=True)
class PolicyEvaluation:
    """Policies and what they do on rows they were not learned on.

    Attributes:
        policy: The one asked for, or None if the rows cannot promise it.
        refusal: Why not.
        outcome: What it does.
        budgets: What policies of several budgets do.
    """

    policy: DeferralPolicy | None
    refusal: str | None
    outcome: dict[str, Any] | None
    budgets: list[dict[str, Any]]


def evaluate_policies(halves: Halves, request: PolicyRequest, expert: Expert | None) -> PolicyEvaluation:
    """Learns the policy asked for, and one for each of several budgets.

    Args:
        halves: Rows to learn on and to evaluate on.
        request: What is asked for; a budget of 0.05 by default.
        expert: Who is asked, when it is no record of these rows.
    """
    try:
        policy, refusal = _learn(halves.selection, request, expert), None
    except NoSuchPolicyError as error:
        policy, refusal = None, str(error)
    budgets = []
    for budget in BUDGETS:
        one = _learn(halves.selection, PolicyRequest(request.score, budget=budget), expert)
        budgets.append({"budget": budget, **evaluate_policy(one, halves.evaluation, expert, request.costs)})
    outcome = None if policy is None else evaluate_policy(policy, halves.evaluation, expert, request.costs)
    return PolicyEvaluation(policy, refusal, outcome, budgets)


def _learn(table: PredictionTable, request: PolicyRequest, expert: Expert | None) -> DeferralPolicy:
    if request.costs is not None:
        who = table.expert or expert
        if who is None:
            raise ValueError("Costs need an expert: pass --expert with an accuracy or a column. Received: none")
        score = request.score or EXPECTED_SAVING
        return DeferralPolicy.for_costs(
            table.probabilities, table.known_labels, request.costs, who, score=score, **table.extras
        )
    score = request.score or "max_probability"
    if request.accuracy is not None:
        return DeferralPolicy.for_accuracy(
            table.probabilities, table.known_labels, request.accuracy, delta=request.delta, score=score, **table.extras
        )
    budget = 0.05 if request.budget is None else request.budget
    return DeferralPolicy.for_budget(table.probabilities, budget, score=score, **table.extras)


def evaluate_policy(
    policy: DeferralPolicy, table: PredictionTable, expert: Expert | None, costs: DecisionCosts | None
) -> dict[str, Any]:
    """What a policy does on labelled rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeferralDriftWarning)
        decisions = policy.decide(table.probabilities, **table.extras)
    mistakes = decisions.answers != table.known_labels
    answered = ~decisions.defer
    result: dict[str, Any] = {
        "deferral_rate": decisions.deferral_rate,
        "machine_accuracy": float(1 - mistakes.mean()),
        "accuracy_answered": float(1 - mistakes[answered].mean()) if answered.any() else None,
        "accuracy_deferred": float(1 - mistakes[decisions.defer].mean()) if decisions.defer.any() else None,
        "unfamiliar": float((decisions.reasons == "unfamiliar").mean()) if table.variance is not None else None,
        "mistakes_caught": float(mistakes[decisions.defer].sum() / mistakes.sum()) if mistakes.any() else None,
    }
    who = table.expert or expert
    if who is not None:
        correct = who.correct_probability(table.known_labels)
        result["expert_accuracy"] = float(correct.mean())
        result["expert_accuracy_deferred"] = float(correct[decisions.defer].mean()) if decisions.defer.any() else None
        result["joint_accuracy"] = joint_accuracy(decisions.defer, mistakes, correct)
    if costs is not None and who is not None:
        result["costs"] = _costs(decisions, table.known_labels, who, costs)
    return result


def _costs(decisions: Decisions, labels: np.ndarray, expert: Expert, costs: DecisionCosts) -> dict[str, float]:
    machine = costs.mistakes[labels, decisions.answers]
    mistakes_of_expert = np.sum(expert.answer_probabilities(labels) * costs.mistakes[labels], axis=1)
    asked = costs.expert_call[labels] + mistakes_of_expert
    return {
        "machine": float(machine.mean()),
        "expert": float(asked.mean()),
        "joint": float(np.where(decisions.defer, asked, machine).mean()),
    }


def deferred_out_of_domain(policy: DeferralPolicy, other: PredictionTable) -> dict[str, float | None]:
    """The share of out-of-domain rows that a policy defers, and of those called unfamiliar."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeferralDriftWarning)
        decisions = policy.decide(other.probabilities, **other.extras)
    unfamiliar = float((decisions.reasons == "unfamiliar").mean()) if other.variance is not None else None
    return {"deferral_rate": decisions.deferral_rate, "unfamiliar": unfamiliar}
