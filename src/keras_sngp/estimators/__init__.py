"""Classifiers with scikit-learn's interface."""

from keras_sngp.estimators.deep_ensemble_classifier import DeepEnsembleClassifier as DeepEnsembleClassifier
from keras_sngp.estimators.mc_dropout_classifier import MCDropoutClassifier as MCDropoutClassifier
from keras_sngp.estimators.sngp_classifier import SNGPClassifier as SNGPClassifier
