"""An SNGP with scikit-learn's interface."""

import dataclasses
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from keras_sngp.models import convert, fold
from keras_sngp.models.prediction import Prediction
from keras_sngp.own_data.estimators.network_classifier import ROWS_PER_BATCH, NetworkClassifier, Part


@dataclasses.dataclass(kw_only=True, eq=False, repr=False)
class SNGPClassifier(NetworkClassifier):
    """A Spectral-normalized Neural Gaussian Process as a scikit-learn classifier of arrays or data frames.

    A projection and residual blocks with bounded spectral norms, and a Gaussian process on top. Arrays are
    standardised; the columns of a data frame are used as `keras-sngp train` uses them, see `fit`. A part of the rows is
    kept for early stopping, and to calibrate the mean-field factor and a temperature.

    Args:
        width: Units of each hidden layer.
        num_blocks: Number of residual blocks.
        num_inducing: Number of random features.
        norm_multiplier: Bound on the spectral norm of each hidden layer; None for no bound.
        gp_kernel_scale: Length scale of the kernel, or `"auto"`.
        dropout_rate: Share of units dropped in each block while training.
        epochs: Most passes over the rows; by default enough for 2,000 steps, from 10 to 200.
        learning_rate: The first one; it falls to zero along a cosine.
        weight_decay: Of the optimizer, AdamW.
        batch_size: Rows a step.
        validation_fraction: Share of the rows that is kept. With too few rows, none are.
        patience: Epochs without a smaller validation loss after which training stops.
        random_state: Seed, or a generator.

    Attributes:
        classes_: The labels, in order.
        n_features_in_: Number of features.
        schema_: What was made of each column of a data frame.

    Example:

    >>> classifier = SNGPClassifier(width=8, num_inducing=32, epochs=2, random_state=0).fit(x, y)
    >>> classifier.predict_proba(x).shape, classifier.predict_variance(x).shape
    ((40, 2), (40,))

    Reference: Liu et al. 2020, arXiv:2006.10108.
    """

    num_inducing: int = 1024
    norm_multiplier: float | None = 0.95
    gp_kernel_scale: float | str = "auto"

    def predict_variance(self, X: Any) -> npt.NDArray[np.float64]:
        """Posterior variance of the logits `(rows,)`, larger the further a row is from the training data."""
        variance = self.predict_distribution(X).variance
        assert variance is not None
        return variance.astype("float64")

    def decision_function(self, X: Any) -> npt.NDArray[np.float64]:
        """Logarithms of the probabilities `(rows, classes)`; for two classes their difference `(rows,)`."""
        logarithms = np.log(np.maximum(self.predict_proba(X), np.finfo("float32").tiny))
        return logarithms[:, 1] - logarithms[:, 0] if len(self.classes_) == 2 else logarithms

    def _train(self, training: Part, validation: Part | None) -> list[keras.Model]:
        model, _ = convert(
            self._make_classifier(),
            self.num_inducing,
            self.norm_multiplier,
            gp_kernel_scale=self.gp_kernel_scale,
        )
        self._compile(model, len(training[1])).fit(**self._fit_arguments(training, validation))
        network = fold(model)
        if validation is not None:
            network.calibrate(validation[0], validation[1])
        return [network]

    def _ask(self, x: npt.NDArray[np.float32]) -> Prediction:
        prediction: Prediction = self.networks_[0].predict_distribution(x, batch_size=ROWS_PER_BATCH)
        return prediction
