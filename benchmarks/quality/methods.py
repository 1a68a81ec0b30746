"""The methods of every table, as what each makes of the answers of trained networks."""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.special import softmax

from benchmarks.quality import method_names as names
from benchmarks.quality.detectors import tried_detector
from benchmarks.quality.study import (
    DENSE,
    DROPOUT,
    LAPLACE,
    MC_SAMPLES,
    NO_BOUND,
    NO_GP,
    PROCESS,
    SNGP,
    Arrays,
    Settings,
    Study,
    answers,
)
from keras_sngp.calibration import MeanFieldCalibration, TemperatureScaling
from keras_sngp.metrics import scores

MC_DROPOUT, DDU = f"MC dropout ({MC_SAMPLES})", "DDU"
LAST_LAYER_LAPLACE = "last-layer Laplace"
MAX_PROBABILITY, ENTROPY, VARIANCE = "max probability", "entropy", "variance"
COMBINED = ("Dempster-Shafer", VARIANCE, "mutual information")


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a method says about one set of inputs: probabilities, and its uncertainty by several scores."""

    probabilities: np.ndarray
    uncertainty: dict[str, np.ndarray]

    def first(self, rows: int) -> "Answer":
        return Answer(self.probabilities[:rows], {name: score[:rows] for name, score in self.uncertainty.items()})

    def mistakes(self, labels: np.ndarray) -> np.ndarray:
        return self.probabilities.argmax(axis=1) != labels


@dataclasses.dataclass(frozen=True)
class Method:
    """One or several networks, and what is made of what each says about a set of inputs, given by name.

    Where that gives several scores beside those of the probabilities, they are combined too, by their ranks among
    validation data; the variance also with less weight.
    """

    networks: list[Arrays]
    from_network: Callable[[Arrays, str], Answer]

    def answer(self, question: str) -> Answer:
        found = self._separate_scores(question)
        combined = [name for name in COMBINED if name in found.uncertainty]
        if len(combined) < 2:
            return found
        both = [[answer.uncertainty[name] for name in combined] for answer in (found, self._known)]
        fisher = {
            name: scores.fisher(*both, [weight if score == VARIANCE else 1.0 for score in combined])
            for name, weight in names.WEIGHTS_OF_VARIANCE.items()
            if weight == 1 or VARIANCE in combined
        }
        return Answer(found.probabilities, {**found.uncertainty, **fisher})

    @functools.cached_property
    def _known(self) -> Answer:
        return self._separate_scores("validation")

    def _separate_scores(self, question: str) -> Answer:
        of_networks = [self.from_network(network, question) for network in self.networks]
        return of_networks[0] if len(of_networks) == 1 else mean_of(of_networks)

    @property
    def training_seconds(self) -> float:
        return sum(float(network["seconds"]) for network in self.networks)


def methods_of(study: Study, settings: Settings, seed: int, folder: Path) -> dict[str, Method]:
    """Every method of one seed. Networks are shared: the first member of the ensemble is the deterministic network, and
    the one whose dropout is left on. Ensembles of neighbouring seeds have members in common."""

    def networks(kind: str, count: int = 1) -> list[Arrays]:
        return [answers(study, settings, kind, seed + number, folder) for number in range(count)]

    complete, altered = study.has_every_method(seed), study.altered_rows
    processes = networks(SNGP, study.process_members if complete else 1)
    dense = networks(DENSE, study.members if complete else 1)
    methods = {
        names.DETERMINISTIC: Method(dense[:1], from_logits),
        names.TEMPERATURE: Method(dense[:1], with_temperature(study, dense[0])),
    }
    if altered:
        methods[names.TEMPERATURE_FOR_SHIFT] = Method(dense[:1], with_temperature(study, dense[0], altered))
    if complete:
        methods[MC_DROPOUT] = Method(dense[:1], from_dropout)
    methods[LAST_LAYER_LAPLACE] = Method(dense[:1], functools.partial(from_variance, predictor=LAPLACE))
    methods[DDU] = Method(dense[:1], with_density(study, dense[0]))
    if len(dense) > 1:
        methods[deep_ensemble(study)] = Method(dense, from_logits)
    methods[SNGP] = Method(processes[:1], from_variance)
    if altered:
        methods[names.SNGP_FOR_SHIFT] = Method(processes[:1], calibrated_again(study, processes[0], altered))
    if len(processes) > 1:
        methods[process_ensemble(study)] = Method(processes, from_variance)
    if complete and study.ablations:
        methods[names.WITHOUT_BOUND] = Method(networks(NO_BOUND), from_variance)
        methods[names.WITHOUT_GP] = Method(networks(NO_GP), from_logits)
    return methods


def temperature_of(study: Study, network: Arrays, altered_rows: int = 0) -> float:
    logits, _, labels = held_out(study, network, altered_rows)
    return TemperatureScaling(from_logits=True).fit(logits, labels).temperature


def with_temperature(study: Study, network: Arrays, altered_rows: int = 0) -> Callable[[Arrays, str], Answer]:
    return functools.partial(from_logits, temperature=temperature_of(study, network, altered_rows))


def with_density(study: Study, network: Arrays) -> Callable[[Arrays, str], Answer]:
    """Deep deterministic uncertainty: a Gaussian a class on the features, beside probabilities with temperature."""
    detector, _ = tried_detector(study, network, "gaussian_mixture")
    temperature = temperature_of(study, network)

    def from_density(network: Arrays, question: str) -> Answer:
        probabilities = softmax(network[f"{question}/logits"].astype("float64") / temperature, axis=1)
        return _answer(probabilities, {"density": detector.score(features=network[f"{question}/features"])})

    return from_density


def calibrated_again(study: Study, network: Arrays, altered_rows: int) -> Callable[[Arrays, str], Answer]:
    logits, variance, labels = held_out(study, network, altered_rows)
    return functools.partial(from_variance, calibration=MeanFieldCalibration().fit(logits, labels, variance))


def held_out(study: Study, network: Arrays, altered_rows: int) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Logits, variance where there is one, and labels of the validation data and of some of it, altered."""

    def joined(quantity: str) -> np.ndarray:
        altered = network[f"out-of-domain validation/{quantity}"][:altered_rows]
        return np.concatenate([network[f"validation/{quantity}"], altered])

    labels = study.validation[1]
    variance = joined(f"{PROCESS} variance") if f"validation/{PROCESS} variance" in network else None
    return joined("logits"), variance, np.concatenate([labels, labels[:altered_rows]])


