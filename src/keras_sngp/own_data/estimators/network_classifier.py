"""What the estimators share: checks, labels, early stopping, and networks that can be pickled."""

import abc
import dataclasses
from typing import Any, Self

import keras
import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from keras_sngp._runtime.files import network_from_bytes, network_to_bytes
from keras_sngp._runtime.random_state import random_state_kept, seed_everything
from keras_sngp.models.prediction import Prediction
from keras_sngp.own_data.architecture import TABLE_WIDTH, ResidualArchitecture
from keras_sngp.own_data.estimators.rows_as_numbers import ArrayRows, FrameRows, is_data_frame
from keras_sngp.own_data.inputs import TableSchema
from keras_sngp.own_data.training_settings import TrainingSettings

ROWS_PER_BATCH = 256

Part = tuple[npt.NDArray[np.float32], npt.NDArray[np.intp], npt.NDArray[np.float32]]


@dataclasses.dataclass(kw_only=True, eq=False, repr=False)
class NetworkClassifier(ClassifierMixin, BaseEstimator, abc.ABC):
    """A residual network on rows as numbers; its subclasses say how it is trained and asked.

    Dataclasses write `__init__`, with the arguments of both, which scikit-learn wants spelled out in each class.
    """

    width: int = TABLE_WIDTH
    num_blocks: int = 2
    dropout_rate: float = 0.1
    epochs: int | None = None
    learning_rate: float = 1e-3
    weight_decay: float = 0.004
    batch_size: int = 128
    validation_fraction: float = 0.1
    patience: int = 5
    random_state: Any = None

    @abc.abstractmethod
    def _train(self, training: Part, validation: Part | None) -> list[keras.Model]:
        """Trained networks."""

    @abc.abstractmethod
    def _ask(self, x: npt.NDArray[np.float32]) -> Prediction:
        """What the networks say about encoded rows, a whole number of batches of 256."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Trains on rows `(rows, features)` and one label of any kind for each.

        An array is standardised. A data frame's columns are used as the command `keras-sngp train` uses them, even if
        all are numbers: numbers with a long tail as logarithms, words as categories, times as numbers, missing cells as
        a piece of knowledge of their own. Columns of a categorical type are categories even if they hold numbers.
        `schema_` tells what was made of each. What is asked about later must have the same columns in the same order.

        Args:
            X: Array of finite numbers, or a data frame of pandas, polars, pyarrow or another that narwhals knows.
            y: Labels of two classes at least.
            sample_weight: Weight of each row, 1 by default.

        Raises:
            ValueError: rows, labels or weights that cannot be learned from; other columns; a cell that cannot be read.
        """
        kind = FrameRows if is_data_frame(X) else ArrayRows
        X, y = kind.check_training(self, X, y)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"Expected labels of at least 2 classes. Received: 1 class, {self.classes_[0]}")
        weights = _check_sample_weight(sample_weight, X, dtype="float64", ensure_non_negative=True)
        self.rows_ = kind.learn(X, weights)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        part = (self.rows_.encode(X), labels, weights.astype("float32"))
        with random_state_kept():
            seed_everything(seed)
            self.networks_ = self._train(*_split(part, self.validation_fraction, seed))
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Probabilities `(rows, classes)`, in the order of `classes_`."""
        return self.predict_distribution(X).probabilities.astype("float64")

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The most probable class of each row."""
        numbers = self.predict_proba(X).argmax(axis=1)
        answers: npt.NDArray[Any] = self.classes_[numbers]
        return answers

    def predict_distribution(self, X: Any) -> Prediction:
        """Probabilities with whatever else the method gives: logits, variance or samples."""
        check_is_fitted(self)
        encoded = self.rows_.encode(self.rows_.check(self, X))
        rows, width = encoded.shape
        # Batches of one size: a row's figures do not depend on its neighbours, and nothing is compiled again.
        padded = np.zeros((-(-rows // ROWS_PER_BATCH) * ROWS_PER_BATCH, width), "float32")
        padded[:rows] = encoded
        asked = self._ask(padded)
        return Prediction(
            asked.probabilities[:rows],
            None if asked.logits is None else asked.logits[:rows],
            None if asked.variance is None else asked.variance[:rows],
            None if asked.samples is None else asked.samples[:, :rows],
        )

    @property
    def schema_(self) -> TableSchema:
        """What was made of each column, after `fit` on a data frame."""
        if not isinstance(self.rows_, FrameRows):
            raise AttributeError("Only a classifier that was fitted on a data frame has a schema. Received: an array")
        return self.rows_.schema

    def _make_classifier(self) -> keras.Model:
        return ResidualArchitecture(
            self.rows_.width, len(self.classes_), self.width, self.num_blocks, self.dropout_rate
        ).make_classifier()

    def _compile(self, model: keras.Model, rows: int) -> keras.Model:
        self._settings.compile(model, rows)
        return model

    def _fit_arguments(self, training: Part, validation: Part | None) -> dict[str, Any]:
        x, y, sample_weight = training
        stop = keras.callbacks.EarlyStopping("val_loss", patience=self.patience, restore_best_weights=True)
        return {
            "x": x,
            "y": y,
            "sample_weight": sample_weight,
            "validation_data": validation,
            "batch_size": min(self.batch_size, len(y)),
            "epochs": self._settings.epochs_for(len(y)),
            "callbacks": [stop] if validation else [],
            "verbose": 0,
        }

    @property
    def _settings(self) -> TrainingSettings:
        return TrainingSettings(self.epochs, self.learning_rate, self.weight_decay, self.batch_size)

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        if "networks_" in state:
            state = {**state, "networks_": [network_to_bytes(network) for network in state["networks_"]]}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "networks_" in state:
            state = {**state, "networks_": [network_from_bytes(content) for content in state["networks_"]]}
        super().__setstate__(state)


def _split(part: Part, share: float, seed: int) -> tuple[Part, Part | None]:
    labels = part[1]
    counts = np.bincount(labels)
    if counts.min() < 2 or share * len(labels) < len(counts):
        return part, None
    fitted, kept = train_test_split(np.arange(len(labels)), test_size=share, random_state=seed, stratify=labels)
    training, validation = (tuple(array[rows] for array in part) for rows in (fitted, kept))
    return training, validation
