"""From a file of anybody's data to a trained classifier in one file, and from that to decisions."""

from keras_sngp.own_data.classifier import Classifier
from keras_sngp.own_data.classifier_file import load_classifier, save_classifier
from keras_sngp.own_data.training import prepare, train
from keras_sngp.own_data.training_settings import TrainingSettings

__all__ = [
    "Classifier",
    "TrainingSettings",
    "load_classifier",
    "prepare",
    "save_classifier",
    "train",
]
