"""The linear map inside a Keras layer, as something to apply forwards and backwards.

Spectral normalisation needs the largest singular value of what a layer does to its whole input. For
`Dense` and `EinsumDense` that is a matrix. For a convolution it is the operator from images to images, with
its stride, padding, dilation and groups, which has a different norm from the reshaped kernel.

An operator offers `input_shape`, `apply(kernel, vector)`, `adjoint(kernel, vector)` and
`norm_factor`, by which its largest singular value is multiplied to bound the layer's norm (1: exact).
"""

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import TypeAlias, cast

import keras
from keras import ops

from keras_sngp._runtime.ops import Tensor
from keras_sngp.layers.convolution_operators import (
    CONVOLUTIONS,
    DEPTHWISE_CONVOLUTIONS,
    SEPARABLE_CONVOLUTIONS,
    TRANSPOSED_CONVOLUTIONS,
    ConvolutionOperator,
    TransposedOperator,
    convolution_operator,
    fused_separable_kernel,
    transposed_convolution_operator,
)

LINEAR_LAYERS = (
    keras.layers.Dense,
    keras.layers.EinsumDense,
    *CONVOLUTIONS,
    *DEPTHWISE_CONVOLUTIONS,
    *SEPARABLE_CONVOLUTIONS,
    *TRANSPOSED_CONVOLUTIONS,
)


@dataclasses.dataclass(frozen=True)
class MatrixOperator:
    """`blocks` independent matrices `(inputs, outputs)`; the norm is that of the largest.

    `axes` brings the kernel's axes into the order block, input, output.
    """

    axes: tuple[int, ...]
    blocks: int
    inputs: int
    outputs: int
    norm_factor: float = 1.0

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.blocks, self.inputs)

    def _matrices(self, kernel: Tensor) -> Tensor:
        return ops.reshape(ops.transpose(kernel, self.axes), (self.blocks, self.inputs, self.outputs))

    def apply(self, kernel: Tensor, vector: Tensor) -> Tensor:
        return ops.einsum("bio,bi->bo", self._matrices(kernel), vector)

    def adjoint(self, kernel: Tensor, vector: Tensor) -> Tensor:
        return ops.einsum("bio,bo->bi", self._matrices(kernel), vector)


LinearOperator: TypeAlias = MatrixOperator | ConvolutionOperator | TransposedOperator


def operator_of(layer: keras.layers.Layer, input_shape: Sequence[int | None]) -> LinearOperator:
    """Returns the linear operator of a built layer for inputs of `input_shape`.

    Convolutions over images of unknown size get that of `any_size_operator_of`.

    Raises:
        TypeError: the layer is none of `LINEAR_LAYERS`.
        ValueError: an `EinsumDense` equation that is not a (block) matrix product.
    """
    check_has_operator(layer)
    if isinstance(layer, (keras.layers.Dense, keras.layers.EinsumDense)):
        return any_size_operator_of(layer)
    spatial_axes = slice(1, -1) if layer.data_format == "channels_last" else slice(2, None)
    if None in input_shape[spatial_axes]:
        return any_size_operator_of(layer)
    input_shape = cast(Sequence[int], input_shape)
    if isinstance(layer, TRANSPOSED_CONVOLUTIONS):
        return transposed_convolution_operator(layer, input_shape)
    return convolution_operator(layer, input_shape)


def any_size_operator_of(layer: keras.layers.Layer) -> MatrixOperator:
    """The operator of a built layer as a matrix.

    That of a convolution has a norm that, times `norm_factor`, bounds the layer's for images of any size: each input
    pixel is seen by at most `norm_factor**2` output pixels.

    Raises:
        TypeError: the layer is none of `LINEAR_LAYERS`.
        ValueError: an `EinsumDense` equation that is not a (block) matrix product.
    """
    check_has_operator(layer)
    if isinstance(layer, keras.layers.Dense):
        return matrix_operator(layer.kernel.shape)
    if isinstance(layer, keras.layers.EinsumDense):
        return _einsum_operator(layer)
    return _any_size_operator(layer)


