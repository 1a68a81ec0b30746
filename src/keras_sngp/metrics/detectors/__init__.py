"""Out-of-domain detectors on a classifier's features and logits: fitted to training rows, one score a row.

Each has `fit(features=, logits=, labels=)` and `score(features=, logits=)`, larger for less familiar rows. Arrays of
any framework go in; `keras_sngp.features_of(model, x)` gives them of a Keras model.
"""

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
from keras_sngp.metrics.detectors.registry import (
    DETECTORS,
    FROM_FEATURES,
    FROM_LOGITS,
    detector_from_state,
    detector_state,
)
from keras_sngp.metrics.detectors.vim import ViM

__all__ = [
    "ASH",
    "DETECTORS",
    "FDBD",
    "FROM_FEATURES",
    "FROM_LOGITS",
    "GEN",
    "KNN",
    "SCALE",
    "DempsterShafer",
    "Detector",
    "Energy",
    "Entropy",
    "GaussianMixture",
    "Mahalanobis",
    "MahalanobisPlusPlus",
    "MaxLogit",
    "MaxSoftmaxProbability",
    "NNGuide",
    "ReAct",
    "RelativeMahalanobis",
    "RelativeMahalanobisPlusPlus",
    "ViM",
    "detector_from_state",
    "detector_state",
]
