"""From a file of anybody's data to a trained classifier in one file, and from that to decisions."""

from keras_sngp._tables.open_table import open_table, read_table
from keras_sngp.own_data.answers import AnswerCounts, answer_blocks
from keras_sngp.own_data.classifier import Classifier
from keras_sngp.own_data.classifier_file import load_classifier, save_classifier
from keras_sngp.own_data.training import prepare, train
from keras_sngp.own_data.training_settings import TrainingSettings

__all__ = [
    "AnswerCounts",
    "Classifier",
    "TrainingSettings",
    "answer_blocks",
    "load_classifier",
    "open_table",
    "prepare",
    "read_table",
    "save_classifier",
    "train",
]
