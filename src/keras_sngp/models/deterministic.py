"""The plain network, as the baseline every other method is compared with."""

from typing import Any

import keras

from keras_sngp._runtime.batches import predict_in_batches
from keras_sngp.metrics.probabilities import as_probabilities
from keras_sngp.models.prediction import Prediction


class Deterministic:
    """Predictions of one trained network, `p(y | x) = softmax(f(x))`.

    Args:
        model: A trained Keras classifier.
        from_logits: Whether it ends in logits rather than in a softmax or sigmoid.

    Example:

    >>> Deterministic(classifier).predict_distribution(x).entropy.shape
    (40,)
    """

    def __init__(self, model: keras.Model, from_logits: bool = True) -> None:
        self.model = model
        self.from_logits = from_logits

    def predict_distribution(self, x: Any, *, batch_size: int | None = None, verbose: str | int = 0) -> Prediction:
        """Probabilities, and logits where the model gives them.

        Args:
            x: Whatever `model.predict` takes.
            batch_size: Rows a batch for arrays; 1024 by default.
            verbose: 1 or "auto" shows a progress bar.
        """
        outputs = predict_in_batches(self.model, x, batch_size, verbose)
        probabilities = as_probabilities(outputs, self.from_logits)
        return Prediction(probabilities, outputs if self.from_logits else None)
