"""From bounded layers to plain ones, for inference."""

from typing import Any

import keras

from keras_sngp.layers.linear_operators import scaled_variable
from keras_sngp.layers.spectral_normalization import SpectralNormalization
from keras_sngp.models.deep_resnet import DeepResNet
from keras_sngp.models.graph_copy import copy_graph, copy_weights, copy_with_weights, is_graph
from keras_sngp.models.sngp import SNGP


def fold(model: keras.Model) -> keras.Model:
    """A copy of a trained model in which bounded kernels are written into plain layers.

    It computes the same, without the cost of finding spectral norms at each call, and its hidden layers are Keras's
    own: only the Gaussian process layer needs `keras_sngp` to be loaded. It is meant for inference; trained
    further, its layers would no longer be bounded.

    Args:
        model: An `SNGP`, a `DeepResNet`, or a functional or Sequential model with `SpectralNormalization` layers.

    Raises:
        TypeError: a subclassed model, whose layers cannot be replaced from outside.

    Example:

    >>> folded = fold(model)
    >>> difference = folded.predict(x, verbose=0) - model.predict(x, verbose=0)
    >>> bool(abs(difference).max() < 1e-6)
    True
    """
    if isinstance(model, SNGP):
        return _folded_sngp(model)
    if isinstance(model, DeepResNet):
        return _folded_resnet(model)
    if is_graph(model):
        return copy_graph(model, lambda layer, path: _plain(layer))
    raise TypeError(
        "`fold` copies SNGP, DeepResNet, functional and Sequential models. "
        f"Received: a {type(model).__name__}, a subclassed model"
    )


def _plain(layer: Any) -> keras.layers.Layer | None:
    if not isinstance(layer, SpectralNormalization):
        return None
    plain = copy_with_weights(layer.layer)
    scaled_variable(plain).assign(layer.effective_kernel())
    return plain


def _folded_sngp(model: SNGP) -> SNGP:
    config = {**model.get_config(), "backbone": fold(model.backbone), "constrained_layers": None}
    folded = SNGP(**config)
    if not folded.built:
        folded.build_from_config(model.get_build_config())
    copy_weights(model.gaussian_process, folded.gaussian_process)
    return folded


def _folded_resnet(model: DeepResNet) -> DeepResNet:
    folded: DeepResNet = type(model).from_config({**model.get_config(), "spec_norm_bound": None})
    folded.build_from_config(model.get_build_config())
    for bounded, plain in zip(model.dense_layers, folded.dense_layers, strict=True):
        copy_weights(_plain(bounded) or bounded, plain)
    copy_weights(model.input_layer, folded.input_layer)
    if model.classifier is not None:
        copy_weights(model.classifier, folded.classifier)
    return folded
