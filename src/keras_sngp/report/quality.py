"""How good, how calibrated, what it does not know: the measures of one model."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from keras_sngp import metrics
from keras_sngp.calibration import ConformalPredictionSets, TemperatureScaling
from keras_sngp.deferral import uncertainty_of
from keras_sngp.metrics import Interval
from keras_sngp.report import intervals
from keras_sngp.report.intervals import report_interval
from keras_sngp.report.prediction_table import Halves, PredictionTable

InAndOut = tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]

ROWS_FITTED = 100_000
CLASSES_LISTED = 30


def measure(table: PredictionTable, score: str) -> dict[str, Interval]:
    """Measures of accuracy, calibration and selection, each with its interval."""
    probabilities, labels = table.probabilities, table.known_labels
    uncertainty, mistakes = uncertainty_of(score, probabilities, **table.extras), table.mistakes.astype(float)
    measured = {
        "accuracy": report_interval(lambda m: 1 - float(m.mean()), mistakes, largest=1),
        "nll": report_interval(metrics.negative_log_likelihood, probabilities, labels),
        "brier": report_interval(metrics.brier_score, probabilities, labels, largest=2),
    }
    # These take time for each class, so that with a thousand of them fewer draws must do.
    fewer = max(20, min(intervals.RESAMPLES, 2000 // probabilities.shape[1]))
    for name in ("expected", "debiased", "classwise", "adaptive", "top_label", "maximum"):
        metric = getattr(metrics, f"{name}_calibration_error")
        measured[f"{name}_calibration_error"] = report_interval(
            metric, probabilities, labels, largest=1, resamples=fewer
        )
    measured["expected_calibration_error_equal_mass"] = report_interval(
        lambda p, y: metrics.expected_calibration_error(p, y, binning="equal_mass"), probabilities, labels, largest=1
    )
    for name in ("aurc", "excess_aurc", "augrc"):
        measured[name] = report_interval(getattr(metrics, name), uncertainty, mistakes, largest=1)
    if 0 < mistakes.sum() < len(mistakes):
        for name in ("calibration_auroc", "calibration_aupr"):
            measured[name] = report_interval(getattr(metrics, name), uncertainty, mistakes, largest=1)
    return measured


def measure_out_of_domain(
    uncertainties: Mapping[str, InAndOut],
) -> dict[str, dict[str, Interval]]:
    """How well each score detects out-of-domain rows."""
    result = {}
    for score, (inside, outside) in uncertainties.items():
        result[score] = {
            name: report_interval(metric, inside, outside, paired=False, largest=1)
            for name, metric in {
                "auroc": metrics.out_of_domain_auroc,
                "aupr_out": metrics.out_of_domain_aupr,
                "aupr_in": _aupr_in,
                "fpr_at_95_tpr": metrics.false_positive_rate,
            }.items()
        }
    return result


def _aupr_in(inside: np.ndarray, outside: np.ndarray) -> float:
    return metrics.out_of_domain_aupr(inside, outside, positive="in")


def describe_classes(table: PredictionTable) -> list[dict[str, Any]]:
    """Each class's rows, the share of them found, the share of its predictions that are right, and what it is
    taken for most often; the worst found first."""
    predicted, classes = table.probabilities.argmax(axis=1), len(table.class_names)
    confusion = np.bincount(table.known_labels * classes + predicted, minlength=classes**2).reshape(classes, classes)
    rows, answers, right = confusion.sum(axis=1), confusion.sum(axis=0), np.diagonal(confusion)
    wrong = confusion - np.diag(right)
    described = [
        {
            "class": table.class_names[k],
            "rows": int(rows[k]),
            "recall": float(right[k] / rows[k]) if rows[k] else None,
            "precision": float(right[k] / answers[k]) if answers[k] else None,
            "taken_for": table.class_names[int(wrong[k].argmax())] if wrong[k].any() else None,
            "taken_for_rows": int(wrong[k].max()),
        }
        for k in range(classes)
    ]
    return sorted(described, key=lambda row: (row["recall"] is None, row["recall"]))[:CLASSES_LISTED]


def try_temperature(halves: Halves) -> dict[str, float]:
    """What temperature scaling, fitted on one half, does to the other."""
    selection, evaluation = halves.selection, halves.evaluation
    scaling = TemperatureScaling().fit(selection.probabilities[:ROWS_FITTED], selection.known_labels[:ROWS_FITTED])
    probabilities = evaluation.probabilities[:ROWS_FITTED]
    labels = evaluation.known_labels[:ROWS_FITTED]
    scaled = scaling.transform(probabilities)
    assert scaling.temperature is not None
    return {
        "temperature": scaling.temperature,
        "nll_before": metrics.negative_log_likelihood(probabilities, labels),
        "nll_after": metrics.negative_log_likelihood(scaled, labels),
        "expected_calibration_error_before": metrics.expected_calibration_error(probabilities, labels),
        "expected_calibration_error_after": metrics.expected_calibration_error(scaled, labels),
    }


def try_conformal_sets(halves: Halves, coverages: tuple[float, ...] = (0.9, 0.95, 0.99)) -> list[dict[str, float]]:
    """Size and coverage of prediction sets, fitted on one half, on the other."""
    selection, evaluation = halves.selection, halves.evaluation
    labels = evaluation.known_labels[:ROWS_FITTED]
    result = []
    for coverage in coverages:
        fitted = ConformalPredictionSets("lac", coverage).fit(
            selection.probabilities[:ROWS_FITTED], selection.known_labels[:ROWS_FITTED]
        )
        sets = fitted.predict(evaluation.probabilities[:ROWS_FITTED])
        result.append(
            {
                "coverage": coverage,
                "covered": float(sets[np.arange(len(labels)), labels].mean()),
                "mean_size": float(sets.sum(axis=1).mean()),
                "single": float((sets.sum(axis=1) == 1).mean()),
            }
        )
    return result
