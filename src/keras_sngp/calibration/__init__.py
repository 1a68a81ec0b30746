"""Calibration after training, from held-out predictions of any framework.

Every calibration has `fit(outputs, labels)`, which returns it fitted, and `transform(outputs)`, which gives
probabilities `(rows, classes)`. Outputs are probabilities, or logits with `from_logits=True`.
"""

from keras_sngp.calibration.conformal import ConformalPredictionSets, coverage_band
from keras_sngp.calibration.isotonic import IsotonicCalibration
from keras_sngp.calibration.mean_field import MeanFieldCalibration
from keras_sngp.calibration.platt import PlattScaling
from keras_sngp.calibration.temperature import TemperatureScaling
from keras_sngp.calibration.vector import VectorScaling

__all__ = [
    "ConformalPredictionSets",
    "IsotonicCalibration",
    "MeanFieldCalibration",
    "PlattScaling",
    "TemperatureScaling",
    "VectorScaling",
    "coverage_band",
]
