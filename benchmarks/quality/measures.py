"""Figures of one method: how good, how calibrated, and what it does not know."""

import numpy as np
from methods import MAX_PROBABILITY, Answer, Method, from_logits, from_process
from study import Arrays, Study

from keras_sngp import metrics
from keras_sngp.deferral import Expert, joint_accuracy_curve

COVERAGES = (0.95, 0.9, 0.8)
SHARES_HANDED_OVER = (0.0, 0.05, 0.1, 0.2, 0.3, 1.0)


def measure(study: Study, method: Method) -> dict:
    """Figures on the test data, out of domain by each score, and under shift.

    The score of the method is the one with the largest AUROC on out-of-domain validation data.
    """
    validation, test = method.answer("validation"), method.answer("test")
    others = {name: method.answer(name) for name in study.out_of_domain}
    chosen = choose_score(method, validation.uncertainty)
    figures = {
        "validation": in_domain(validation.probabilities, study.validation[1]),
        "test": in_domain(test.probabilities, study.test[1]) | selective(test, study.test[1]),
        "score": chosen,
        "training_seconds": round(method.training_seconds, 1),
        "out_of_domain": {
            name: {
                score: out_of_domain(test.uncertainty[score], other.uncertainty[score]) for score in test.uncertainty
            }
            for name, other in others.items()
        },
    }
    if study.expert is not None:
        figures["deferral"] = deferral(test, study.test[1], study.expert)
    if study.shifts:
        figures["shifts"] = shifts(study, method)
    return figures


def choose_score(method: Method, inside: dict[str, np.ndarray]) -> str:
    outside = method.answer("out-of-domain validation").uncertainty
    return max(inside, key=lambda score: metrics.out_of_domain_auroc(inside[score], outside[score]))


def in_domain(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    return {
        "accuracy": metrics.accuracy(probabilities, labels),
        "nll": metrics.negative_log_likelihood(probabilities, labels),
        "ece": metrics.expected_calibration_error(probabilities, labels),
        "brier": metrics.brier_score(probabilities, labels),
    }


def selective(answer: Answer, labels: np.ndarray) -> dict[str, float]:
    """Accuracy of the surest answers, by the largest probability."""
    mistakes = answer.probabilities.argmax(axis=1) != labels
    uncertainty = answer.uncertainty[MAX_PROBABILITY]
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


def shifts(study: Study, method: Method) -> dict[str, list[dict[str, float]]]:
    """Figures by strength for each kind of shift; strength 0 is none."""
    labels = study.test[1][study.shifted_rows]
    plain = shifted_figures(method.answer("test").of_rows(study.shifted_rows), labels)
    found: dict[str, list[dict[str, float]]] = {}
    for kind, strength in study.shifts:
        points = found.setdefault(kind, [{"strength": 0, **plain}])
        points.append({"strength": strength, **shifted_figures(method.answer(f"{kind} {strength}"), labels)})
    return found


def shifted_figures(answer: Answer, labels: np.ndarray) -> dict[str, float]:
    """`uncertainty` is one less the mean largest probability."""
    uncertainty = float(answer.uncertainty[MAX_PROBABILITY].mean())
    return in_domain(answer.probabilities, labels) | {"uncertainty": uncertainty}


def deferral(answer: Answer, labels: np.ndarray, expert: Expert) -> dict[str, float]:
    """Accuracy of all cases when the least sure ones, by the largest probability, go to the expert."""
    mistakes = answer.probabilities.argmax(axis=1) != labels
    curve = joint_accuracy_curve(answer.uncertainty[MAX_PROBABILITY], mistakes, expert.correct_probability(labels))
    return {str(share): curve.at(share) for share in SHARES_HANDED_OVER}


def trial_figures(study: Study, found: Arrays) -> dict[str, dict[str, float]]:
    """Figures of a network on validation data: in-domain, and out of domain by the best of its scores."""
    method = Method([found], from_process if "validation/variance" in found else from_logits)
    inside, outside = (method.answer(name) for name in ("validation", "out-of-domain validation"))
    score = choose_score(method, inside.uncertainty)
    return {
        "validation": in_domain(inside.probabilities, study.validation[1]),
        "out-of-domain validation": out_of_domain(inside.uncertainty[score], outside.uncertainty[score]),
    }
