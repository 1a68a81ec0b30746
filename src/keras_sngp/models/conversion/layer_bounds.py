"""Which layers of a network `convert` bounds, and how."""

import itertools
from collections.abc import Collection

import keras
import numpy as np
from keras import ops

from keras_sngp._runtime.keras_internals import inputs_of_calls, layers_of
from keras_sngp._runtime.ops import Tensor
from keras_sngp.layers.linear_operators import LINEAR_LAYERS, operator_of, scaled_variable
from keras_sngp.layers.spectral_norm_constraint import constrain_kernels, has_kernels_within, kernels_within
from keras_sngp.layers.spectral_normalization import SpectralNormalization
from keras_sngp.models.conversion.report import (
    BOUNDED,
    CONSTRAINED,
    SKIPPED,
    UNBOUNDED,
    WITHOUT_WEIGHTS,
    LayerReport,
)
from keras_sngp.models.graph_copy import copy_with_weights, layer_at

EMBEDDINGS = (keras.layers.Embedding,)
DATA_NORMALIZATIONS = (
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.RMSNormalization,
    keras.layers.UnitNormalization,
)
PRODUCTS = (keras.layers.Multiply, keras.layers.Dot)
ATTENTIONS = (
    keras.layers.MultiHeadAttention,
    keras.layers.GroupQueryAttention,
    keras.layers.Attention,
    keras.layers.AdditiveAttention,
)


class LayerBounds:
    """Bounds the layers of one network, one by one, and writes down what it did to each.

    Args:
        norm_multiplier: The bound, or None to bound nothing.
        skip: Names or paths of layers to leave as they are.
        constrain_composite_layers: Whether kernels inside composite layers get a constraint.
    """

    def __init__(self, norm_multiplier: float | None, skip: Collection[str], constrain_composite_layers: bool) -> None:
        self.norm_multiplier = norm_multiplier
        self.skip = frozenset(skip)
        self.constrain_composite_layers = constrain_composite_layers
        self.constrained_layers: dict[str, float] = {}
        self._reports: dict[str, list[LayerReport]] = {}

    @property
    def reports(self) -> tuple[LayerReport, ...]:
        return tuple(report for reports in self._reports.values() for report in reports)

    def replacement(self, layer: keras.layers.Layer, path: str) -> keras.layers.Layer | None:
        """A bounded copy of a layer, or None where it is to be copied as it is."""
        if not getattr(layer, "weights", None):
            reason = _why_unbounded(layer)
            self.note(layer, path, UNBOUNDED if reason else WITHOUT_WEIGHTS, reason=reason)
            return None
        if isinstance(layer, SpectralNormalization):
            norm = _number(layer.spectral_norm())
            self.note(layer, path, BOUNDED, norm, min(norm, layer.norm_multiplier), "was bounded already")
            return None
        reason = self._reason_to_skip(layer, path)
        if reason:
            self.note(layer, path, SKIPPED, reason=reason)
            return None
        if self.norm_multiplier is not None and isinstance(layer, LINEAR_LAYERS):
            return self._wrapped(layer, path, self.norm_multiplier)
        if self.norm_multiplier and has_kernels_within(layer):
            self.constrained_layers[path] = self.norm_multiplier
            self._reports[path] = []
            return None
        scale, reason = _scale_and_reason(layer)
        self.note(layer, path, UNBOUNDED, scale, scale, reason)
        return None

    def constrain(self, model: keras.Model) -> None:
        """Constrains the composite layers of the copy that was made with `replacement`."""
        for path, norm_multiplier in self.constrained_layers.items():
            layer = layer_at(model, path)
            kind = type(layer).__name__
            self._reports[path] = [
                LayerReport(f"{path}/{kernel.name}", kind, CONSTRAINED, kernel.norm_before, kernel.norm_after)
                for kernel in constrain_kernels(layer, norm_multiplier)
            ]
            self._reports[path] += [
                LayerReport(f"{path}/{part.name}", type(part).__name__, UNBOUNDED, None, None, reason)
                for part in layers_of(layer)
                if (reason := _why_unbounded(part))
            ]

    def check_skipped_names(self) -> None:
        """Raises a ValueError if a name to skip belongs to no layer."""
        names = {name for path in self._reports for name in (path, path.rsplit("/", 1)[-1])}
        if unknown := sorted(self.skip - names):
            raise ValueError(f"`skip` must name layers of the model. Received: {', '.join(map(repr, unknown))}")

    def note(
        self,
        layer: keras.layers.Layer,
        path: str,
        treatment: str,
        before: float | None = None,
        after: float | None = None,
        reason: str = "",
    ) -> None:
        """Writes down what was done to a layer."""
        self._reports[path] = [LayerReport(path, type(layer).__name__, treatment, before, after, reason)]

    def _wrapped(self, layer: keras.layers.Layer, path: str, norm_multiplier: float) -> SpectralNormalization:
        wrapper = SpectralNormalization(copy_with_weights(layer), norm_multiplier, name=layer.name)
        wrapper.build(_input_shape(layer))
        norm = _number(wrapper.spectral_norm())
        self.note(layer, path, BOUNDED, norm, min(norm, norm_multiplier))
        return wrapper

    def _reason_to_skip(self, layer: keras.layers.Layer, path: str) -> str:
        linear = isinstance(layer, LINEAR_LAYERS)
        composite = not linear and has_kernels_within(layer)
        if {layer.name, path} & self.skip:
            return "as asked"
        if isinstance(layer, EMBEDDINGS):
            return "looks rows up: there are no distances before it"
        if not (linear or composite):
            return ""
        if self.norm_multiplier is None:
            return "no bound asked for"
        if not layer.trainable:
            return "frozen: training could not make up for the change"
        if composite and not self.constrain_composite_layers:
            return "composite, as asked"
        return _reason_not_to_bound(layer)


def _reason_not_to_bound(layer: keras.layers.Layer) -> str:
    try:
        if isinstance(layer, LINEAR_LAYERS):
            scaled_variable(layer)
            operator_of(layer, _input_shape(layer))
        else:
            kernels_within(layer)
    except ValueError as error:
        return str(error)
    return ""


def _scale_and_reason(layer: keras.layers.Layer) -> tuple[float | None, str]:
    if isinstance(layer, keras.layers.BatchNormalization):
        deviation = np.sqrt(ops.convert_to_numpy(layer.moving_variance) + layer.epsilon)
        gamma = ops.convert_to_numpy(layer.gamma) if layer.scale else 1.0
        scale = float(np.max(np.abs(gamma) / deviation))
        return scale, "learned scale over running deviation, largest channel"
    return None, _why_unbounded(layer) or "its map is not known to be linear"


def _why_unbounded(layer: keras.layers.Layer) -> str:
    if isinstance(layer, DATA_NORMALIZATIONS):
        return "divides by the spread of each input"
    if isinstance(layer, ATTENTIONS):
        return "softmax attention weighs by products of its inputs"
    if isinstance(layer, PRODUCTS):
        return "multiplies its inputs with each other"
    return ""


def _input_shape(layer: keras.layers.Layer) -> tuple[int | None, ...]:
    """The shape the layer was built for; sides that differ between the layer's calls are unknown."""
    shape = tuple(layer.get_build_config()["input_shape"])
    for tensors in inputs_of_calls(layer):
        called = tuple(tensors[0].shape)
        shape = tuple(built if built == now else None for built, now in itertools.zip_longest(shape, called))
    return shape


def _number(tensor: Tensor) -> float:
    return float(ops.convert_to_numpy(tensor))
