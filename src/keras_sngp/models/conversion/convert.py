"""From a classifier that always answers to one that knows when it does not know."""

from collections.abc import Collection
from typing import Any, NamedTuple

import keras

from keras_sngp._runtime.keras_internals import inputs_of_calls, layers_of, made_by
from keras_sngp.layers.gaussian_process import RandomFeatureGaussianProcess
from keras_sngp.layers.mean_field import MEAN_FIELD_FACTOR
from keras_sngp.models.conversion.layer_bounds import LayerBounds
from keras_sngp.models.conversion.report import HEAD, ConversionReport
from keras_sngp.models.graph_copy import copy_graph, inputs_and_outputs, is_graph
from keras_sngp.models.sngp import SNGP

ACTIVATION_LAYERS = (keras.layers.Activation, keras.layers.Softmax, keras.layers.Identity)
ACTIVATION_FUNCTIONS = ("Softmax", "Sigmoid", "LogSoftmax", "LogSigmoid")


class Conversion(NamedTuple):
    """What `convert` returns.

    Attributes:
        model: The converted network.
        report: What happened to each layer; `print` shows it as a table.
    """

    model: SNGP
    report: ConversionReport


class _Head(NamedTuple):
    dense: keras.layers.Dense
    activations: tuple[Any, ...]


def convert(
    model: keras.Model,
    num_inducing: int = 1024,
    norm_multiplier: float | None = 0.95,
    *,
    head: str | None = None,
    skip: Collection[str] = (),
    constrain_composite_layers: bool = True,
    gp_kernel_type: str = "gaussian",
    gp_kernel_scale: float | str = "auto",
    gp_kernel_amplitude: float = 1.0,
    gp_geometry: str = "polar",
    gp_output_bias: float = 0.0,
    normalize_input: bool = False,
    gp_output_bias_trainable: bool = False,
    gp_cov_momentum: float | None = None,
    gp_cov_ridge_penalty: float = 1.0,
    scale_random_features: bool = False,
    orthogonal_random_features: bool = False,
    l2_regularization: float = 1e-6,
    gp_cov_likelihood: str = "gaussian",
    gp_cov_per_class: bool | None = None,
    mean_field_factor: float = MEAN_FIELD_FACTOR,
    kernel_initializer: str | keras.initializers.Initializer = "zeros",
    seed: int | None = None,
) -> Conversion:
    """Makes an `SNGP` of any functional or Sequential classifier, with its weights.

    - The final `Dense` layer, and a softmax or sigmoid after it, gives way to a Gaussian process on its inputs. The
      converted model's outputs are logits.
    - Each hidden dense layer or convolution is wrapped in `SpectralNormalization`. Where its norm is under the bound it
      computes what it did before; where it is over, it is scaled down, and the features change until trained again.
    - Kernels inside composite layers, such as attention, transformer blocks and recurrent layers, get a
      `SpectralNormConstraint`, which Keras optimizers apply after each step.
    - Frozen layers, and whatever else cannot be bounded, stay as they are. The report says why.

    The original model is left as it was. Compile the new one with a loss that takes logits, and train it: `fit` also
    sets the posterior. With a trained backbone and no bound, `fit` for an epoch or two with the backbone frozen is
    enough.

    Args:
        model: A built functional or Sequential classifier; of a subclassed model, make `SNGP(backbone, ...)` of
            the part that gives features.
        num_inducing: Number of random features.
        norm_multiplier: The bound on every hidden layer's spectral norm: 0.9 to 0.95 for residual blocks of small
            networks, about 6 for wide convolutional ones. None to replace the head and bound nothing.
        head: Name of the final layer to replace, for a model with several outputs; the others are dropped.
        skip: Names of layers to leave as they are.
        constrain_composite_layers: False to leave composite layers alone.
        gp_kernel_type: `"gaussian"`, `"laplacian"` or `"linear"`; see `RandomFeatures`.
        gp_kernel_scale: Length scale of the kernel, or `"auto"`: the typical distance of the training features from
            half their mean; in the plain geometry the median distance between the rows of the first training batch.
        gp_kernel_amplitude: Factor of the random features.
        gp_geometry: `"polar"`: the kernel compares directions from a point halfway to the mean of the training
            features, and distances from there, see `PolarProjection`. It detects other inputs on pretrained features,
            where `"plain"`, the geometry of the SNGP tutorial, is near chance.
        gp_output_bias: First value of the logits' bias.
        normalize_input: Layer-normalise the features first, which hides their norm from the kernel.
        gp_output_bias_trainable: Whether the bias is trained.
        gp_cov_momentum: None for one exact pass after training; -1 or a number in (0, 1) to add up or average the
            covariance as the model trains: see `RandomFeatureGaussianProcess`.
        gp_cov_ridge_penalty: Prior precision of the output weights, above 0.
        scale_random_features: Whether features carry the factor `sqrt(2 / M)`. False, unlike in the layer, so that the
            output layer learns as fast as a dense one. Steps of plain SGD grow with the number of features then; at a
            rate of 0.1 take True with `gp_kernel_amplitude=11.3`, which is the size of 256 features without it,
            however many there are.
        orthogonal_random_features: Draw the features' directions in orthogonal blocks.
        l2_regularization: Factor of the L2 penalty on the output weights.
        gp_cov_likelihood: `"gaussian"`, `"binary_logistic"`, `"poisson"` or `"categorical"`: how much each training
            row adds to the posterior precision.
        gp_cov_per_class: Keep a covariance a class; only for `"categorical"`. None: for 3 to 10 classes.
        mean_field_factor: `lambda`, by default `pi / 8`; `calibrate` fits it to held-out data.
        kernel_initializer: First value of the output weights. Zeros keep logits at 0 far from the data.
        seed: Integer seed of the random features.

    Returns:
        `model, report`.

    Raises:
        TypeError: not a functional or Sequential model.
        ValueError: no final dense layer, several outputs and no `head`, features that are not `(batch, width)`.

    Example:

    >>> model, report = convert(functional_classifier, num_inducing=64)
    >>> print(report)  # doctest: +NORMALIZE_WHITESPACE, +ELLIPSIS
    ┏━━━━...
    >>> model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    >>> _ = model.fit(x, y, verbose=0)

    Reference: Liu et al. 2020, arXiv:2006.10108, section 3.
    """
    _check_convertible(model)
    inputs, outputs = inputs_and_outputs(model)
    output, (dense, activations) = _chosen_head(keras.tree.flatten(outputs), head)
    bounds = LayerBounds(norm_multiplier, skip, constrain_composite_layers)

    def replacement(layer: Any, path: str) -> keras.layers.Layer | None:
        if layer is dense:
            bounds.note(layer, path, HEAD, reason=f"replaced by a Gaussian process with {dense.units} logits")
            return keras.layers.Identity(name=layer.name)
        if any(layer is activation for activation in activations):
            return keras.layers.Identity(name=layer.name)
        return bounds.replacement(layer, path)

    classifier = keras.Model(inputs, output, name=f"{model.name}_features")
    backbone = copy_graph(classifier, replacement)
    bounds.check_skipped_names()
    _check_features(backbone, dense)
    bounds.constrain(backbone)
    converted = SNGP(
        backbone,
        dense.units,
        num_inducing,
        gp_kernel_type=gp_kernel_type,
        gp_kernel_scale=gp_kernel_scale,
        gp_kernel_amplitude=gp_kernel_amplitude,
        gp_geometry=gp_geometry,
        gp_output_bias=gp_output_bias,
        normalize_input=normalize_input,
        gp_output_bias_trainable=gp_output_bias_trainable,
        gp_cov_momentum=gp_cov_momentum,
        gp_cov_ridge_penalty=gp_cov_ridge_penalty,
        scale_random_features=scale_random_features,
        orthogonal_random_features=orthogonal_random_features,
        l2_regularization=l2_regularization,
        gp_cov_likelihood=gp_cov_likelihood,
        gp_cov_per_class=gp_cov_per_class,
        mean_field_factor=mean_field_factor,
        kernel_initializer=kernel_initializer,
        seed=seed,
        constrained_layers=bounds.constrained_layers,
        name=model.name,
    )
    return Conversion(converted, ConversionReport(bounds.reports))


