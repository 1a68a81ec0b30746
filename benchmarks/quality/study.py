"""What is trained on what, and what it is asked: the part that all tables of quality share.

Every network is trained once, and its answers are kept in a folder, so that a run that was stopped goes on, and several
processes can share the work.
"""

import dataclasses
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from settings import Settings, make_optimizer

import keras_sngp as sngp
from keras_sngp._runtime.files import atomic_write
from keras_sngp.deferral import Expert

DENSE, SNGP, NO_BOUND, NO_GP = "dense", "SNGP", "no bound", "no GP"
MC_SAMPLES = 10
PREDICTED_ROWS = 1_000

Arrays = dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Study:
    """One table.

    Attributes:
        name: Its file name.
        title: Its heading.
        description: What was trained on what, in a paragraph.
        seeds: How often it is all done over.
        complete_seeds: How many of those have every method; the others have the deterministic network and the SNGP.
            None for all.
        members: Networks of a deep ensemble; 1 for a table without it.
        process_members: Likewise of an ensemble of SNGPs.
        ablations: Whether there are SNGPs with only one of the two changes.
        make_classifier: Gives a new functional classifier with dropout and a dense head that gives logits.
        training: Inputs and labels to train on.
        validation: Inputs and labels for calibration, and for the choice of settings.
        test: Inputs and labels to be judged on.
        out_of_domain: Inputs of other kinds, by name.
        out_of_domain_validation: Such inputs kept apart from those, to choose a score by.
        altered_rows: How many of those are the first rows of the validation data, altered, so that labels still hold:
            methods are calibrated with those too then.
        shifts: Altered test inputs by `(kind, strength)`.
        shifted_rows: The rows of the test set that those are made of.
        expert: Who is asked about the test inputs that are handed over.
        shared_step: What every method does once to the first `n` test inputs before a network sees them.
        batches: Gives the training data in batches of a size, in an order by a seed, augmented or plain.
        pieces: Splits inputs into parts to be predicted one by one, as their rows and what they hold.
        first_weights: Gives a new network of a kind, by seed, other weights to start from.
        convert_arguments: Further arguments of `convert`.
        further_learning_rates: Of more trainings from the same first weights; a network has the mean of all their
            weights then (a model soup: Wortsman et al. 2022, arXiv:2203.05482).
    """

    name: str
    title: str
    description: str
    seeds: int
    make_classifier: Callable[[Settings], keras.Model]
    training: tuple[Any, np.ndarray]
    validation: tuple[Any, np.ndarray]
    test: tuple[Any, np.ndarray]
    out_of_domain: dict[str, Any]
    out_of_domain_validation: Any
    altered_rows: int = 0
    complete_seeds: int | None = None
    members: int = 10
    process_members: int = 5
    ablations: bool = True
    shifts: dict[tuple[str, int], Any] = dataclasses.field(default_factory=dict)
    shifted_rows: np.ndarray | None = None
    expert: Expert | None = None
    shared_step: Callable[[int], Any] | None = None
    batches: Callable[[int, int, bool], keras.utils.PyDataset] | None = None
    pieces: Callable[[Any], list[tuple[np.ndarray, Any]]] | None = None
    first_weights: Callable[[keras.Model, str, int], None] | None = None
    convert_arguments: dict[str, Any] = dataclasses.field(default_factory=dict)
    further_learning_rates: tuple[float, ...] = ()

    def has_every_method(self, seed: int) -> bool:
        return seed < (self.seeds if self.complete_seeds is None else self.complete_seeds)

    def validation_questions(self) -> Iterator[tuple[str, Any]]:
        """The sets of inputs that settings may be chosen by, with their names."""
        yield "validation", self.validation[0]
        yield "out-of-domain validation", self.out_of_domain_validation

    def questions(self) -> Iterator[tuple[str, Any]]:
        """Every set of inputs a network is asked about, with its name."""
        yield from self.validation_questions()
        yield "test", self.test[0]
        yield from self.out_of_domain.items()
        for (kind, strength), inputs in self.shifts.items():
            yield f"{kind} {strength}", inputs


def answers(study: Study, settings: Settings, kind: str, number: int, folder: Path) -> Arrays:
    """Logits and variances of network `number` of a kind, from its file or by training it.

    Of the dense networks with the number of a seed that has every method there are dropout samples too.
    """
    file = folder / study.name / f"{kind.replace(' ', '-')}-{number}.npz"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        started = time.perf_counter()
        with_dropout = kind == DENSE and study.has_every_method(number)
        checkpoint = file.with_suffix("") if study.batches else None
        arrays = ask(study, study.questions(), train(study, settings, kind, number, checkpoint), with_dropout)
        with atomic_write(file) as temporary:
            np.savez(temporary, seconds=time.perf_counter() - started, **arrays)
        if checkpoint is not None:
            shutil.rmtree(checkpoint)
        print(f"{study.name}: {kind} {number}, {time.perf_counter() - started:.0f} s", flush=True)
    with np.load(file) as arrays:
        return dict(arrays)