def deep_ensemble(study: Study) -> str:
    return f"deep ensemble ({study.members})"


def process_ensemble(study: Study) -> str:
    return f"SNGP ensemble ({study.process_members})"


def from_logits(network: Arrays, question: str, temperature: float = 1.0) -> Answer:
    logits = network[f"{question}/logits"].astype("float64") / temperature
    return _answer(softmax(logits, axis=1), {"Dempster-Shafer": scores.dempster_shafer(logits)})


def from_dropout(network: Arrays, question: str) -> Answer:
    probabilities = network[f"{question}/{DROPOUT} probabilities"].astype("float64")
    return _answer(probabilities, {"mutual information": network[f"{question}/{DROPOUT} mutual information"]})


def from_variance(
    network: Arrays, question: str, predictor: str = PROCESS, calibration: MeanFieldCalibration | None = None
) -> Answer:
    logits, variance = network[f"{question}/logits"], network[f"{question}/{predictor} variance"]
    if calibration is None:
        probabilities = network[f"{question}/{predictor} probabilities"].astype("float64")
    else:
        probabilities = calibration.transform(logits, variance)
    of_rows = variance if variance.ndim == 1 else variance.mean(axis=1)
    return _answer(probabilities, {"Dempster-Shafer": scores.dempster_shafer(logits), VARIANCE: of_rows})


def mean_of(members: list[Answer]) -> Answer:
    """Means over members of the probabilities, and of the scores that do not follow from those."""
    samples = np.stack([member.probabilities for member in members])
    own = set(members[0].uncertainty) - {MAX_PROBABILITY, ENTROPY}
    others = {name: np.mean([member.uncertainty[name] for member in members], axis=0) for name in sorted(own)}
    return _answer(samples.mean(axis=0), {**others, "mutual information": scores.mutual_information(samples)})


def _answer(probabilities: np.ndarray, others: dict[str, np.ndarray]) -> Answer:
    probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
    largest = {MAX_PROBABILITY: 1 - scores.max_probability(probabilities), ENTROPY: scores.entropy(probabilities)}
    return Answer(probabilities, {**largest, **others})
