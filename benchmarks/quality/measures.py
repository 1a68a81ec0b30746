"""Figures of one method: how good, how calibrated, and what it does not know; a record for each set of data."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.quality.detectors import detector_scores
from benchmarks.quality.method_names import UNSHIFTED
from benchmarks.quality.methods import MAX_PROBABILITY, Answer, Method, from_logits, from_variance
from benchmarks.quality.study import PROCESS, Arrays, Study
from keras_sngp import metrics
from keras_sngp.deferral import Expert, joint_accuracy_curve

COVERAGES = (0.95, 0.9, 0.8)
SHARES_HANDED_OVER = (0.0, 0.05, 0.1, 0.2, 0.3, 1.0)


def measure(study: Study, method: Method) -> Iterator[dict[str, Any]]:
    """Figures on validation and test data, out of domain by each score, with an expert, and under shift.

    The score of the method is the one with the largest AUROC on out-of-domain validation data: its records have
    `chosen`.
    """
    validation, test = method.answer("validation"), method.answer("test")
    labels, chosen = study.test[1], choose_score(method, validation.uncertainty)
    yield {"data": "validation", **in_domain(validation, study.validation[1])}
    seconds = {"training seconds": round(method.training_seconds, 1)}
    yield {"data": "test", **in_domain(test, labels), **selective(test, labels), **seconds}
    for name in study.out_of_domain:
        others = method.answer(name).uncertainty
        for score, uncertainty in test.uncertainty.items():
            mark = {"chosen": True} if score == chosen else {}
            yield {"data": name, "score": score, **mark, **out_of_domain(uncertainty, others[score])}
    if study.expert is not None:
        yield {"data": "expert", **with_expert(test, labels, study.expert)}
    if study.shifts:
        rows = len(next(iter(study.shifts.values())))
        yield {"data": UNSHIFTED, "strength": 0, **shifted(test.first(rows), labels[:rows])}
        for kind, strength in study.shifts:
            answer = method.answer(f"{kind} {strength}")
            yield {"data": kind, "strength": strength, **shifted(answer, labels[:rows])}


def measure_detectors(study: Study, network: Arrays) -> Iterator[dict[str, Any]]:
    """Figures of every detector on each out-of-domain set."""
    for name, setting, found in detector_scores(study, network):
        for other in study.out_of_domain:
            yield {"data": other, "detector": name, "setting": setting, **out_of_domain(found["test"], found[other])}


def choose_score(method: Method, inside: dict[str, np.ndarray]) -> str:
    outside = method.answer("out-of-domain validation").uncertainty
    return max(inside, key=lambda score: metrics.out_of_domain_auroc(inside[score], outside[score]))


def in_domain(answer: Answer, labels: np.ndarray) -> dict[str, float]:
    return {
        "accuracy": metrics.accuracy(answer.probabilities, labels),
        "nll": metrics.negative_log_likelihood(answer.probabilities, labels),
        "ece": metrics.expected_calibration_error(answer.probabilities, labels),
        "brier": metrics.brier_score(answer.probabilities, labels),
    }


def selective(answer: Answer, labels: np.ndarray) -> dict[str, float]:
    """Accuracy of the surest answers, by the largest probability."""
    uncertainty, mistakes = answer.uncertainty[MAX_PROBABILITY], answer.mistakes(labels)
    return {
        f"accuracy at {share:.0%} coverage": metrics.accuracy_at_coverage(uncertainty, mistakes, share)
        for share in COVERAGES
    }


def out_of_domain(inside: np.ndarray, outside: np.ndarray) -> dict[str, float]:
    return {
        "auroc": metrics.out_of_domain_auroc(inside, outside),
        "aupr": metrics.out_of_domain_aupr(inside, outside),
        "fpr95": metrics.false_positive_rate(inside, outside),
    }


def shifted(answer: Answer, labels: np.ndarray) -> dict[str, float]:
    """`uncertainty` is one less the mean largest probability."""
    return in_domain(answer, labels) | {"uncertainty": float(answer.uncertainty[MAX_PROBABILITY].mean())}


def with_expert(answer: Answer, labels: np.ndarray, expert: Expert) -> dict[str, float]:
    """Accuracy of all cases when a share, the least sure by the largest probability, goes to the expert."""
    uncertainty, mistakes = answer.uncertainty[MAX_PROBABILITY], answer.mistakes(labels)
    curve = joint_accuracy_curve(uncertainty, mistakes, expert.correct_probability(labels))
    return {f"share {share}": curve.at(share) for share in SHARES_HANDED_OVER}


def trial_figures(study: Study, found: Arrays) -> dict[str, float]:
    """Figures of a network on validation data: in-domain, and out of domain by the best of its scores."""
    method = Method([found], from_variance if f"validation/{PROCESS} variance" in found else from_logits)
    inside, outside = (method.answer(name) for name in ("validation", "out-of-domain validation"))
    score = choose_score(method, inside.uncertainty)
    return in_domain(inside, study.validation[1]) | out_of_domain(inside.uncertainty[score], outside.uncertainty[score])
