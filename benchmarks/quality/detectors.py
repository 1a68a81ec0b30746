"""Out-of-domain detectors on the features and logits of a trained network, each with the best of three settings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks.quality.study import Arrays, Study
from keras_sngp.metrics import out_of_domain_auroc
from keras_sngp.metrics.detectors import DETECTORS, Detector

NEIGHBORS, SHRINKAGES, PERCENTILES = (1, 10, 50), (1e-6, 1e-2, 1e-1), (0.65, 0.85, 0.95)
SHARES_OF_CLASSES, SHARES_OF_WIDTH = (0.1, 0.5, 1.0), (0.25, 0.5, 0.75)


def settings_tried(name: str, width: int, classes: int) -> list[dict[str, Any]]:
    """Three settings for each detector that has one to choose, or nothing but its only form."""
    numbers: dict[str, tuple[str, list[Any]]] = {
        "gen": ("num_classes", [max(1, round(share * classes)) for share in SHARES_OF_CLASSES]),
        "vim": ("num_components", [max(1, int(share * width)) for share in SHARES_OF_WIDTH]),
        **dict.fromkeys(("knn", "nnguide"), ("num_neighbors", list(NEIGHBORS))),
        **dict.fromkeys(("scale", "ash", "react"), ("percentile", list(PERCENTILES))),
        **dict.fromkeys(
            (one for one in DETECTORS if "mahalanobis" in one or one == "gaussian_mixture"),
            ("shrinkage", list(SHRINKAGES)),
        ),
    }
    setting, values = numbers.get(name, ("", []))
    return [{setting: value} for value in values] or [{}]


def tried_detector(study: Study, network: Arrays, name: str) -> tuple[Detector, dict[str, Any]]:
    """A detector fitted to training rows, with the setting that finds the out-of-domain validation inputs best."""
    training = _features_and_logits(network, "training")
    tried = settings_tried(name, training["features"].shape[1], training["logits"].shape[1])
    ask = partial(_features_and_logits, network)
    best, detector = best_setting(DETECTORS[name], tried, training | {"labels": study.fitting_rows()[1]}, ask)
    return detector, tried[best]


def best_setting(
    make_detector: Callable[..., Detector],
    tried: Sequence[Mapping[str, Any]],
    training: Mapping[str, np.ndarray],
    ask: Callable[[str], Mapping[str, np.ndarray]],
) -> tuple[int, Detector]:
    """Which of the settings finds the out-of-domain validation inputs best, by AUROC, and the detector fitted with it.

    `ask` gives features and logits of `validation` and of `out-of-domain validation`, where there is a choice.
    """
    fitted = [make_detector(**settings).fit(**training) for settings in tried]
    if len(fitted) == 1:
        return 0, fitted[0]
    inside, outside = ask("validation"), ask("out-of-domain validation")
    best = int(np.argmax([out_of_domain_auroc(one.score(**inside), one.score(**outside)) for one in fitted]))
    return best, fitted[best]


def detector_scores(study: Study, network: Arrays) -> Iterator[tuple[str, dict[str, Any], dict[str, np.ndarray]]]:
    """Name and setting of every detector, and its scores of the test inputs and of each out-of-domain set."""
    asked = {question: _features_and_logits(network, question) for question in ("test", *study.out_of_domain)}
    for name in DETECTORS:
        detector, setting = tried_detector(study, network, name)
        yield name, setting, {question: detector.score(**found) for question, found in asked.items()}


def _features_and_logits(network: Arrays, question: str) -> dict[str, np.ndarray]:
    return {quantity: network[f"{question}/{quantity}"].astype("float32") for quantity in ("features", "logits")}
