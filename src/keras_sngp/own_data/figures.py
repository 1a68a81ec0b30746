"""How good a classifier is, in a few figures."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from keras_sngp import metrics
from keras_sngp.deferral import uncertainty_of
from keras_sngp.own_data.classifier import ENTROPY, Classifier
from keras_sngp.report.evaluation import Evaluation, evaluate
from keras_sngp.report.evaluation_tables import TextTable, percent
from keras_sngp.report.handover import HandoverWish
from keras_sngp.report.prediction_table import PredictionTable

COVERAGES = (0.95, 0.9, 0.8)


def figures_of(probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.intp]) -> dict[str, float]:
    """Accuracy, calibration, likelihood, and accuracy of the surest answers."""
    mistakes = probabilities.argmax(axis=1) != labels
    uncertainty = uncertainty_of(ENTROPY, probabilities)
    return {
        "rows": len(labels),
        "accuracy": metrics.accuracy(probabilities, labels),
        "expected_calibration_error": metrics.expected_calibration_error(probabilities, labels),
        "negative_log_likelihood": metrics.negative_log_likelihood(probabilities, labels),
        **{_coverage_key(share): metrics.accuracy_at_coverage(uncertainty, mistakes, share) for share in COVERAGES},
    }


def figures_table(title: str, columns: Mapping[str, Mapping[str, float]]) -> TextTable:
    """Figures in rows, by what they were measured on in columns."""
    names = {
        "accuracy": "Accuracy",
        "expected_calibration_error": "ECE, 15 equal-width bins",
        "negative_log_likelihood": "Negative log-likelihood",
        **{_coverage_key(share): f"Accuracy at {share:.0%} coverage" for share in COVERAGES},
    }
    rows = [
        [title_of, *(_shown(name, figures[name]) for figures in columns.values())] for name, title_of in names.items()
    ]
    headings = ["", *(f"{name}, {int(figures['rows']):,} rows" for name, figures in columns.items())]
    return TextTable(title, headings, rows)


def evaluation_of(
    classifier: Classifier,
    name: str,
    probabilities: npt.NDArray[np.floating],
    variance: npt.NDArray[np.floating],
    labels: npt.NDArray[np.intp],
) -> Evaluation:
    """All measures of a report; see `keras_sngp.report`."""
    table = PredictionTable(name, list(classifier.class_names), probabilities, labels, variance)
    return evaluate(table, None, HandoverWish(score=ENTROPY), None)


def _coverage_key(share: float) -> str:
    return f"accuracy_at_{share * 100:.0f}_percent_coverage"


def _shown(name: str, value: float) -> str:
    return f"{value:.4f}" if name == "negative_log_likelihood" else percent(value)
