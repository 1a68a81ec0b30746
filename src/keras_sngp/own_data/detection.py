"""The out-of-domain detectors of a classifier: fitted after training, kept in its file, asked row by row."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from keras_sngp.metrics.detectors import (
    DETECTORS,
    FROM_FEATURES,
    FROM_LOGITS,
    KNN,
    Detector,
    detector_from_state,
    detector_state,
)
from keras_sngp.models.features import Features

MOST_NEIGHBORS = KNN.num_neighbors
SEPARATOR = "/"

Scores = dict[str, npt.NDArray[np.floating]]


def check_can_be_fitted(names: Sequence[str], labels: npt.NDArray[np.intp]) -> None:
    """Raises a ValueError if some detectors are unknown, or could not be fitted to rows of these class numbers.

    Before a long training: the detectors are fitted to random features of so many rows.
    """
    for name in names:
        if name not in FROM_FEATURES:
            raise ValueError(
                f"`detectors` must be among {', '.join(FROM_FEATURES)}; other scores need none. Received: {name!r}"
            )
    generator = np.random.default_rng(0)
    rows, classes = len(labels), int(labels.max()) + 1
    fit_detectors(names, Features(generator.random((rows, 4)), generator.random((rows, max(classes, 2)))), labels)


def fit_detectors(names: Sequence[str], of: Features, labels: npt.NDArray[np.intp]) -> dict[str, Detector]:
    """Detectors by name, fitted to the training rows.

    KNN takes 50 neighbours, or as many as the smallest class has rows. KNN and NNGuide keep at most 50,000 rows, a
    random subset of more.
    """
    fitted: dict[str, Detector] = {}
    for name in dict.fromkeys(names):
        settings = {"num_neighbors": min(MOST_NEIGHBORS, _smallest_class(labels))} if name == KNN.name else {}
        detector: Detector = FROM_FEATURES[name](**settings)
        fitted[name] = detector.fit(features=of.features, logits=of.logits, labels=labels)
    return fitted


def logit_scores(logits: npt.ArrayLike) -> Scores:
    """The scores of rows by every detector that needs the logits alone."""
    return {name: detector().score(logits=logits) for name, detector in FROM_LOGITS.items()}


def feature_scores(detectors: Mapping[str, Detector], of: Features) -> Scores:
    """The scores of rows by fitted detectors."""
    return {name: one.score(features=of.features, logits=of.logits) for name, one in detectors.items()}


def detectors_to_arrays(detectors: Mapping[str, Detector]) -> dict[str, np.ndarray]:
    """The arrays of all detectors, named `DETECTOR/ARRAY`."""
    return {
        f"{name}{SEPARATOR}{key}": array
        for name, detector in detectors.items()
        for key, array in detector_state(detector).items()
    }


def detectors_from_arrays(arrays: Mapping[str, np.ndarray], width: int, num_classes: int) -> dict[str, Detector]:
    """The detectors of `detectors_to_arrays`.

    Raises:
        ValueError: arrays that no fitted detector of features of this width and so many classes would have.
    """
    states: dict[str, dict[str, np.ndarray]] = {}
    for key, array in arrays.items():
        name, _, field = key.partition(SEPARATOR)
        if name not in FROM_FEATURES or array.dtype.kind not in "iufb" or not np.isfinite(array).all():
            raise ValueError(f"a detector that cannot be used: {key!r}")
        states.setdefault(name, {})[field] = array
    detectors = {name: detector_from_state(name, state) for name, state in states.items()}
    for name, detector in detectors.items():
        try:
            trial = detector.score(features=np.ones((2, width)), logits=np.eye(2, num_classes))
        except (ValueError, TypeError, IndexError) as error:
            raise ValueError(f"a detector {name!r} that does not fit the network: {error}") from error
        if trial.shape != (2,) or not np.isfinite(trial).all():
            raise ValueError(f"a detector {name!r} whose scores are no numbers")
    return detectors


def check_scores(scores: Mapping[str, np.ndarray], rows: int) -> None:
    """Raises a ValueError unless these are finite scores of so many rows by known detectors."""
    for name, values in scores.items():
        if (
            name not in DETECTORS
            or values.shape != (rows,)
            or values.dtype.kind != "f"
            or not np.isfinite(values).all()
        ):
            raise ValueError(f"held-out scores that cannot be used: {name!r}")


def _smallest_class(labels: npt.NDArray[np.intp]) -> int:
    counts = np.bincount(labels)
    return int(counts[counts > 0].min())
