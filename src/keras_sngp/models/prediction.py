"""The one result type of every method."""

import dataclasses

import numpy as np
import numpy.typing as npt

from keras_sngp.metrics import scores

Array = npt.NDArray[np.floating]


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What a model says about each row, and how sure it is.

    Attributes:
        probabilities: `(rows, classes)`, each row adding up to 1.
        logits: `(rows, classes)`, or one column for a single sigmoid; of an SNGP the posterior mean,
            before the mean-field adjustment. None where a method averages probabilities.
        variance: Posterior variance of the logits, `(rows,)`, or `(rows, classes)` where each class
            has its own. None for methods without one.
        samples: Probabilities of each member or sample, `(samples, rows, classes)`, or None.

    Example:

    >>> prediction = Prediction(np.array([[0.9, 0.1], [0.5, 0.5]]))
    >>> prediction.labels, prediction.entropy.round(3)
    (array([0, 0]), array([0.325, 0.693]))
    """

    probabilities: Array
    logits: Array | None = None
    variance: Array | None = None
    samples: Array | None = None

    def __len__(self) -> int:
        return len(self.probabilities)

    @property
    def labels(self) -> npt.NDArray[np.integer]:
        """The most probable class of each row."""
        most_probable: npt.NDArray[np.integer] = np.argmax(self.probabilities, axis=-1)
        return most_probable

    @property
    def max_probability(self) -> Array:
        """Confidence: the probability of the predicted class."""
        return scores.max_probability(self.probabilities)

    @property
    def entropy(self) -> Array:
        """Entropy of the predicted distribution, in nats."""
        return scores.entropy(self.probabilities)

    @property
    def bernoulli_variance(self) -> Array:
        """`p (1 - p)` of the predicted class."""
        return scores.bernoulli_variance(self.probabilities)

    @property
    def mutual_information(self) -> Array:
        """Disagreement of the samples, in nats; only for methods that give samples."""
        return scores.mutual_information(self._present("samples"))

    @property
    def dempster_shafer(self) -> Array:
        """`K / (K + sum exp(logits))`; only for methods that give logits."""
        return scores.dempster_shafer(self._present("logits"))

    def _present(self, name: str) -> Array:
        value: Array | None = getattr(self, name)
        if value is None:
            raise ValueError(f"This score needs {name}, which this prediction's method does not give.")
        return value


def probabilities_from_logits(logits: Array) -> Array:
    """Softmax over the last axis; a single column is a sigmoid and gives two classes."""
    if logits.shape[-1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=-1)
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: Array = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probabilities


def probabilities_from_outputs(outputs: Array, from_logits: bool) -> Array:
    """Probabilities from what a classifier's last layer gives, logits or already probabilities.

    Raises:
        ValueError: outputs that are not finite, or clearly not what `from_logits` says they are.
    """
    if not isinstance(outputs, np.ndarray) or outputs.ndim < 2:
        raise ValueError(
            "The model must have one output (rows, classes). "
            f"Received: {getattr(outputs, 'shape', type(outputs).__name__)}"
        )
    if not np.isfinite(outputs).all():
        raise ValueError(
            "The model gave NaN or infinite outputs: check the inputs, and that training has not diverged."
        )
    single = outputs.shape[-1] == 1
    within = bool((outputs >= 0).all() and (outputs <= 1 + 1e-3).all())
    normalised = within and (single or np.allclose(outputs.sum(axis=-1), 1, atol=1e-2))
    if from_logits:
        if normalised and not single:
            raise ValueError(
                "The model's outputs are probabilities already (each row adds up to 1): pass "
                "`from_logits=False`. Received: from_logits=True"
            )
        return probabilities_from_logits(outputs)
    if not normalised:
        raise ValueError(
            "The model's outputs are not probabilities (rows in [0, 1] that add up to 1): pass "
            "`from_logits=True`. Received: from_logits=False"
        )
    return np.concatenate([1 - outputs, outputs], axis=-1) if single else outputs
