"""What is trained on what, and what it is asked: the part that all tables of quality share.

Every network is trained once, and its answers are kept in a folder, so that a run that was stopped goes on, and several
processes can share the work.
"""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

import keras_sngp as sngp
from keras_sngp._runtime.files import atomic_write
from keras_sngp.deferral import Expert

DENSE, SNGP, NO_BOUND, NO_GP = "dense", "SNGP", "no bound", "no GP"
MC_SAMPLES = 10
PREDICTED_ROWS = 1_000
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

Arrays = dict[str, np.ndarray]
Labelled = tuple[Any, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Settings:
    """How networks are trained; chosen on validation data."""

    epochs: int
    learning_rate: float  # The largest one, of a cosine schedule.
    residual_blocks: int
    batch_size: int = 128
    norm_multiplier: float = 0.95  # Bound on the spectral norms of an SNGP.
    gp_kernel_scale: float | str = "auto"
    num_inducing: int = 1024
    warmup: float = 0.0  # Share of the steps in which the learning rate rises.
    optimizer: str = "adamw"  # Or "sgd", with Nesterov momentum.
    weight_decay: float = 0.004
    schedule: str = "cosine"


@dataclasses.dataclass(frozen=True)
class Study:
    """One table."""

    name: str  # Of its file.
    title: str
    seeds: int  # How often it is all done over.
    make_classifier: Callable[[Settings], keras.Model]  # A new functional one, with dropout and dense logits.
    training: Labelled
    validation: Labelled  # For calibration, and for the choice of settings.
    test: Labelled
    out_of_domain: dict[str, Any]  # Inputs of other kinds, by name.
    out_of_domain_validation: Any  # Such inputs kept apart from those, to choose a score by.
    # How many of those are the first validation inputs, altered, so that labels still hold: to calibrate with, too.
    altered_rows: int = 0
    complete_seeds: int | None = None  # Seeds that have every method, not one plain network and one SNGP; None: all.
    members: int = 10  # Of a deep ensemble; 1 for a table without it.
    process_members: int = 5  # Likewise of an ensemble of SNGPs.
    ablations: bool = True  # Whether there are SNGPs with only one of the two changes.
    shifts: dict[tuple[str, int], Any] = dataclasses.field(default_factory=dict)  # First test inputs, altered.
    expert: Expert | None = None  # Who is asked about the test inputs that are deferred.
    shared_step: Callable[[int], Any] | None = None  # Done once to the first n test inputs, for every method.
    batches: Callable[[int, int, bool], keras.utils.PyDataset] | None = None  # By size, seed, and whether augmented.
    first_weights: Callable[[keras.Model, str, int], None] | None = None  # Sets where a new network starts, by seed.
    convert_arguments: dict[str, Any] = dataclasses.field(default_factory=dict)
    # Of more trainings from the same first weights; a network has the mean of all their weights then (a model soup:
    # Wortsman et al. 2022, arXiv:2203.05482).
    further_learning_rates: tuple[float, ...] = ()

    def has_every_method(self, seed: int) -> bool:
        return seed < (self.seeds if self.complete_seeds is None else self.complete_seeds)

    def validation_questions(self) -> dict[str, Any]:
        """The sets of inputs that settings may be chosen by, with their names."""
        return {"validation": self.validation[0], "out-of-domain validation": self.out_of_domain_validation}

    def questions(self) -> dict[str, Any]:
        """Every set of inputs a network is asked about, with its name."""
        shifts = {f"{kind} {strength}": inputs for (kind, strength), inputs in self.shifts.items()}
        return {**self.validation_questions(), "test": self.test[0], **self.out_of_domain, **shifts}


def answers(study: Study, settings: Settings, kind: str, number: int, folder: Path) -> Arrays:
    """Logits and variances of network `number` of a kind, from its file or by training it.

    Of the dense networks with the number of a seed that has every method there are dropout samples too.
    """
    file = folder / study.name / f"{kind.replace(' ', '-')}-{number}.npz"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        started = time.perf_counter()
        with_dropout = kind == DENSE and study.has_every_method(number)
        arrays = ask(study.questions(), train(study, settings, kind, number), with_dropout)
        seconds = time.perf_counter() - started
        with atomic_write(file) as temporary:
            np.savez(temporary, seconds=seconds, **arrays)
        print(f"{study.name}: {kind} {number}, {seconds:.0f} s", flush=True)
    with np.load(file) as arrays:
        return dict(arrays)


def train(study: Study, settings: Settings, kind: str, seed: int) -> keras.Model:
    """Trains a network and folds it.

    The posterior of an SNGP is set by the training data, not augmented, and calibrated on validation data.
    """
    rates = (settings.learning_rate, *study.further_learning_rates)
    each = [dataclasses.replace(settings, learning_rate=rate) for rate in rates]
    model, *others = [sngp.fold(fit(study, one, kind, seed)) for one in each]
    for weights in zip(*(one.trainable_weights for one in (model, *others)), strict=True):
        if others:
            weights[0].assign(sum(map(keras.ops.convert_to_numpy, weights)) / len(weights))
    if isinstance(model, sngp.SNGP):
        plain = study.training[0] if study.batches is None else study.batches(settings.batch_size, seed, False)
        model.fit_posterior(plain, verbose=0)
        model.calibrate(*study.validation, batch_size=PREDICTED_ROWS)
    return model


def fit(study: Study, settings: Settings, kind: str, seed: int) -> keras.Model:
    """Trains a network; an SNGP has no posterior yet."""
    keras.utils.set_random_seed(seed)
    x, y = study.training
    model = make_network(study, settings, kind)
    if study.first_weights is not None:
        study.first_weights(model, kind, seed)
    model.compile(make_optimizer(settings, -(-len(y) // settings.batch_size)), LOSS)
    if study.batches is None:
        given = {"x": x, "y": y, "batch_size": settings.batch_size, "verbose": 0}
    else:
        given = {"x": study.batches(settings.batch_size, seed, True), "verbose": 2}
    keras.Model.fit(model, epochs=settings.epochs, **given)
    return model


def make_optimizer(settings: Settings, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    steps, highest = settings.epochs * steps_per_epoch, settings.learning_rate
    rising = int(settings.warmup * steps)
    warmup = {"warmup_target": highest, "warmup_steps": rising} if rising else {}
    rate = keras.optimizers.schedules.CosineDecay(0.0 if rising else highest, steps - rising, **warmup)
    if settings.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=settings.weight_decay)
    return keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay)


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


def residual_head(features: Any, num_classes: int, num_blocks: int, width: int) -> Any:
    """A projection, residual blocks and logits, after the dense network of the SNGP tutorial."""
    hidden = keras.layers.Dense(width, name="projection")(features)
    for _ in range(num_blocks):
        residual = keras.layers.Dense(width, activation="relu")(hidden)
        hidden = keras.layers.Add()([hidden, keras.layers.Dropout(0.1)(residual)])
    return keras.layers.Dense(num_classes, name="logits")(hidden)


def ask(questions: dict[str, Any], model: keras.Model, with_dropout: bool = False) -> Arrays:
    """Everything the measures need, by `question/quantity`."""
    predictor = model if isinstance(model, sngp.SNGP) else sngp.Deterministic(model)
    dropout = sngp.MCDropout(model, num_samples=MC_SAMPLES) if with_dropout else None
    found = {}
    for question, inputs in questions.items():
        prediction = predictor.predict_distribution(inputs, batch_size=PREDICTED_ROWS)
        found[f"{question}/logits"] = prediction.logits
        if prediction.variance is not None:
            found[f"{question}/probabilities"] = prediction.probabilities
            found[f"{question}/variance"] = prediction.variance
        if dropout is not None:
            sampled = dropout.predict_distribution(inputs, seed=0, batch_size=PREDICTED_ROWS)
            found[f"{question}/dropout"] = sampled.probabilities
            found[f"{question}/dropout mutual information"] = sampled.mutual_information
    return {name: array.astype("float32") for name, array in found.items()}
