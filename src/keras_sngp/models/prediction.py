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
