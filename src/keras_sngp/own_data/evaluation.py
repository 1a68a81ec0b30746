"""How good a classifier is on rows whose classes are known."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from keras_sngp import metrics
from keras_sngp._tables.labels import UNKNOWN, label_numbers
from keras_sngp._tables.open_table import Source, open_table
from keras_sngp.deferral import uncertainty_of
from keras_sngp.own_data.classifier import ENTROPY, Classifier
from keras_sngp.report.evaluation import Evaluation, evaluate
from keras_sngp.report.policies import PolicyRequest
from keras_sngp.report.prediction_table import PredictionTable
from keras_sngp.report.text_table import TextTable, percent

LabelledPredictions = tuple[npt.NDArray[np.floating], npt.NDArray[np.floating], npt.NDArray[np.intp]]
COVERAGES = (0.95, 0.9, 0.8)


def predict_labelled_rows(
    classifier: Classifier,
    source: Source,
    label: str | None = None,
) -> LabelledPredictions:
    """Probabilities `(rows, classes)`, variances `(rows,)` and class numbers `(rows,)` of the rows with a known class.

    Args:
        classifier: Who is asked.
        source: A file, a folder of images, or a stream of CSV.
        label: The column with the classes, if it is not called as in training.

    Raises:
        ValueError: no such column, or no row with a class that the classifier knows.
    """
    label = label or classifier.label
    found: list[LabelledPredictions] = []
    with open_table(source) as opened:
        classifier.inputs.check(opened.names)
        if label not in opened.names:
            raise ValueError(
                f"Expected the ground truth in a column {label!r}. Received: {', '.join(map(repr, opened.names))}"
            )
        for block in opened.blocks():
            labels = label_numbers(block.table[label], classifier.class_names)
            known = np.flatnonzero(labels != UNKNOWN)
            if len(known):
                prediction = classifier.predict_distribution(block.table.take(known))
                found.append((prediction.probabilities, np.asarray(prediction.variance), labels[known]))
    if not found:
        raise ValueError(
            f"Expected in {label!r} one of the classes {', '.join(classifier.class_names)[:200]}. Received: no such row"
        )
    probabilities, variance, labels = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return probabilities, variance, labels


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
    return evaluate(table, None, PolicyRequest(score=ENTROPY), None)


def _coverage_key(share: float) -> str:
    return f"accuracy_at_{share * 100:.0f}_percent_coverage"


def _shown(name: str, value: float) -> str:
    return f"{value:.4f}" if name == "negative_log_likelihood" else percent(value)
