"""The features and logits of a classifier, for out-of-domain detectors."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from keras_sngp._runtime.keras_internals import layers_of
from keras_sngp._runtime.ops import Tensor
from keras_sngp.layers import call_notes
from keras_sngp.layers.gaussian_process import RandomFeatureGaussianProcess
from keras_sngp.models.predictive_distribution import outputs_of_view

ROWS_CHECKED = 256


class Features(NamedTuple):
    """What goes into a classifier's last layer, and what comes out of it.

    Attributes:
        features: `(rows, width)`.
        logits: `(rows, classes)`, before any softmax or sigmoid, or `(rows, 1)` for a single logit.
    """

    features: npt.NDArray[np.floating]
    logits: npt.NDArray[np.floating]


def features_of(model: keras.Model, x: Any, *, batch_size: int | None = None) -> Features:
    """The inputs of a classifier's last layer and its logits, in one pass.

    The last layer is the `RandomFeatureGaussianProcess` layer of an SNGP, whose logits are those before the mean-field
    adjustment, or else the last `Dense` layer that the model calls, functional, Sequential or subclassed. It is checked
    that the model's outputs are that layer's, or their softmax or sigmoid.

    Args:
        model: A trained Keras classifier with one output.
        x: Whatever `model.predict` takes.
        batch_size: Rows a batch for arrays; 1024 by default.

    Raises:
        TypeError: not a Keras model.
        ValueError: several Gaussian process layers, no dense layer at the end, several outputs, or inputs to the last
            layer that are not `(rows, width)`.

    Example:

    >>> from keras_sngp.metrics.detectors import KNN
    >>> features, logits = features_of(classifier, x)
    >>> features.shape, logits.shape
    ((40, 8), (40, 2))
    >>> KNN(num_neighbors=5).fit(features=features).score(features=features).shape
    (40,)
    """
    if not isinstance(model, keras.Model):
        raise TypeError(f"`model` must be a keras.Model. Received: {type(model).__name__}")
    heads = _possible_heads(model)
    outputs = outputs_of_view(model, _WithFeatures, x, batch_size, 0)
    features, logits = outputs.get("features"), outputs.get("logits")
    if features is None or logits is None or not (features.ndim == logits.ndim == 2):
        received = "a dense layer that was not called" if features is None else f"features of shape {features.shape}"
        raise ValueError(
            "The last layer must take features (rows, width); otherwise pass features of your own to the detectors. "
            f"Received: {received} in {model.name!r}"
        )
    if not isinstance(heads[0], RandomFeatureGaussianProcess):
        _check_outputs(model, [layer.activation for layer in heads], logits, outputs["outputs"])
    return Features(features, logits)


def _possible_heads(model: keras.Model) -> list[Any]:
    """The one Gaussian process layer, or all dense layers."""
    layers = layers_of(model)
    processes = [layer for layer in layers if isinstance(layer, RandomFeatureGaussianProcess)]
    if len(processes) > 1:
        raise ValueError(
            f"The model must have at most one RandomFeatureGaussianProcess layer. Received: {len(processes)}"
        )
    heads = processes or [layer for layer in layers if isinstance(layer, keras.layers.Dense)]
    if not heads:
        raise ValueError(
            "`features_of` takes a classifier that ends in a Dense or RandomFeatureGaussianProcess layer; otherwise "
            f"pass features of your own to the detectors. Received: {model.name!r}, which has neither"
        )
    return heads


def _check_outputs(
    model: keras.Model, activations: list[Callable[[Any], Any]], logits: np.ndarray, outputs: list[np.ndarray]
) -> None:
    """Raises a ValueError if the model's one output is not the last dense layer's, but for an activation."""
    first, z = outputs[0][:ROWS_CHECKED], logits[:ROWS_CHECKED]
    functions = {*activations, keras.activations.linear, keras.activations.sigmoid}
    if z.shape[1] > 1:
        functions |= {keras.activations.softmax, keras.activations.log_softmax}
    half = any(str(layer.compute_dtype).endswith("16") for layer in layers_of(model))
    tolerance = 3e-2 if half else 1e-4
    if len(outputs) == 1 and first.shape == z.shape:
        results = (ops.convert_to_numpy(function(ops.convert_to_tensor(z))) for function in functions)
        if any(np.allclose(result, first, rtol=tolerance, atol=tolerance) for result in results):
            return
    raise ValueError(
        "The model must have one output that is its last Dense layer's, with or without softmax or sigmoid; otherwise "
        "make a keras.Model of the part that is, or pass features of your own to the detectors. "
        f"Received: {model.name!r} with {len(outputs)} outputs"
    )


class _WithFeatures(keras.Model):
    """The same model with its last layer's inputs and logits as outputs; compiled once, then kept."""

    def __init__(self, model: keras.Model) -> None:
        super().__init__(name=f"{model.name}_with_features")
        self.model = model

    def call(self, inputs: Any) -> dict[str, Any]:
        heads = _possible_heads(self.model)
        with call_notes.cached_norms() as checks, call_notes.captured_calls() as processes, _noted(heads) as calls:
            outputs = [_at_least_single(output) for output in keras.tree.flatten(self.model(inputs, training=False))]
        if not calls:
            return {"outputs": outputs, "norms_are_valid": _valid(checks, outputs[0])}
        features, logits = calls[-1]
        logits = processes[-1].logits if processes else logits
        return {
            "features": _at_least_single(features),
            "logits": _at_least_single(logits),
            "norms_are_valid": _valid(checks, logits),
        } | ({} if processes else {"outputs": outputs})


def _valid(checks: list[Tensor], of_rows: Tensor) -> Tensor:
    rows = ops.shape(of_rows)[0]
    return ops.logical_and(call_notes.all_valid(checks), ops.ones((rows,), dtype="bool"))


def _at_least_single(tensor: Tensor) -> Tensor:
    return ops.cast(tensor, "float32") if keras.backend.standardize_dtype(tensor.dtype).endswith("16") else tensor


@contextlib.contextmanager
def _noted(layers: list[Any]) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """A block that gives the list of the layers' inputs and their outputs before an activation, call by call."""
    calls: list[tuple[Tensor, Tensor]] = []
    for layer in layers:
        layer.call = _noting(layer, calls)
    try:
        yield calls
    finally:
        for layer in layers:
            del layer.call


def _noting(layer: Any, calls: list[tuple[Tensor, Tensor]]) -> Callable[..., Any]:
    call: Callable[..., Any] = layer.call
    activation = getattr(layer, "activation", None)

    def noting(inputs: Tensor, **options: Any) -> Any:
        if activation is None:
            outputs = call(inputs, **options)
            calls.append((inputs, outputs))
            return outputs
        layer.activation = keras.activations.linear
        try:
            logits = call(inputs, **options)
        finally:
            layer.activation = activation
        calls.append((inputs, logits))
        return activation(logits)

    return noting