def train(study: Study, settings: Settings, kind: str, seed: int, checkpoint: Path | None = None) -> keras.Model:
    """Trains a network, going on from its checkpoint, and folds it.

    The posterior of an SNGP is set by the training data, not augmented, and calibrated on validation data.
    """
    models = []
    for rate in (settings.learning_rate, *study.further_learning_rates):
        part = None if checkpoint is None else checkpoint / str(rate)
        models.append(sngp.fold(fit(study, dataclasses.replace(settings, learning_rate=rate), kind, seed, part)))
    model, *others = models
    if others:
        take_mean_weights(model, others)
    if isinstance(model, sngp.SNGP):
        plain = study.training[0] if study.batches is None else study.batches(settings.batch_size, seed, False)
        model.fit_posterior(plain, verbose=0)
        model.calibrate(*study.validation, batch_size=PREDICTED_ROWS)
    return model


def take_mean_weights(model: keras.Model, others: list[keras.Model]) -> None:
    """Gives a model the means of its own trainable weights and those of others."""
    for weights in zip(*(one.trainable_weights for one in (model, *others)), strict=True):
        weights[0].assign(sum(map(keras.ops.convert_to_numpy, weights)) / len(weights))


def fit(study: Study, settings: Settings, kind: str, seed: int, checkpoint: Path | None = None) -> keras.Model:
    """Trains a network; an SNGP has no posterior yet."""
    keras.utils.set_random_seed(seed)
    x, y = study.training
    model = make_network(study, settings, kind)
    if study.first_weights is not None:
        study.first_weights(model, kind, seed)
    optimizer = make_optimizer(settings, -(-len(y) // settings.batch_size))
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    if study.batches is None:
        given = {"x": x, "y": y, "batch_size": settings.batch_size, "verbose": 0}
    else:
        given = {"x": study.batches(settings.batch_size, seed, True), "verbose": 2}
    callbacks = []
    if checkpoint is not None:
        callbacks.append(keras.callbacks.BackupAndRestore(checkpoint, delete_checkpoint=False))
    keras.Model.fit(model, epochs=settings.epochs, callbacks=callbacks, **given)
    return model


def make_network(study: Study, settings: Settings, kind: str) -> keras.Model:
    """The classifier itself, an SNGP of it, or one with only one of the two changes."""
    classifier = study.make_classifier(settings)
    if kind == DENSE:
        return classifier
    model, _ = sngp.convert(
        classifier,
        num_inducing=settings.num_inducing,
        norm_multiplier=None if kind == NO_BOUND else settings.norm_multiplier,
        gp_kernel_scale=settings.gp_kernel_scale,
        **study.convert_arguments,
    )
    if kind != NO_GP:
        return model
    logits = keras.layers.Dense(model.num_classes, name="dense_logits")(model.backbone.output)
    return keras.Model(model.backbone.input, logits)


def ask(study: Study, questions: Iterator[tuple[str, Any]], model: keras.Model, with_dropout: bool = False) -> Arrays:
    """Everything the measures need, by `question/quantity`."""
    predictor = model if isinstance(model, sngp.SNGP) else sngp.Deterministic(model)
    dropout = sngp.MCDropout(model, num_samples=MC_SAMPLES) if with_dropout else None

    def answer(inputs: Any) -> Arrays:
        prediction = predictor.predict_distribution(inputs, batch_size=PREDICTED_ROWS)
        quantities = {"logits": prediction.logits}
        if prediction.variance is not None:
            quantities |= {"probabilities": prediction.probabilities, "variance": prediction.variance}
        if dropout is not None:
            sampled = dropout.predict_distribution(inputs, seed=0, batch_size=PREDICTED_ROWS)
            quantities |= {"dropout": sampled.probabilities, "dropout mutual information": sampled.mutual_information}
        return {name: array.astype("float32") for name, array in quantities.items()}

    found = {}
    for question, inputs in questions:
        quantities = answer(inputs) if study.pieces is None else _joined(answer, study.pieces(inputs))
        found |= {f"{question}/{name}": array for name, array in quantities.items()}
    return found


def _joined(answer: Callable[[Any], Arrays], pieces: list[tuple[np.ndarray, Any]]) -> Arrays:
    order = np.argsort(np.concatenate([rows for rows, _ in pieces]))
    parts = [answer(inputs) for _, inputs in pieces]
    return {name: np.concatenate([part[name] for part in parts])[order] for name in parts[0]}
