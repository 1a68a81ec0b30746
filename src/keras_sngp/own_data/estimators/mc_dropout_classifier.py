"""MC dropout with scikit-learn's interface."""

import dataclasses

import keras
import numpy as np
import numpy.typing as npt

from keras_sngp.models import MCDropout
from keras_sngp.models.prediction import Prediction
from keras_sngp.own_data.estimators.network_classifier import ROWS_PER_BATCH, NetworkClassifier, Part


@dataclasses.dataclass(kw_only=True, eq=False, repr=False)
class MCDropoutClassifier(NetworkClassifier):
    """A residual network with dropout left on, as a scikit-learn classifier of arrays or data frames.

    Masks depend on a row's place alone, so that the same data get the same answers.

    Args:
        num_samples: Number of passes.
        width: Units of each hidden layer.
        num_blocks: Number of residual blocks.
        dropout_rate: Share of units dropped in each block, above 0.
        epochs: Most passes over the rows; by default enough for 2,000 steps, from 10 to 200.
        learning_rate: The first one; it falls to zero along a cosine.
        weight_decay: Of the optimizer, AdamW.
        batch_size: Rows a step.
        validation_fraction: Share of the rows kept for early stopping. With too few rows, none are.
        patience: Epochs without a smaller validation loss after which training stops.
        random_state: Seed, or a generator.

    Example:

    >>> classifier = MCDropoutClassifier(width=8, epochs=1, random_state=0).fit(x, y)
    >>> classifier.predict_distribution(x).mutual_information.shape
    (40,)

    Reference: Gal and Ghahramani 2016, arXiv:1506.02142.
    """

    num_samples: int = 10

    def _train(self, training: Part, validation: Part | None) -> list[keras.Model]:
        model = self._compile(self._make_classifier(), len(training[1]))
        model.fit(**self._fit_arguments(training, validation))
        return [model]

    def _ask(self, x: npt.NDArray[np.float32]) -> Prediction:
        sampler = MCDropout(self.networks_[0], self.num_samples)
        return sampler.predict_distribution(x, batch_size=ROWS_PER_BATCH * self.num_samples, seed=0)
