"""A deep ensemble with scikit-learn's interface."""

import dataclasses

import keras
import numpy as np
import numpy.typing as npt

from keras_sngp.models import DeepEnsemble, Deterministic
from keras_sngp.models.prediction import Prediction
from keras_sngp.own_data.estimators.network_classifier import ROWS_PER_BATCH, NetworkClassifier, Part


@dataclasses.dataclass(kw_only=True, eq=False, repr=False)
class DeepEnsembleClassifier(NetworkClassifier):
    """A deep ensemble of residual networks as a scikit-learn classifier of arrays or data frames.

    Args:
        num_members: Number of networks.
        width: Units of each hidden layer.
        num_blocks: Number of residual blocks.
        dropout_rate: Share of units dropped in each block while training.
        epochs: Most passes over the rows; by default enough for 2,000 steps, from 10 to 200.
        learning_rate: The first one; it falls to zero along a cosine.
        weight_decay: Of the optimizer, AdamW.
        batch_size: Rows a step.
        validation_fraction: Share of the rows kept for early stopping. With too few rows, none are.
        patience: Epochs without a smaller validation loss after which training stops.
        random_state: Seed, or a generator.

    Example:

    >>> classifier = DeepEnsembleClassifier(num_members=2, width=8, epochs=1, random_state=0).fit(x, y)
    >>> classifier.predict_proba(x).shape
    (40, 2)

    Reference: Lakshminarayanan et al. 2017, arXiv:1612.01474.
    """

    num_members: int = 5

    def _train(self, training: Part, validation: Part | None) -> list[keras.Model]:
        rows = len(training[1])
        ensemble = DeepEnsemble(lambda: self._compile(self._make_classifier(), rows), self.num_members)
        return ensemble.fit(**self._fit_arguments(training, validation)).members

    def _ask(self, x: npt.NDArray[np.float32]) -> Prediction:
        samples = np.stack(
            [
                Deterministic(network).predict_distribution(x, batch_size=ROWS_PER_BATCH).probabilities
                for network in self.networks_
            ]
        )
        return Prediction(samples.mean(axis=0), samples=samples)
