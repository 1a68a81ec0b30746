"""What a classifier says about rows whose classes are known."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt

from keras_sngp.own_data.classifier import Classifier
from keras_sngp.own_data.labels import UNKNOWN, label_numbers
from keras_sngp.own_data.open_data import open_data

Judged = tuple[npt.NDArray[np.floating], npt.NDArray[np.floating], npt.NDArray[np.intp]]


def judged_rows(
    classifier: Classifier,
    source: Path | io.BufferedReader,
    label: str | None = None,
) -> Judged:
    """Probabilities `(rows, classes)`, variances `(rows,)` and class numbers `(rows,)` of the rows with a known class.

    Args:
        classifier: Who is asked.
        source: A file, a folder of images, or a stream of CSV.
        label: The column with the classes, if it is not called as in training.

    Raises:
        ValueError: no such column, or no row with a class that the classifier knows.
    """
    label = label or classifier.label
    found: list[Judged] = []
    with open_data(source) as (names, blocks):
        classifier.inputs.check(names)
        if label not in names:
            raise ValueError(f"Expected the classes in a column {label!r}. Received: {', '.join(map(repr, names))}")
        for block in blocks:
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
