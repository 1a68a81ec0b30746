"""What is trained on what, and what it is asked: the part that all tables of quality share.

Every network is trained once. It is kept in a folder as KIND-NUMBER.keras, with its settings and training time in
KIND-NUMBER.json and its answers in KIND-NUMBER.npz. So a run that was stopped goes on, several processes can share the
work, and answers that were deleted are asked for again without training.
"""

import dataclasses
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

import keras_sngp as sngp
from benchmarks.results import read_results, write_results
from keras_sngp._runtime.files import atomic_write
from keras_sngp.deferral import Expert

DENSE, SNGP, NO_BOUND, NO_GP = "dense", "SNGP", "no bound", "no GP"
PROCESS, LAPLACE, DROPOUT = "Gaussian process", "Laplace", "dropout"  # What gives probabilities, in the answers.
MC_SAMPLES = 10
PREDICTED_ROWS = 1_000
FEATURE_ROWS = 10_000  # The most training rows whose features are kept.
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

Arrays = Mapping[str, np.ndarray]
Labelled = tuple[Any, np.ndarray]
Predictor = Callable[..., sngp.Prediction]


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

    def fitting_rows(self) -> Labelled:
        """The training rows that detectors are fitted to: all, or 10,000 drawn at random."""
        x, labels = self.training
        rows = np.sort(np.random.default_rng(0).permutation(len(labels))[:FEATURE_ROWS])
        return keras.tree.map_structure(lambda array: array[rows], x), labels[rows]


def answers(study: Study, settings: Settings, kind: str, number: int, folder: Path) -> Arrays:
    """Features, logits and variances of network `number` of a kind, from its file or by asking it; read when used.

    Of a dense network with the number of a seed there is the last-layer Laplace approximation too, and dropout samples
    if that seed has every method.

    Raises:
        ValueError: the kept network was trained with other settings.
    """
    file = folder / study.name / f"{kind.replace(' ', '-')}-{number}.npz"
    record, network = file.with_suffix(".json"), file.with_suffix(".keras")
    if not network.exists():
        started = time.perf_counter()
        model = train(study, settings, kind, number)
        seconds = time.perf_counter() - started
        write_results(record, {"seconds": seconds, "settings": dataclasses.asdict(settings)})
        with atomic_write(network) as temporary:
            model.save(temporary)
        print(f"{study.name}: {kind} {number}, {seconds:.0f} s", flush=True)
    kept = read_results(record)
    if kept["settings"] != dataclasses.asdict(settings):
        raise ValueError(f"{network} must have the settings {settings}; or delete it. Received: {kept['settings']}")
    if not file.exists():
        model = keras.saving.load_model(network, compile=False)
        others = approximations(study, model, number) if kind == DENSE and number < study.seeds else {}
        arrays = ask({"training": study.fitting_rows()[0]}, model) | ask(study.questions(), model, others)
        with atomic_write(file) as temporary:
            np.savez(temporary, seconds=kept["seconds"], **arrays)
    return np.load(file)


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


def make_head(input_width: int, num_classes: int, width: int, settings: Settings) -> keras.Model:
    """A classifier of vectors: `residual_head` alone."""
    inputs = keras.Input((input_width,))
    return keras.Model(inputs, residual_head(inputs, num_classes, settings.residual_blocks, width))


def residual_head(features: Any, num_classes: int, num_blocks: int, width: int) -> Any:
    """A projection, residual blocks and logits, after the dense network of the SNGP tutorial."""
    hidden = keras.layers.Dense(width, name="projection")(features)
    for _ in range(num_blocks):
        residual = keras.layers.Dense(width, activation="relu")(hidden)
        hidden = keras.layers.Add()([hidden, keras.layers.Dropout(0.1)(residual)])
    return keras.layers.Dense(num_classes, name="logits")(hidden)


def approximations(study: Study, model: keras.Model, number: int) -> dict[str, Predictor]:
    """What else a trained plain network gives: a Laplace approximation of its last layer, and its dropout left on."""
    laplace = sngp.LastLayerLaplace(model).fit_posterior(study.training[0], batch_size=PREDICTED_ROWS)
    found: dict[str, Predictor] = {LAPLACE: laplace.calibrate(*study.validation).predict_distribution}
    if study.has_every_method(number):
        found[DROPOUT] = partial(sngp.MCDropout(model, num_samples=MC_SAMPLES).predict_distribution, seed=0)
    return found


def ask(questions: dict[str, Any], model: keras.Model, others: Mapping[str, Predictor] = {}) -> dict[str, np.ndarray]:
    """Everything the measures need, by `question/quantity`; of each predictor by `question/name quantity`."""
    predictors = {PROCESS: model.predict_distribution, **others} if isinstance(model, sngp.SNGP) else others
    found = {}
    for question, inputs in questions.items():
        features, logits = sngp.features_of(model, inputs, batch_size=PREDICTED_ROWS)
        found[f"{question}/features"], found[f"{question}/logits"] = features.astype("float16"), logits
        for name, predict in predictors.items():
            prediction = predict(inputs, batch_size=PREDICTED_ROWS)
            found[f"{question}/{name} probabilities"] = prediction.probabilities.astype("float32")
            if prediction.variance is not None:
                found[f"{question}/{name} variance"] = prediction.variance.astype("float32")
            if prediction.samples is not None:
                found[f"{question}/{name} mutual information"] = prediction.mutual_information.astype("float32")
    return found
