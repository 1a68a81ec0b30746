"""Accuracy, and the scores that are best for whoever states the true probabilities."""

import numpy as np
import numpy.typing as npt

from keras_sngp.metrics.array_checks import ROWS_PER_BLOCK, checked_predictions


def accuracy(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Share of rows whose most probable class is the label.

    Args:
        probabilities: `(rows, classes)`.
        labels: Class numbers `(rows,)`.

    Example:

    >>> accuracy([[0.9, 0.1], [0.8, 0.2]], [0, 1])
    0.5
    """
    probabilities, labels = checked_predictions(probabilities, labels)
    return float(np.mean(probabilities.argmax(axis=1) == labels))


def negative_log_likelihood(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    r"""Mean surprise at the labels, in nats.

    .. math:: \mathrm{NLL} = -\frac{1}{n} \sum_i \log p_{i, y_i}

    0 for certainty that came true, log(classes) for one that knows nothing. A label that was given probability 0
    would cost infinitely much; it counts as the smallest positive number of the array's precision, as in scikit-learn.

    Args:
        probabilities: `(rows, classes)`.
        labels: Class numbers `(rows,)`.

    Example:

    >>> round(negative_log_likelihood([[0.5, 0.5], [0.25, 0.75]], [0, 1]), 4)
    0.4904

    Reference: Gneiting and Raftery 2007, "Strictly proper scoring rules, prediction, and estimation".
    """
    probabilities, labels = checked_predictions(probabilities, labels)
    of_label = probabilities[np.arange(len(labels)), labels]
    return float(-np.mean(np.log(np.maximum(of_label, np.finfo(of_label.dtype).eps), dtype="float64")))


def brier_score(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    r"""Mean squared distance between probabilities and what happened.

    .. math:: \mathrm{Brier} = \frac{1}{n} \sum_i \sum_k \left(p_{ik} - [y_i = k]\right)^2

    From 0 to 2: with two classes twice the score of the second class alone.

    Args:
        probabilities: `(rows, classes)`.
        labels: Class numbers `(rows,)`.

    Example:

    >>> round(brier_score([[0.8, 0.2]], [0]), 4)
    0.08

    Reference: Brier 1950, "Verification of forecasts expressed in terms of probability".
    """
    probabilities, labels = checked_predictions(probabilities, labels)
    total = 0.0
    for start in range(0, len(labels), ROWS_PER_BLOCK):
        block = probabilities[start : start + ROWS_PER_BLOCK].astype("float64")
        block[np.arange(len(block)), labels[start : start + ROWS_PER_BLOCK]] -= 1
        total += float(np.sum(block**2))
    return total / len(labels)
