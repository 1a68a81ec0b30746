"""Training a classifier on the rows of a table."""

import contextlib
import dataclasses
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import pyarrow as pa

from keras_sngp._runtime.random_state import seed_everything
from keras_sngp._tables.labels import UNKNOWN, class_names_of, label_numbers
from keras_sngp.models import features_of
from keras_sngp.own_data.architecture import architecture_for, make_network
from keras_sngp.own_data.classifier import Classifier, HeldOut
from keras_sngp.own_data.detection import check_can_be_fitted, feature_scores, fit_detectors, logit_scores
from keras_sngp.own_data.inputs import Inputs, learn_inputs
from keras_sngp.own_data.splits import Split
from keras_sngp.own_data.training_callbacks import BestWeights
from keras_sngp.own_data.training_settings import TrainingSettings


@dataclasses.dataclass(frozen=True)
class PreparedData:
    """Rows with a label, split, and what the columns are."""

    inputs: Inputs
    class_names: tuple[str, ...]
    label: str
    table: pa.Table
    labels: np.ndarray
    split: Split
    unlabelled: int

    def part(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Encoded inputs and class numbers."""
        return self.inputs.read(self.table.take(pa.array(rows))).values, self.labels[rows]


def prepare(
    table: pa.Table,
    label: str,
    settings: TrainingSettings,
    *,
    overrides: Mapping[str, str] | None = None,
    text: str | None = None,
    encoder: Path | None = None,
) -> PreparedData:
    """Finds the classes, splits the rows, and finds by the training rows what to look at.

    Args:
        table: The data.
        label: The column with the classes; rows without one are left out.
        settings: How to split.
        overrides: Kinds of some columns; see `learn_inputs`.
        text: A column of texts.
        encoder: Folder of a sentence encoder for them.

    Raises:
        ValueError: no such column, too few rows or classes, no column to learn from.
    """
    if label not in table.column_names:
        raise ValueError(
            f"Expected the label in one of the columns {', '.join(map(repr, table.column_names))}. Received: {label!r}"
        )
    class_names = class_names_of(table[label], label)
    labels = label_numbers(table[label], class_names)
    labelled = table.filter(pa.array(labels != UNKNOWN)).drop_columns([label])
    labels = labels[labels != UNKNOWN]
    split = Split.of(labels, settings.validation_share, settings.seed)
    inputs = learn_inputs(labelled.take(pa.array(split.training)), overrides=overrides, text=text, encoder=encoder)
    return PreparedData(inputs, class_names, label, labelled, labels, split, unlabelled=table.num_rows - len(labels))


def train(
    data: PreparedData,
    settings: TrainingSettings,
    *,
    folder: Path | None = None,
    callbacks: tuple[keras.callbacks.Callback, ...] = (),
    detectors: Sequence[str] = (),
) -> Classifier:
    """Trains, sets the posterior, calibrates, and asks about the held-out rows.

    Args:
        data: What `prepare` gave.
        settings: How to train.
        folder: Keeps what is needed to go on after a stop; goes on from what is there.
        callbacks: Told of each epoch; one that sets `model.stop_training` ends the training early.
        detectors: Names of out-of-domain detectors to fit to the training rows' features, and to keep.

    Raises:
        ValueError: detectors that are unknown, or that cannot be fitted to rows of these classes.
    """
    started = time.perf_counter()
    check_can_be_fitted(detectors, data.labels[data.split.training])
    seed_everything(settings.seed)
    x, y = data.part(data.split.training)
    validation = data.part(data.split.validation)
    architecture = architecture_for(data.inputs, len(data.class_names))
    with _kept_or_temporary(folder) as place:
        best = _fit(make_network(architecture), (x, y), validation, settings, place, callbacks)
        network = make_network(architecture)
        best.load_into(network)
    network.fit_posterior(x, verbose=0)
    network.calibrate(*validation)
    fitted = fit_detectors(detectors, features_of(network, x), y) if detectors else {}
    held_out, labels = data.part(data.split.held_out)
    prediction = network.predict_distribution(held_out)
    scores = logit_scores(np.asarray(prediction.logits))
    if fitted:
        scores |= feature_scores(fitted, features_of(network, held_out))
    rows = {name: len(getattr(data.split, name)) for name in ("training", "validation", "held_out")}
    return Classifier(
        data.inputs,
        data.class_names,
        data.label,
        architecture,
        network,
        HeldOut(
            prediction.probabilities,
            np.asarray(prediction.variance),
            prediction.dempster_shafer,
            labels,
            scores,
        ),
        {
            "rows": rows,
            "unlabelled_rows": data.unlabelled,
            "best_epoch": best.best_epoch + 1,
            "seconds": round(time.perf_counter() - started, 1),
            "settings": dataclasses.asdict(settings),
        },
        fitted,
    )


def _fit(
    network: keras.Model,
    training: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    settings: TrainingSettings,
    place: Path,
    callbacks: tuple[keras.callbacks.Callback, ...],
) -> BestWeights:
    settings.compile(network, len(training[1]))
    best = BestWeights(place, settings.patience)
    backup = keras.callbacks.BackupAndRestore(place / "last", delete_checkpoint=False)
    # The SNGP's own `fit` would set the posterior of the last weights, not of the best.
    keras.Model.fit(
        network,
        *training,
        validation_data=validation,
        batch_size=settings.batch_size,
        epochs=settings.epochs_for(len(training[1])),
        verbose=0,
        callbacks=[backup, best, *callbacks],
    )
    return best


@contextlib.contextmanager
def _kept_or_temporary(folder: Path | None) -> Iterator[Path]:
    if folder is None:
        with tempfile.TemporaryDirectory() as temporary:
            yield Path(temporary)
    else:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
