"""Out-of-domain scores of one network of the OpenOOD study, measured as its leaderboard does.

AUROC, and the false positive rate at 95 % true positives with **out-of-domain images as the positive class**: the share
of test images that is flagged when 95 % of the out-of-domain images are. (OpenOOD v1 had it the other way round.) Each
out-of-domain set stands against the same test images; near and far are the plain means over their sets.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import softmax

from benchmarks.quality.detectors import best_setting
from benchmarks.quality.measures import in_domain
from benchmarks.quality.method_names import WEIGHTS_OF_VARIANCE
from benchmarks.quality.methods import ENTROPY, MAX_PROBABILITY, VARIANCE, Answer
from keras_sngp import metrics
from keras_sngp.calibration import TemperatureScaling
from keras_sngp.metrics import scores
from keras_sngp.metrics.detectors import Detector

Arrays = Mapping[str, np.ndarray]
TRAINING, VALIDATION, TEST, OUTSIDE_VALIDATION = "training", "validation", "test", "out-of-domain validation"
TRUE_POSITIVE_RATE = 0.95


@dataclasses.dataclass(frozen=True)
class Score:
    """One score of one network: `of(set)` has a value for each image, larger = less familiar."""

    name: str
    of: Callable[[str], np.ndarray]
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    tried: int = 1  # Settings that the choice on validation data was made from.


def figures(inside: np.ndarray, outside: np.ndarray) -> dict[str, float]:
    """AUROC and FPR95, in [0, 1], of a score that is larger for less familiar images.

    Example:

    >>> figures(np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.35, 0.9]))
    {'auroc': 0.875, 'fpr95': 0.25}
    """
    return {
        "auroc": metrics.out_of_domain_auroc(inside, outside),
        "fpr95": metrics.false_positive_rate(inside, outside, TRUE_POSITIVE_RATE, positive="out"),
    }


def out_of_domain_records(score: Score, groups: Mapping[str, Sequence[str]]) -> Iterator[dict[str, Any]]:
    """Figures for each set of each group, then the means of the group, under the name of the group itself.

    The mean of a group is over the sets that are there, whose number the record states.
    """
    inside = score.of(TEST)
    for group, names in groups.items():
        found = [figures(inside, score.of(name)) for name in names]
        for name, one in zip(names, found, strict=True):
            yield {"data": name, "group": group, **one}
        if found:
            means = {figure: float(np.mean([one[figure] for one in found])) for figure in found[0]}
            yield {"data": group, "sets": len(found), **means}


def in_domain_records(network: Arrays, labels: Mapping[str, np.ndarray]) -> Iterator[dict[str, Any]]:
    """Accuracy and calibration on the test images; of a plain network with and without temperature scaling."""
    if f"{TEST}/variance" in network:
        yield {"data": TEST, **in_domain(Answer(network[f"{TEST}/probabilities"], {}), labels[TEST])}
        return
    for temperature in (1.0, _temperature(network, labels)):
        probabilities = softmax(network[f"{TEST}/logits"].astype("float64") / temperature, axis=1)
        yield {"data": TEST, "temperature": temperature, **in_domain(Answer(probabilities, {}), labels[TEST])}


def scores_of_outputs(network: Arrays, labels: Mapping[str, np.ndarray]) -> Iterator[Score]:
    """Scores of the calibrated probabilities, of the logits and, of an SNGP, of the variance, and those combined."""
    is_process = f"{TEST}/variance" in network
    temperature = 1.0 if is_process else _temperature(network, labels)

    def probabilities(name: str) -> np.ndarray:
        if is_process:
            return network[f"{name}/probabilities"].astype("float64")
        return softmax(network[f"{name}/logits"].astype("float64") / temperature, axis=1)

    def variance(name: str) -> np.ndarray:
        of_rows = network[f"{name}/variance"]
        return of_rows if of_rows.ndim == 1 else of_rows.mean(axis=1)

    def dempster_shafer(name: str) -> np.ndarray:
        return scores.dempster_shafer(network[f"{name}/logits"].astype("float64"))

    def fisher(weight: float) -> Callable[[str], np.ndarray]:
        held_out = [dempster_shafer(VALIDATION), variance(VALIDATION)]
        return lambda name: scores.fisher([dempster_shafer(name), variance(name)], held_out, [1.0, weight])

    yield Score(f"{MAX_PROBABILITY}, calibrated", lambda name: 1 - scores.max_probability(probabilities(name)))
    yield Score(f"{ENTROPY}, calibrated", lambda name: scores.entropy(probabilities(name)))
    yield Score("Dempster-Shafer", dempster_shafer)
    if is_process:
        yield Score(VARIANCE, variance)
        for combined, weight in WEIGHTS_OF_VARIANCE.items():
            yield Score(combined, fisher(weight))


def score_of_detector(
    name: str,
    make_detector: Callable[..., Detector],
    trials: Sequence[Mapping[str, Any]],
    network: Arrays,
    labels: Mapping[str, np.ndarray],
) -> Score:
    """A detector fitted to the training images with those of the settings tried that are best on validation data.

    As in OpenOOD, the best has the largest AUROC of the validation images against the out-of-domain validation images.
    """

    def inputs(part: str) -> dict[str, np.ndarray]:
        return {"features": network[f"{part}/features"], "logits": network[f"{part}/logits"]}

    training = inputs(TRAINING) | {"labels": labels[TRAINING]}
    best, chosen = best_setting(make_detector, trials, training, inputs)
    return Score(name, lambda part: chosen.score(**inputs(part)), trials[best], len(trials))


def best_on_validation(candidates: Sequence[Score]) -> str:
    """The name of the score with the largest AUROC on validation data: what one would use without seeing the test."""
    aurocs = [metrics.out_of_domain_auroc(score.of(VALIDATION), score.of(OUTSIDE_VALIDATION)) for score in candidates]
    return candidates[int(np.argmax(aurocs))].name


def _temperature(network: Arrays, labels: Mapping[str, np.ndarray]) -> float:
    return TemperatureScaling(from_logits=True).fit(network[f"{VALIDATION}/logits"], labels[VALIDATION]).temperature
