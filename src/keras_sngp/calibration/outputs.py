"""What a classifier gave, as logits; the logarithms of probabilities are logits of the same softmax."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from keras_sngp.metrics.array_checks import checked_labels, checked_matrix, checked_probabilities
from keras_sngp.metrics.probabilities import refuse_probabilities

Array = npt.NDArray[np.floating]


def as_logits(outputs: npt.ArrayLike, from_logits: bool) -> Array:
    """Logits in float64, `(rows, classes)`; of a probability 0, the log of the smallest normal number."""
    if from_logits:
        logits = checked_matrix(outputs, "logits")
        refuse_probabilities(logits)
        return logits.astype("float64")
    probabilities = checked_probabilities(outputs)
    logarithms: Array = np.log(np.maximum(probabilities, np.finfo(probabilities.dtype).tiny), dtype="float64")
    return logarithms


def labels_of_every_class(labels: npt.ArrayLike, shape: tuple[int, ...]) -> npt.NDArray[np.intp]:
    """Class numbers `(rows,)` in which each class occurs."""
    rows, num_classes = shape
    labels = checked_labels(labels, rows, num_classes)
    missing = np.setdiff1d(np.arange(num_classes), labels)
    if len(missing):
        raise ValueError(
            "This calibration needs held-out rows of every class. "
            f"Received: none of class {', '.join(map(str, missing[:10]))}"
        )
    return labels


def mean_log_loss(logits: Array, labels: npt.NDArray[np.intp]) -> float:
    """Negative log-likelihood of logits, in nats."""
    return float(np.mean(special.logsumexp(logits, axis=1) - logits[np.arange(len(labels)), labels]))


def fitted(value: Any, name: str) -> Any:
    """The value, if `fit` has set it."""
    if value is None:
        raise ValueError(f"Call `fit` with held-out predictions and labels before `transform`. Received: no {name} yet")
    return value


def check_classes(outputs: Array, num_classes: int) -> None:
    """Raises a ValueError unless there are as many classes as in `fit`."""
    if outputs.shape[1] != num_classes:
        raise ValueError(f"Expected {num_classes} classes, as in `fit`. Received: {outputs.shape[1]}")
