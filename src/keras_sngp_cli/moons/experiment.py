"""The reference tutorial as one experiment: four methods on two moons, measured on the same data."""

import dataclasses
import itertools
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Protocol

import keras
import numpy as np
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, roc_auc_score

from keras_sngp import SNGP, DeepEnsemble, DeepResNet, Deterministic, MCDropout, Prediction, two_moons
from keras_sngp._runtime.random_state import seed_everything
from keras_sngp.metrics import expected_calibration_error

TITLES = {
    "deterministic": "Deterministic",
    "mc_dropout": "MC dropout",
    "deep_ensemble": "Deep ensemble",
    "sngp": "SNGP",
}
TEST_SEED_OFFSET = 1_000_000
ROWS_PER_BATCH = 500


@dataclasses.dataclass(frozen=True)
class Config:
    """What to train; the defaults are the tutorial's."""

    epochs: int = 100
    members: int = 10
    samples: int = 10
    seed: int = 0
    learning_rate: float = 1e-4
    batch_size: int = 128
    num_layers: int = 6
    num_hidden: int = 128
    dropout_rate: float = 0.1
    spec_norm_bound: float = 0.9
    num_inducing: int = 1024


@dataclasses.dataclass(frozen=True)
class Data:
    """Training and test points with labels, points out of domain, and the grid for the pictures."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    out_of_domain: np.ndarray
    grid: np.ndarray

    @classmethod
    def draw(cls, seed: int) -> "Data":
        return cls(
            *two_moons.make_training_data(seed=seed),
            *two_moons.make_training_data(seed=seed + TEST_SEED_OFFSET),
            two_moons.make_out_of_domain_data(seed=seed),
            two_moons.make_testing_grid(),
        )


@dataclasses.dataclass(frozen=True)
class MethodResult:
    """One method's predictions on the grid, and its measures."""

    grid: Prediction
    measures: dict[str, float]


@dataclasses.dataclass(frozen=True)
class Result:
    """All that the command prints, draws and saves."""

    config: Config
    data: Data
    methods: dict[str, MethodResult]
    sngp: SNGP

    def as_json(self) -> dict[str, Any]:
        return {
            "config": dataclasses.asdict(self.config),
            "versions": versions(),
            "methods": {name: method.measures for name, method in self.methods.items()},
        }


class Progress(Protocol):
    """Told what is going on while the experiment runs."""

    def begin(self, method: str, epochs: int) -> None: ...
    def epoch_done(self) -> None: ...
    def predicting(self) -> None: ...


def versions() -> dict[str, str]:
    """Versions of everything the numbers depend on."""
    backend = keras.backend.backend()
    packages = ["keras-sngp", "keras", backend, "numpy", "scikit-learn"]
    return {
        "backend": backend,
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }


def run(config: Config, progress: Progress) -> Result:
    """Trains the four methods and measures each on test data and out-of-domain data."""
    seed_everything(config.seed)
    data = Data.draw(config.seed)
    experiment = _Experiment(config, data, progress)
    plain = experiment.make_plain()
    methods = {}

    fit = experiment.training("deterministic", config.epochs, plain.fit)
    methods["deterministic"] = experiment.measured(Deterministic(plain).predict_distribution, fit)

    experiment.progress.begin("mc_dropout", 0)
    dropout = MCDropout(plain, num_samples=config.samples)
    methods["mc_dropout"] = experiment.measured(
        lambda x, batch_size: dropout.predict_distribution(x, batch_size=batch_size * config.samples, seed=config.seed),
        fit,
    )

    ensemble = DeepEnsemble(experiment.make_plain, num_members=config.members)
    fit = experiment.training("deep_ensemble", config.epochs * config.members, ensemble.fit)
    methods["deep_ensemble"] = experiment.measured(ensemble.predict_distribution, fit)

    sngp = experiment.make_sngp()
    fit = experiment.training("sngp", config.epochs, sngp.fit)
    methods["sngp"] = experiment.measured(sngp.predict_distribution, fit)
    return Result(config, data, methods, sngp)


@dataclasses.dataclass(frozen=True)
class _Experiment:
    config: Config
    data: Data
    progress: Progress

    def make_plain(self) -> keras.Model:
        return self._compiled(DeepResNet(num_classes=2, **self._architecture()))

    def make_sngp(self) -> SNGP:
        backbone = DeepResNet(spec_norm_bound=self.config.spec_norm_bound, **self._architecture())
        model: SNGP = self._compiled(SNGP(backbone, 2, self.config.num_inducing, seed=self.config.seed))
        return model

    def _architecture(self) -> dict[str, Any]:
        names = ("num_layers", "num_hidden", "dropout_rate")
        return {name: getattr(self.config, name) for name in names}

    def _compiled(self, model: keras.Model) -> keras.Model:
        model.compile(
            keras.optimizers.Adam(self.config.learning_rate),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        return model

    def training(self, method: str, epochs: int, fit: Callable[..., Any]) -> float:
        """Trains and returns the seconds it took."""
        self.progress.begin(method, epochs)
        started = time.perf_counter()
        fit(
            self.data.x,
            self.data.y,
            epochs=self.config.epochs,
            batch_size=self.config.batch_size,
            callbacks=[_EpochCallback(self.progress)],
            verbose=0,
        )
        return time.perf_counter() - started

    def measured(self, predict: Callable[..., Prediction], fit_seconds: float) -> MethodResult:
        """Predicts test, out-of-domain and grid points in one go, and measures the first two."""
        self.progress.predicting()
        data = self.data
        parts = [data.x_test, data.out_of_domain, data.grid]
        started = time.perf_counter()
        prediction = predict(np.concatenate(parts), batch_size=ROWS_PER_BATCH)
        predict_seconds = time.perf_counter() - started
        test, out_of_domain, grid = _split(prediction, [len(part) for part in parts])
        return MethodResult(
            grid,
            {
                **_measures(test, out_of_domain, data.y_test),
                "fit_seconds": fit_seconds,
                "predict_seconds": predict_seconds,
            },
        )


class _EpochCallback(keras.callbacks.Callback):
    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self.progress = progress

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.progress.epoch_done()


def _split(prediction: Prediction, rows: list[int]) -> list[Prediction]:
    bounds = np.cumsum([0, *rows])
    return [
        Prediction(
            prediction.probabilities[start:stop],
            variance=None if prediction.variance is None else prediction.variance[start:stop],
        )
        for start, stop in itertools.pairwise(bounds)
    ]


def _measures(test: Prediction, out_of_domain: Prediction, labels: np.ndarray) -> dict[str, float]:
    is_out_of_domain = np.repeat([0, 1], [len(test), len(out_of_domain)])
    scores = {"ood_auroc": [test.bernoulli_variance, out_of_domain.bernoulli_variance]}
    if test.variance is not None and out_of_domain.variance is not None:
        scores["variance_auroc"] = [test.variance, out_of_domain.variance]
    probabilities = test.probabilities.astype("float64")
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    measures = {
        "test_accuracy": accuracy_score(labels, test.labels),
        "test_nll": log_loss(labels, probabilities, labels=[0, 1]),
        "test_ece": expected_calibration_error(probabilities, labels),
        "test_brier": brier_score_loss(labels, probabilities[:, 1]),
        "ood_mean_confidence": out_of_domain.max_probability.mean(),
        **{name: roc_auc_score(is_out_of_domain, np.concatenate(score)) for name, score in scores.items()},
    }
    return {name: float(value) for name, value in measures.items()}
