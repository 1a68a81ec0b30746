"""Predictions with their uncertainty from any model that ends in a Gaussian process layer."""

from collections.abc import Iterator
from typing import Any

import keras
from keras import ops

from keras_sngp._runtime.batches import cached_view, predict_in_batches
from keras_sngp._runtime.ops import Tensor
from keras_sngp.layers import call_notes, posterior
from keras_sngp.layers.gaussian_process import RandomFeatureGaussianProcess
from keras_sngp.layers.mean_field import monte_carlo_logits
from keras_sngp.layers.posterior import PosteriorState
from keras_sngp.layers.spectral_normalization import refine_changed
from keras_sngp.metrics.probabilities import check_finite, softmax
from keras_sngp.models.posterior_pass import gaussian_process_layers
from keras_sngp.models.prediction import Prediction

METHODS = ("mean_field", "monte_carlo")


def predict_distribution(
    model: keras.Model,
    x: Any,
    *,
    method: str = "mean_field",
    num_samples: int = 100,
    seed: int | None = None,
    batch_size: int | None = None,
    verbose: str | int = 0,
) -> Prediction:
    """Class probabilities, logits and their posterior variance, in one forward pass.

    Args:
        model: A Keras model with one `RandomFeatureGaussianProcess` layer, whose posterior is fitted.
        x: Whatever `model.predict` takes.
        method: `"mean_field"`, `softmax(m / (T sqrt(1 + lambda v)))`, or `"monte_carlo"`, the mean of `softmax(f / T)`
            over samples `f` of `Normal(m, v)`, which the prediction then holds as `samples`.
        num_samples: Number of Monte Carlo samples.
        seed: Integer seed of the Monte Carlo samples.
        batch_size: Rows a batch for arrays; 1024 by default.
        verbose: 1 or "auto" shows a progress bar.

    Raises:
        ValueError: no fitted posterior, non-finite or no inputs, an unknown method.

    Example:

    >>> prediction = predict_distribution(model, x, method="monte_carlo", num_samples=50, seed=0)
    >>> prediction.samples.shape
    (50, 40, 2)

    Reference: Liu et al. 2020, arXiv:2006.10108, section 3.1.
    """
    if method not in METHODS:
        raise ValueError(f"`method` must be one of {', '.join(METHODS)}. Received: {method!r}")
    layer = require_posterior(model)
    outputs = outputs_of_view(model, _WithVariance, x, batch_size, verbose)
    logits, variance = outputs["logits"], outputs["variance"]
    if method == "mean_field":
        check_finite(outputs["mean_field_logits"])
        return Prediction(softmax(outputs["mean_field_logits"]), logits, variance)
    temperature = float(ops.convert_to_numpy(layer.current_temperature.value))
    samples = softmax(monte_carlo_logits(logits, variance, num_samples, seed) / temperature)
    return Prediction(samples.mean(axis=0), logits, variance, samples)


def outputs_of_view(
    model: keras.Model, view_class: type[keras.Model], x: Any, batch_size: int | None, verbose: str | int
) -> dict[str, Any]:
    """What a view that takes cached norms gives; once more where a norm turned out to be another kernel's."""
    if isinstance(x, Iterator):
        refine_changed(model)
    view = cached_view(model, view_class)
    outputs: dict[str, Any] = predict_in_batches(view, x, batch_size, verbose, shape_of=model)
    if not outputs["norms_are_valid"].all() and not isinstance(x, Iterator):
        refine_changed(model)
        outputs = predict_in_batches(view, x, batch_size, verbose, shape_of=model)
    return outputs


def require_posterior(model: keras.Model) -> RandomFeatureGaussianProcess:
    """Returns the model's one Gaussian process layer, or says how to fit its posterior.

    Raises:
        ValueError: several such layers or none, or a posterior that is unfitted or stale.
    """
    layers = gaussian_process_layers(model)
    if len(layers) > 1:
        raise ValueError(
            f"The model must have one RandomFeatureGaussianProcess layer to predict with. Received: {len(layers)}"
        )
    layer = layers[0]
    if layer.has_current_posterior():
        return layer
    state = layer.posterior_state if layer.built else PosteriorState.UNFITTED
    reason = {
        PosteriorState.UNFITTED: "has not been fitted yet",
        PosteriorState.STALE: "is stale: the model has been trained since it was fitted",
    }
    raise ValueError(
        f"The posterior of {model.name!r} {reason[state]}. Train with `fit` of an SNGP model, or call "
        "`keras_sngp.fit_posterior(model, x_train)` after training."
    )


def logits_and_variance(model: keras.Model, inputs: Any) -> tuple[Tensor, Tensor]:
    """Tensors of one forward pass: the posterior mean of the logits, and its variance."""
    _, logits, variance = _last_call(model, inputs)
    return logits, variance


def _last_call(model: keras.Model, inputs: Any) -> tuple[RandomFeatureGaussianProcess, Tensor, Tensor]:
    with call_notes.captured_calls() as calls:
        model(inputs, training=False)
    layer, features, logits = calls[-1]
    return layer, logits, posterior.variance(features, layer.covariance_root.value)


class _WithVariance(keras.Model):
    """The same model with logits, variance and both together as its outputs; compiled once, then kept.

    It takes the kept spectral norms, and says of each row whether they are those of the present kernels.
    """

    def __init__(self, model: keras.Model) -> None:
        super().__init__(name=f"{model.name}_with_variance")
        self.model = model

    def call(self, inputs: Any) -> dict[str, Tensor]:
        with call_notes.cached_norms() as checks:
            layer, logits, variance = _last_call(self.model, inputs)
        adjusted = layer.shrink_by_variance(logits, variance)
        valid = ops.logical_and(call_notes.all_valid(checks), ops.ones_like(logits[:, 0], dtype="bool"))
        return {"logits": logits, "variance": variance, "mean_field_logits": adjusted, "norms_are_valid": valid}