def check_has_operator(layer: keras.layers.Layer) -> None:
    """Raises a TypeError unless `operator_of` knows the layer."""
    if not isinstance(layer, LINEAR_LAYERS):
        known = ", ".join(kind.__name__ for kind in LINEAR_LAYERS)
        raise TypeError(
            f"Spectral normalisation is defined for {known} layers. Received: a {type(layer).__name__} layer"
        )


def linear_kernel(layer: keras.layers.Layer) -> Tensor:
    """The kernel that the layer's operator takes; of a separable convolution both kernels in one."""
    if isinstance(layer, SEPARABLE_CONVOLUTIONS):
        return fused_separable_kernel(layer.depthwise_kernel, layer.pointwise_kernel)
    return ops.cast(layer.kernel, "float32")


def scaled_variable(layer: keras.layers.Layer) -> keras.Variable:
    """The weight whose scaling scales the whole linear map.

    Raises:
        ValueError: the kernel is made of several weights, as with LoRA or quantisation.
    """
    variable = layer.pointwise_kernel if isinstance(layer, SEPARABLE_CONVOLUTIONS) else layer.kernel
    if not any(variable is weight for weight in layer.variables):
        raise ValueError(
            "Spectral normalisation bounds layers with one kernel weight; enable LoRA or quantisation on "
            f"unwrapped layers only. Received: {layer.name!r}, whose kernel is made of several"
        )
    return variable


def matrix_operator(kernel_shape: Sequence[int]) -> MatrixOperator:
    """The operator of a kernel as a matrix from all its axes but the last to the last."""
    *inputs, outputs = kernel_shape
    return MatrixOperator(tuple(range(len(kernel_shape))), 1, math.prod(inputs), outputs)


def _einsum_operator(layer: keras.layers.EinsumDense) -> MatrixOperator:
    operands, result = layer.equation.replace("...", "").split("->")
    inputs, kernel = operands.split(",")
    order: dict[str, list[int]] = {"block": [], "input": [], "output": []}
    for axis, letter in enumerate(kernel):
        in_input, in_result = letter in inputs, letter in result
        if in_input and in_result:
            order["block"].append(axis)
        elif in_input:
            order["input"].append(axis)
        elif in_result:
            order["output"].append(axis)
        else:
            raise ValueError(f"{_NOT_A_MATRIX_PRODUCT} Received: {layer.equation!r}")
    if set(inputs) - set(kernel) - set(result):
        raise ValueError(f"{_NOT_A_MATRIX_PRODUCT} Received: {layer.equation!r}")
    shape = layer.kernel.shape
    sizes = [math.prod(shape[axis] for axis in axes) for axes in order.values()]
    return MatrixOperator(tuple(itertools.chain(*order.values())), *sizes)


_NOT_A_MATRIX_PRODUCT = (
    "Spectral normalisation needs an EinsumDense equation in which each index is kept or contracted "
    "with the kernel, such as 'abc,cd->abd'."
)


def _any_size_operator(layer: keras.layers.Layer) -> MatrixOperator:
    views_of_a_pixel = math.prod(
        math.ceil(size / (stride // math.gcd(stride, dilation)))
        for size, stride, dilation in zip(layer.kernel_size, layer.strides, layer.dilation_rate, strict=True)
    )
    if isinstance(layer, DEPTHWISE_CONVOLUTIONS):
        *window, channels, multiplier = layer.kernel.shape
        window_axes = tuple(range(len(window)))
        axes = (len(window), *window_axes, len(window) + 1)
        matrix = MatrixOperator(axes, channels, math.prod(window), multiplier)
    elif isinstance(layer, SEPARABLE_CONVOLUTIONS):
        matrix = matrix_operator((*layer.kernel_size, layer.depthwise_kernel.shape[-2], layer.filters))
    else:
        matrix = matrix_operator(layer.kernel.shape)
    return dataclasses.replace(matrix, norm_factor=math.sqrt(views_of_a_pixel))
