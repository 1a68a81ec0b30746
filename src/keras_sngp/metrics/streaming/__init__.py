"""Measures that add up batch by batch, as `keras.metrics.Metric` for `compile(metrics=[...])`.

For accuracy and negative log-likelihood Keras has `SparseCategoricalAccuracy` and `SparseCategoricalCrossentropy`.
"""

from keras_sngp.metrics.streaming.brier_score import BrierScore as BrierScore
from keras_sngp.metrics.streaming.calibration_errors import ClasswiseCalibrationError as ClasswiseCalibrationError
from keras_sngp.metrics.streaming.calibration_errors import ExpectedCalibrationError as ExpectedCalibrationError
from keras_sngp.metrics.streaming.calibration_errors import MaximumCalibrationError as MaximumCalibrationError
from keras_sngp.metrics.streaming.oracle_collaborative_accuracy import (
    OracleCollaborativeAccuracy as OracleCollaborativeAccuracy,
)
