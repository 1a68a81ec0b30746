"""From a file of anybody's data to a trained classifier in one file, and from that to decisions."""

from keras_sngp.own_data.classifier import Classifier as Classifier
from keras_sngp.own_data.classifier_file import load_classifier as load_classifier
from keras_sngp.own_data.classifier_file import save_classifier as save_classifier
from keras_sngp.own_data.training import prepare as prepare
from keras_sngp.own_data.training import train as train
from keras_sngp.own_data.training_settings import TrainingSettings as TrainingSettings
