"""Measures of predictions, from plain arrays of any framework."""

from keras_sngp.metrics.calibration import expected_calibration_error as expected_calibration_error