def _check_convertible(model: keras.Model) -> None:
    if not isinstance(model, keras.Model):
        raise TypeError(f"`model` must be a keras.Model. Received: {type(model).__name__}")
    if any(isinstance(layer, RandomFeatureGaussianProcess) for layer in layers_of(model)):
        raise ValueError(
            f"`model` must be a classifier without a Gaussian process layer. Received: {model.name!r}, which has one"
        )
    if not is_graph(model):
        raise TypeError(
            "`convert` copies functional and Sequential models, whose layers can be seen. For a subclassed model, "
            "bound its layers with SpectralNormalization or constrain_kernels, leave out its last layer, and make "
            f"SNGP(backbone, num_classes) of it. Received: {type(model).__name__}"
        )


def _check_features(backbone: keras.Model, dense: keras.layers.Dense) -> None:
    if len(backbone.output_shape) != 2:
        raise ValueError(
            "A Gaussian process head takes features (batch, width); pool or flatten them before the final layer. "
            f"Received: {backbone.output_shape} before layer {dense.name!r}"
        )


def _chosen_head(outputs: list[keras.KerasTensor], name: str | None) -> tuple[Any, _Head]:
    heads = [(output, _head_of(output)) for output in outputs]
    named = {head.dense.name: (output, head) for output, head in heads if head is not None}
    if not named:
        raise ValueError(
            "`convert` replaces a final Dense layer. Received: a model that ends in "
            f"{', '.join(type(made_by(output).operation).__name__ for output in outputs)}; leave out "
            "its last layer and make SNGP(backbone, num_classes) of it"
        )
    if name is None and len(heads) == 1:
        return next(iter(named.values()))
    if name not in named:
        raise ValueError(
            f"`head` must name the final Dense layer of one of the {len(heads)} outputs: {', '.join(named)}. "
            f"Received: {name!r}"
        )
    return named[name]


def _head_of(output: keras.KerasTensor) -> _Head | None:
    """The dense layer that makes an output, and the activations after it."""
    operation, call, output_index = made_by(output)
    if is_graph(operation):
        return _head_of(keras.tree.flatten(inputs_and_outputs(operation)[1])[output_index])
    if isinstance(operation, keras.layers.Dense):
        return _Head(operation, ())
    if isinstance(operation, ACTIVATION_LAYERS) or type(operation).__name__ in ACTIVATION_FUNCTIONS:
        before = _head_of(inputs_of_calls(operation)[call][0])
        return before and _Head(before.dense, (*before.activations, operation))
    return None
