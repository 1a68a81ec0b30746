"""What the estimators share: checks, labels, early stopping, and networks that can be pickled."""

import abc
import contextlib
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from keras_sngp.own_data.architecture import ResidualArchitecture
from keras_sngp.prediction import Prediction

LEAST_STEPS = 2_000
EPOCHS = (10, 200)
ROWS_A_BATCH = 256

Part = tuple[npt.NDArray[np.float32], npt.NDArray[np.intp], npt.NDArray[np.float32]]


class NetworkClassifier(ClassifierMixin, BaseEstimator, abc.ABC):
    """A residual network on standardised numbers; its subclasses say how it is trained and asked."""

    def __init__(
        self,
        *,
        width: int = 128,
        num_blocks: int = 2,
        dropout_rate: float = 0.1,
        epochs: int | None = None,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.004,
        batch_size: int = 128,
        validation_fraction: float = 0.1,
        patience: int = 5,
        random_state: Any = None,
    ) -> None:
        self.width = width
        self.num_blocks = num_blocks
        self.dropout_rate = dropout_rate
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.random_state = random_state

    @abc.abstractmethod
    def _train(self, training: Part, validation: Part | None) -> list[keras.Model]:
        """Trained networks."""

    @abc.abstractmethod
    def _ask(self, x: npt.NDArray[np.float32]) -> Prediction:
        """What the networks say about standardised rows, a whole number of batches of 256."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Trains on numbers `(rows, features)` and one label of any kind for each row.

        Args:
            X: Array or data frame of finite numbers.
            y: Labels of two classes at least.
            sample_weight: Weight of each row, 1 by default.
        """
        X, y = validate_data(self, X, y, dtype="float64")
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"Expected labels of at least 2 classes. Received: 1 class, {self.classes_[0]}")
        weights = _check_sample_weight(sample_weight, X, dtype="float64", ensure_non_negative=True)
        self.center_ = np.average(X, axis=0, weights=weights)
        spread = np.sqrt(np.average((X - self.center_) ** 2, axis=0, weights=weights))
        self.spread_ = np.where(spread > 0, spread, 1.0)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        part = (self._standardised(X), labels, weights.astype("float32"))
        with _seeded(seed):
            self.networks_ = self._train(*_split(part, self.validation_fraction, seed))
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Probabilities `(rows, classes)`, in the order of `classes_`."""
        return self.predict_distribution(X).probabilities.astype("float64")

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The most probable class of each row."""
        numbers = self.predict_proba(X).argmax(axis=1)
        return self.classes_[numbers]

    def predict_distribution(self, X: Any) -> Prediction:
        """Probabilities with whatever else the method gives: logits, variance or samples."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype="float64", reset=False)
        rows = len(X)
        # Batches of one size: a row's figures do not depend on its neighbours, and nothing is compiled again.
        padded = np.zeros((-(-rows // ROWS_A_BATCH) * ROWS_A_BATCH, X.shape[1]), "float32")
        padded[:rows] = self._standardised(X)
        asked = self._ask(padded)
        return Prediction(
            asked.probabilities[:rows],
            None if asked.logits is None else asked.logits[:rows],
            None if asked.variance is None else asked.variance[:rows],
            None if asked.samples is None else asked.samples[:, :rows],
        )

    def _standardised(self, X: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        return np.clip((X - self.center_) / self.spread_, -1e6, 1e6).astype("float32")

    def _make_classifier(self) -> keras.Model:
        return ResidualArchitecture(
            self.n_features_in_, len(self.classes_), self.width, self.num_blocks, self.dropout_rate
        ).make_classifier()

    def _compile(self, model: keras.Model, rows: int) -> keras.Model:
        steps = self._epochs(rows) * -(-rows // self.batch_size)
        rate = keras.optimizers.schedules.CosineDecay(self.learning_rate, steps)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.AdamW(rate, weight_decay=self.weight_decay), loss)
        return model

    def _fit_arguments(self, training: Part, validation: Part | None) -> dict[str, Any]:
        stop = keras.callbacks.EarlyStopping("val_loss", patience=self.patience, restore_best_weights=True)
        return {
            "x": training[0],
            "y": training[1],
            "sample_weight": training[2],
            "validation_data": validation,
            "batch_size": min(self.batch_size, len(training[1])),
            "epochs": self._epochs(len(training[1])),
            "callbacks": [stop] if validation else [],
            "verbose": 0,
        }

    def _epochs(self, rows: int) -> int:
        if self.epochs is not None:
            return self.epochs
        return int(np.clip(-(-LEAST_STEPS * self.batch_size // rows), *EPOCHS))

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        if "networks_" in state:
            state = {**state, "networks_": [_to_bytes(network) for network in state["networks_"]]}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "networks_" in state:
            state = {**state, "networks_": [_from_bytes(content) for content in state["networks_"]]}
        super().__setstate__(state)


def _split(part: Part, share: float, seed: int) -> tuple[Part, Part | None]:
    labels = part[1]
    counts = np.bincount(labels)
    if counts.min() < 2 or share * len(labels) < len(counts):
        return part, None
    fitted, kept = train_test_split(np.arange(len(labels)), test_size=share, random_state=seed, stratify=labels)
    training, validation = (tuple(array[rows] for array in part) for rows in (fitted, kept))
    return training, validation


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seeds Keras and its backend, and leaves Python's and NumPy's generators as they were."""
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    keras.utils.set_random_seed(seed)
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002


def _to_bytes(network: keras.Model) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "network.keras")
        network.save(path)
        return path.read_bytes()


def _from_bytes(content: bytes) -> keras.Model:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "network.keras")
        path.write_bytes(content)
        return keras.saving.load_model(path)
