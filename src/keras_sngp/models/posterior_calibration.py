"""Fitting a trained model's confidence to held-out data."""

from typing import Any

import keras
import numpy as np

from keras_sngp._runtime.input_checks import check_labels, is_array_like
from keras_sngp.calibration.mean_field import MeanFieldCalibration
from keras_sngp.models.predictive_distribution import predict_distribution, require_posterior


def calibrate(model: keras.Model, x: Any, y: Any, *, batch_size: int | None = None) -> MeanFieldCalibration:
    """Fits the mean-field factor and a temperature of a model's Gaussian process layer to held-out data.

    From then on `predict`, `predict_distribution` and exported programs use them, and they are saved with the model. A
    new `fit_posterior` puts the first values back. Logits and variances stay as they are.

    Args:
        model: A Keras model with one `RandomFeatureGaussianProcess` layer, whose posterior is fitted.
        x: Arrays of held-out inputs, neither trained on nor to be tested on. Rows like those trained on say little of
            how confidence should fall away from them; with altered rows beside them, a tenth as many, it does fall.
        y: Their labels: class numbers `(rows,)` or `(rows, 1)`, or one-hot rows.
        batch_size: Rows a batch; 1024 by default.

    Raises:
        ValueError: no fitted posterior, inputs that do not come as arrays, labels out of range or of another length.

    Example:

    >>> calibration = calibrate(model, x, y)
    >>> 0 < calibration.temperature < 20
    True
    """
    layer = require_posterior(model)
    if not (is_array_like(x) and is_array_like(y)):
        raise ValueError(f"`calibrate` takes arrays of inputs and labels. Received: {type(x).__name__}")
    check_labels(y, max(layer.units, 2))
    prediction = predict_distribution(model, x, batch_size=batch_size)
    labels = np.asarray(keras.ops.convert_to_numpy(y))
    labels = labels.argmax(axis=1) if labels.ndim == 2 and labels.shape[1] > 1 else labels.reshape(-1).astype(int)
    if len(labels) != len(prediction):
        raise ValueError(f"`x` and `y` must be of the same rows. Received: {len(prediction)} and {len(labels)}")
    logits, variance = np.asarray(prediction.logits), np.asarray(prediction.variance)
    if layer.units == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    calibration = MeanFieldCalibration().fit(logits, labels, variance)
    factor, temperature = calibration.mean_field_factor, calibration.temperature
    assert factor is not None and temperature is not None
    layer.set_calibration(factor, temperature)
    return calibration
