"""Calibration after training, from held-out predictions of any framework.

Every calibration has `fit(outputs, labels)`, which returns it fitted, and `transform(outputs)`, which gives
probabilities `(rows, classes)`. Outputs are probabilities, or logits with `from_logits=True`.
"""

from keras_sngp.calibration.conformal import ConformalPredictionSets as ConformalPredictionSets
from keras_sngp.calibration.conformal import coverage_band as coverage_band
from keras_sngp.calibration.isotonic import IsotonicCalibration as IsotonicCalibration
from keras_sngp.calibration.mean_field import MeanFieldCalibration as MeanFieldCalibration
from keras_sngp.calibration.platt import PlattScaling as PlattScaling
from keras_sngp.calibration.temperature import TemperatureScaling as TemperatureScaling
from keras_sngp.calibration.vector import VectorScaling as VectorScaling
