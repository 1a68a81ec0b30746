r"""How much to shrink logits by their variance, fitted to held-out data.

With mean-field factor `lambda` and temperature `T`, both fitted by minimising the negative log-likelihood of held-out
labels,

.. math:: p(y | x) = \mathrm{softmax}\left(\frac{m(x)}{T \sqrt{1 + \lambda v(x)}}\right)

Published factors range from 0.1 to 25, since they depend on the scale of the features and on the number of classes. The
logarithm of the factor has a normal prior around that of `pi / 8`, two wide: it decides where the held-out rows, all of
them familiar, say little about the factor, and yields to a few hundred rows that do.
"""

import warnings
from typing import Any, NamedTuple

import keras
import numpy as np
from scipy import optimize, special

from keras_sngp.input_checks import check_labels, is_array_like
from keras_sngp.mean_field import MEAN_FIELD_FACTOR
from keras_sngp.prediction import Array
from keras_sngp.predictive_distribution import predict_distribution, require_posterior

FACTOR_RANGE = (1e-3, 1e3)
PRIOR_DEVIATION = 2.0
SMALLEST_HELPFUL_FACTOR = 0.01
FACTORS_TO_START_FROM = (0.03, 1.0, 30.0)
TEMPERATURE_RANGE = (0.05, 20.0)


class MeanFieldCalibration(NamedTuple):
    """A fitted mean-field factor and temperature.

    Attributes:
        mean_field_factor: `lambda`.
        temperature: `T`.
        nll_before: Negative log-likelihood of the held-out labels before, in nats a row.
        nll_after: The same after.
    """

    mean_field_factor: float
    temperature: float
    nll_before: float
    nll_after: float


def calibrate(model: keras.Model, x: Any, y: Any, *, batch_size: int | None = None) -> MeanFieldCalibration:
    """Fits the mean-field factor and the temperature of a model's Gaussian process layer to held-out data.

    From then on `predict` and `predict_distribution` use them, and they are saved with the model. A new `fit_posterior`
    puts the first values back. Logits and variances stay as they are.

    Args:
        model: A Keras model with one `RandomFeatureGaussianProcess` layer, whose posterior is fitted.
        x: Arrays of held-out inputs, neither trained on nor to be tested on.
        y: Their labels: class numbers `(rows,)` or `(rows, 1)`, or one-hot rows.
        batch_size: Rows a batch; 1024 by default.

    Raises:
        ValueError: no fitted posterior, inputs that do not come as arrays, labels out of range or of another length.

    Example:

    >>> calibration = calibrate(model, x, y)
    >>> bool(calibration.nll_after < calibration.nll_before)
    True
    """
    layer = require_posterior(model)
    if not (is_array_like(x) and is_array_like(y)):
        raise ValueError(f"`calibrate` takes arrays of inputs and labels. Received: {type(x).__name__}")
    classes = max(layer.units, 2)
    check_labels(y, classes)
    prediction = predict_distribution(model, x, batch_size=batch_size)
    labels = np.asarray(keras.ops.convert_to_numpy(y))
    labels = labels.argmax(axis=1) if labels.ndim == 2 and labels.shape[1] > 1 else labels.reshape(-1).astype(int)
    if len(labels) != len(prediction):
        raise ValueError(f"`x` and `y` must be of the same rows. Received: {len(prediction)} and {len(labels)}")
    logits, variance = np.asarray(prediction.logits), np.asarray(prediction.variance)
    if layer.units == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    fit = fit_mean_field(logits, variance, labels, layer.mean_field_factor)
    layer.set_calibration(fit.mean_field_factor, fit.temperature)
    return fit


def fit_mean_field(logits: Array, variance: Array, labels: np.ndarray, first_factor: float) -> MeanFieldCalibration:
    """Fits the mean-field factor and the temperature to held-out rows by negative log-likelihood and the prior.

    Args:
        logits: Posterior means `m`, `(rows, classes)` with at least two columns.
        variance: `v`, `(rows,)` or `(rows, classes)`.
        labels: Class numbers `(rows,)`.
        first_factor: The factor that `nll_before` is for, at temperature 1.

    Example:

    >>> logits = np.array([[4.0, 0.0], [4.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    >>> fit = fit_mean_field(logits, np.zeros(4), np.array([0, 0, 1, 1]), first_factor=0.4)
    >>> round(fit.temperature, 1)
    3.6

    Reference: Liu et al. 2020, arXiv:2006.10108, section 3.1; temperature: Guo et al. 2017, arXiv:1706.04599.
    """
    logits = logits.astype("float64")
    spread = variance.astype("float64").reshape(len(logits), -1)
    rows = np.arange(len(logits))

    def negative_log_likelihood(log_parameters):
        factor, temperature = np.exp(log_parameters)
        scaled = logits / (temperature * np.sqrt(1 + factor * spread))
        return float(-np.mean(special.log_softmax(scaled, axis=1)[rows, labels]))

    def objective(log_parameters):
        prior = ((log_parameters[0] - np.log(MEAN_FIELD_FACTOR)) / PRIOR_DEVIATION) ** 2 / 2
        return negative_log_likelihood(log_parameters) + prior / len(logits)

    bounds = np.log([FACTOR_RANGE, TEMPERATURE_RANGE])
    starts = [(np.log(factor), 0.0) for factor in FACTORS_TO_START_FROM]
    fits = [optimize.minimize(objective, start, bounds=bounds, method="L-BFGS-B") for start in starts]
    best = min(fits, key=lambda fit: fit.fun)
    factor, temperature = np.exp(best.x)
    if factor < SMALLEST_HELPFUL_FACTOR:
        warnings.warn(
            "The held-out rows gave no reason to lower confidence where the variance is high: the fitted mean-field "
            f"factor is {factor:.2g}, so probabilities will hardly tell unfamiliar inputs. Use the variance for that.",
            stacklevel=3,
        )
    before = negative_log_likelihood((np.log(max(first_factor, 1e-300)), 0.0))
    return MeanFieldCalibration(float(factor), float(temperature), before, negative_log_likelihood(best.x))
