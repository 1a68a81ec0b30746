"""All detectors by name, and their settings and fitted arrays as named arrays, for files."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_sngp.metrics.detectors.activation_shaping import ASH, SCALE, ReAct
from keras_sngp.metrics.detectors.detector import Detector
from keras_sngp.metrics.detectors.fdbd import FDBD
from keras_sngp.metrics.detectors.gaussian_mixture import GaussianMixture
from keras_sngp.metrics.detectors.knn import KNN
from keras_sngp.metrics.detectors.logit_scores import (
    GEN,
    DempsterShafer,
    Energy,
    Entropy,
    MaxLogit,
    MaxSoftmaxProbability,
)
from keras_sngp.metrics.detectors.mahalanobis import (
    Mahalanobis,
    MahalanobisPlusPlus,
    RelativeMahalanobis,
    RelativeMahalanobisPlusPlus,
)
from keras_sngp.metrics.detectors.nnguide import NNGuide
from keras_sngp.metrics.detectors.vim import ViM

FROM_LOGITS: dict[str, type[Any]] = {
    detector.name: detector for detector in (MaxSoftmaxProbability, Entropy, MaxLogit, Energy, GEN, DempsterShafer)
}
FROM_FEATURES: dict[str, type[Any]] = {
    detector.name: detector
    for detector in (
        KNN,
        Mahalanobis,
        RelativeMahalanobis,
        MahalanobisPlusPlus,
        RelativeMahalanobisPlusPlus,
        ViM,
        FDBD,
        NNGuide,
        SCALE,
        ASH,
        ReAct,
        GaussianMixture,
    )
}
DETECTORS: dict[str, type[Any]] = {**FROM_LOGITS, **FROM_FEATURES}


def detector_state(detector: Detector) -> dict[str, np.ndarray]:
    """A detector's settings and fitted arrays by name; numbers as arrays without dimensions, None left out.

    Example:

    >>> from keras_sngp.metrics.detectors import KNN, detector_from_state, detector_state
    >>> state = detector_state(KNN(num_neighbors=1).fit(features=np.eye(3)))
    >>> {name: array.shape for name, array in state.items()}
    {'num_neighbors': (), 'max_rows': (), 'seed': (), 'bank': (3, 3)}
    >>> detector_from_state("knn", state).score(features=2 * np.eye(3)).tolist()
    [0.0, 0.0, 0.0]
    """
    values = {field.name: getattr(detector, field.name) for field in _fields(type(detector))}
    return {name: np.asarray(value) for name, value in values.items() if value is not None}


def detector_from_state(name: str, state: Mapping[str, np.ndarray]) -> Detector:
    """The detector of a name with the settings and fitted arrays of `detector_state`.

    Raises:
        ValueError: no detector of that name, or arrays that it does not have.
    """
    if name not in DETECTORS:
        raise ValueError(f"`name` must be one of {', '.join(DETECTORS)}. Received: {name!r}")
    detector: Detector = DETECTORS[name]()
    known = {field.name for field in _fields(DETECTORS[name])}
    if unknown := set(state) - known:
        raise ValueError(f"A detector {name!r} has {', '.join(sorted(known))}. Received: {', '.join(sorted(unknown))}")
    for key, array in state.items():
        setattr(detector, key, array if array.ndim else array.item())
    return detector


def _fields(detector: type[Any]) -> list[dataclasses.Field[Any]]:
    return [field for field in dataclasses.fields(detector) if not field.name.startswith("_")]
