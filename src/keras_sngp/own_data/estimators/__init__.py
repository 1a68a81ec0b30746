"""Classifiers with scikit-learn's interface."""

from keras_sngp.own_data.estimators.deep_ensemble_classifier import DeepEnsembleClassifier
from keras_sngp.own_data.estimators.mc_dropout_classifier import MCDropoutClassifier
from keras_sngp.own_data.estimators.sngp_classifier import SNGPClassifier

__all__ = [
    "DeepEnsembleClassifier",
    "MCDropoutClassifier",
    "SNGPClassifier",
]
