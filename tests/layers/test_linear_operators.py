"""Operators against explicit matrices, made by calling the real Keras layer on every unit vector."""

import functools

import keras
import numpy as np
import pytest
from keras import ops
from mathematics import matrix_of, numpy, spectral_norm, unit_vectors

from keras_sngp import SpectralNormalization
from keras_sngp.layers.linear_operators import linear_kernel, operator_of

DILATED_TRANSPOSED = "2d transposed valid dilated"
CONVOLUTIONS = {
    "1d valid": (keras.layers.Conv1D, (7, 2), {"filters": 3, "kernel_size": 3}),
    "1d causal stride 3": (
        keras.layers.Conv1D,
        (7, 2),
        {"filters": 3, "kernel_size": 2, "strides": 3, "padding": "causal"},
    ),
    "1d causal dilated": (
        keras.layers.Conv1D,
        (7, 2),
        {"filters": 3, "kernel_size": 3, "dilation_rate": 2, "padding": "causal"},
    ),
    "1d kernel wider than image": (keras.layers.Conv1D, (3, 2), {"filters": 3, "kernel_size": 5, "padding": "same"}),
    "2d same even kernel, strides differ": (
        keras.layers.Conv2D,
        (5, 6, 2),
        {"filters": 3, "kernel_size": (2, 4), "strides": (1, 2), "padding": "same"},
    ),
    "2d same stride 2 odd": (
        keras.layers.Conv2D,
        (5, 5, 2),
        {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"},
    ),
    "2d same stride 2 even": (
        keras.layers.Conv2D,
        (6, 4, 2),
        {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"},
    ),
    "2d valid stride 2 even": (keras.layers.Conv2D, (6, 4, 2), {"filters": 3, "kernel_size": 3, "strides": 2}),
    "2d stride above kernel": (keras.layers.Conv2D, (6, 5, 2), {"filters": 2, "kernel_size": 1, "strides": 2}),
    "2d dilated same": (
        keras.layers.Conv2D,
        (5, 5, 2),
        {"filters": 3, "kernel_size": 3, "dilation_rate": (2, 1), "padding": "same"},
    ),
    "2d groups stride 2": (
        keras.layers.Conv2D,
        (5, 4, 4),
        {"filters": 6, "kernel_size": 3, "groups": 2, "strides": 2, "padding": "same"},
    ),
    "3d same stride 2": (
        keras.layers.Conv3D,
        (3, 4, 3, 2),
        {"filters": 2, "kernel_size": 2, "strides": 2, "padding": "same"},
    ),
    "1d depthwise": (keras.layers.DepthwiseConv1D, (7, 3), {"kernel_size": 3, "padding": "same"}),
    "2d depthwise stride 2, two each": (
        keras.layers.DepthwiseConv2D,
        (5, 6, 3),
        {"kernel_size": (3, 2), "strides": 2, "depth_multiplier": 2, "padding": "same"},
    ),
    "2d depthwise dilated": (keras.layers.DepthwiseConv2D, (6, 5, 2), {"kernel_size": 2, "dilation_rate": 2}),
    "1d separable": (keras.layers.SeparableConv1D, (7, 3), {"filters": 4, "kernel_size": 3, "padding": "same"}),
    "2d separable stride 2, two each": (
        keras.layers.SeparableConv2D,
        (5, 6, 3),
        {"filters": 4, "kernel_size": (3, 2), "strides": 2, "depth_multiplier": 2, "padding": "same"},
    ),
    "1d transposed stride 3": (
        keras.layers.Conv1DTranspose,
        (4, 2),
        {"filters": 3, "kernel_size": 2, "strides": 3, "padding": "valid"},
    ),
    "2d transposed same stride 2": (
        keras.layers.Conv2DTranspose,
        (3, 4, 2),
        {"filters": 3, "kernel_size": (3, 4), "strides": 2, "padding": "same"},
    ),
    "2d transposed stride 2, output padding": (
        keras.layers.Conv2DTranspose,
        (3, 4, 2),
        {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same", "output_padding": 1},
    ),
    DILATED_TRANSPOSED: (
        keras.layers.Conv2DTranspose,
        (3, 4, 2),
        {"filters": 2, "kernel_size": 2, "dilation_rate": 2},
    ),
    "3d transposed": (
        keras.layers.Conv3DTranspose,
        (2, 3, 2, 2),
        {"filters": 2, "kernel_size": 2, "strides": 2, "padding": "same"},
    ),
}
NORMS_OF_CONVOLUTIONS = (
    "1d causal dilated",
    "2d same stride 2 odd",
    "2d groups stride 2",
    "2d depthwise stride 2, two each",
    "2d separable stride 2, two each",
    "2d transposed same stride 2",
)
NORMS_OF_EINSUMS = ("abc,cde->abde", "abc,cbd->abd", "ab,b->ab")
EINSUMS = {
    "ab,bc->ac": ((4,), (5,)),
    "...x,xy->...y": ((3, 4), (5,)),
    "abc,bd->adc": ((3, 4), (5, 4)),
    "abc,cde->abde": ((3, 4), (None, 2, 3)),
    "abcd,cde->abe": ((2, 3, 2), (None, 5)),
    "abc,bcd->abd": ((3, 4), (3, 5)),
    "abc,cbd->abd": ((3, 4), (3, 5)),
    "ab,b->ab": ((4,), (4,)),
}


def built(layer, input_shape, seed=0):
    """The layer with a standard normal kernel; Glorot's would do, but is nearly the same for every shape."""
    layer.build((None, *input_shape))
    generator = np.random.default_rng(seed)
    for weight in layer.weights:
        weight.assign(generator.normal(size=weight.shape))
    return layer


def rows_of(function, input_shape):
    """As `matrix_of` for a function of one vector of that shape."""
    units = unit_vectors(input_shape)
    return np.stack([numpy(function(ops.convert_to_tensor(unit))).ravel() for unit in units])


def assert_norm_is(layer, input_shape, expected):
    """The estimate is `||W u||` for a unit vector, so it can only be too small."""
    wrapper = SpectralNormalization(layer)
    wrapper.build((None, *input_shape))
    estimate = float(numpy(wrapper.spectral_norm()))
    assert 0.998 * expected <= estimate <= expected * (1 + 1e-5)


@pytest.mark.parametrize("shape", [(4, 6), (5, 1)])
def test_dense_operator_is_the_layer_its_adjoint_and_its_norm(shape):
    layer = built(keras.layers.Dense(shape[1], use_bias=False), shape[:1])
    operator = operator_of(layer, (None, shape[0]))
    matrix = matrix_of(layer, shape[:1])
    applied = rows_of(lambda v: operator.apply(layer.kernel.value, v), operator.input_shape)
    adjoint = rows_of(lambda v: operator.adjoint(layer.kernel.value, v), (1, shape[1]))
    np.testing.assert_allclose(applied, matrix, atol=1e-6)
    np.testing.assert_allclose(adjoint, matrix.T, atol=1e-6)
    assert_norm_is(layer, shape[:1], spectral_norm(matrix))


@pytest.mark.parametrize("equation", EINSUMS)
def test_einsum_operator_has_the_singular_values_of_the_layer(equation):
    """Axes that the kernel does not touch repeat each singular value once for each of their positions."""
    input_shape, output_shape = EINSUMS[equation]
    layer = built(keras.layers.EinsumDense(equation, output_shape), input_shape)
    operator = operator_of(layer, (None, *input_shape))
    full = np.linalg.svd(matrix_of(layer, input_shape), compute_uv=False)
    applied = rows_of(lambda v: operator.apply(layer.kernel.value, v), operator.input_shape)
    adjoint = rows_of(
        lambda v: operator.adjoint(layer.kernel.value, v), (operator.blocks, applied.shape[1] // operator.blocks)
    )
    np.testing.assert_allclose(adjoint, applied.T, atol=1e-6)
    small = np.linalg.svd(applied, compute_uv=False)
    repeats = int(np.prod(input_shape)) // applied.shape[0]
    expected = np.sort(np.repeat(small, repeats))[::-1]
    np.testing.assert_allclose(full[full > 1e-5], expected[expected > 1e-5], rtol=1e-4)
    if equation in NORMS_OF_EINSUMS:
        assert_norm_is(layer, input_shape, full[0])


def test_einsum_that_sums_an_axis_away_is_refused():
    layer = keras.layers.EinsumDense("abc,bd->ad", (5,))
    layer.build((None, 3, 4))
    with pytest.raises(ValueError, match=r"kept or contracted.*Received: 'abc,bd->ad'"):
        operator_of(layer, (None, 3, 4))


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution_operator_is_the_layer_its_adjoint_and_its_norm(name):
    if name == DILATED_TRANSPOSED and keras.backend.backend() == "tensorflow":
        pytest.skip("TensorFlow has a CPU kernel for it only where oneDNN is on")
    layer_class, input_shape, arguments = CONVOLUTIONS[name]
    layer = built(layer_class(**arguments, use_bias=False), input_shape)
    operator = operator_of(layer, (None, *input_shape))
    kernel = linear_kernel(layer)
    matrix = matrix_of(layer, input_shape)
    output_shape = tuple(layer.compute_output_shape((1, *input_shape)))
    generator = np.random.default_rng(1)
    for _ in range(3):
        vector = generator.normal(size=operator.input_shape).astype("float32")
        applied = numpy(operator.apply(kernel, ops.convert_to_tensor(vector)))
        assert applied.shape == output_shape
        np.testing.assert_allclose(applied.ravel(), vector.ravel() @ matrix, atol=1e-4)
        vector = generator.normal(size=output_shape).astype("float32")
        adjoint = numpy(operator.adjoint(kernel, ops.convert_to_tensor(vector)))
        assert adjoint.shape == operator.input_shape
        np.testing.assert_allclose(adjoint.ravel(), matrix @ vector.ravel(), atol=1e-4)
    assert operator.norm_factor == 1
    if name in NORMS_OF_CONVOLUTIONS:
        assert_norm_is(layer, input_shape, spectral_norm(matrix))


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="TensorFlow on CPU has no channels-first kernels")
def test_channels_first_convolution_has_a_channels_last_operator():
    layer = keras.layers.Conv2D(4, 3, strides=2, padding="same", data_format="channels_first", use_bias=False)
    layer = built(layer, (2, 5, 6))
    matrix = matrix_of(layer, (2, 5, 6))
    operator = operator_of(layer, (None, 2, 5, 6))
    vector = np.random.default_rng(1).normal(size=(2, 5, 6)).astype("float32")
    applied = numpy(operator.apply(layer.kernel.value, ops.convert_to_tensor(vector.transpose(1, 2, 0)[None])))
    np.testing.assert_allclose(applied[0].transpose(2, 0, 1).ravel(), vector.ravel() @ matrix, atol=1e-4)


@pytest.mark.parametrize(
    ("layer_class", "arguments"),
    [
        (keras.layers.Conv2D, {"filters": 4, "kernel_size": 3, "padding": "same"}),
        (keras.layers.Conv2D, {"filters": 4, "kernel_size": (2, 4), "strides": (2, 3)}),
        (keras.layers.Conv2D, {"filters": 4, "kernel_size": 3, "padding": "same", "dilation_rate": 2}),
        (keras.layers.Conv2D, {"filters": 4, "kernel_size": 3, "padding": "same", "strides": 2, "groups": 2}),
        (keras.layers.DepthwiseConv2D, {"kernel_size": 3, "padding": "same", "depth_multiplier": 2}),
        (keras.layers.SeparableConv2D, {"filters": 4, "kernel_size": 3, "padding": "same", "strides": 2}),
        (keras.layers.Conv2DTranspose, {"filters": 4, "kernel_size": 3, "padding": "same", "strides": 2}),
    ],
    ids=str,
)
def test_unknown_image_size_gives_a_bound_for_every_size(layer_class, arguments):
    layer = built(layer_class(use_bias=False, **arguments), (None, None, 2))
    operator = operator_of(layer, (None, None, None, 2))
    for constant in (False, True):
        if constant:
            for weight in layer.weights:
                weight.assign(np.ones(weight.shape))
        kernel = linear_kernel(layer)
        rows = rows_of(functools.partial(operator.apply, kernel), operator.input_shape)
        assert spectral_norm(matrix_of(layer, (6, 5, 2))) <= operator.norm_factor * spectral_norm(rows) * (1 + 1e-5)


def test_bound_for_unknown_sizes_is_reached_by_a_constant_kernel_on_a_large_image():
    layer = built(keras.layers.Conv1D(1, 3, padding="same", use_bias=False), (None, 1))
    layer.kernel.assign(np.ones(layer.kernel.shape))
    wrapper = SpectralNormalization(layer)
    wrapper.build((None, None, 1))
    bound = float(numpy(wrapper.spectral_norm()))
    np.testing.assert_allclose(bound, 3, rtol=1e-3)
    assert 0.99 * bound < spectral_norm(matrix_of(layer, (60, 1))) < bound


def test_one_unknown_side_is_enough_to_need_the_bound_for_every_size():
    layer = built(keras.layers.Conv2D(2, 3, padding="same", use_bias=False), (6, None, 2))
    operator = operator_of(layer, (None, 6, None, 2))
    bound = operator.norm_factor * spectral_norm(numpy(layer.kernel).reshape(-1, 2))
    assert spectral_norm(matrix_of(layer, (6, 9, 2))) <= bound


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.LayerNormalization(),
        keras.layers.PReLU(),
        keras.layers.Embedding(5, 2),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_without_an_operator_are_refused_by_name(layer):
    with pytest.raises(TypeError, match=rf"Dense, EinsumDense, Conv1D.*Received: .*{type(layer).__name__}"):
        operator_of(layer, (None, 4, 4, 2))
