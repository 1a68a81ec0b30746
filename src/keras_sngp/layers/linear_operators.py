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

import keras
from keras import ops

LINEAR_LAYERS = (
    keras.layers.Dense,
    keras.layers.EinsumDense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
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

    def _matrices(self, kernel):
        return ops.reshape(ops.transpose(kernel, self.axes), (self.blocks, self.inputs, self.outputs))

    def apply(self, kernel, vector):
        return ops.einsum("bio,bi->bo", self._matrices(kernel), vector)

    def adjoint(self, kernel, vector):
        return ops.einsum("bio,bo->bi", self._matrices(kernel), vector)


@dataclasses.dataclass(frozen=True)
class ConvolutionOperator:
    """A convolution of images of one fixed size, channels last; exact for every setting of the layer.

    The adjoint undoes the stride by inserting zeros, and convolves with the flipped kernel.
    """

    spatial_shape: tuple[int, ...]
    channels: int
    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    padding: tuple[tuple[int, int], ...]
    norm_factor: float = 1.0

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (1, *self.spatial_shape, self.channels)

    @property
    def _pad_width(self):
        return ((0, 0), *self.padding, (0, 0))

    def apply(self, kernel, vector):
        return ops.conv(
            ops.pad(vector, self._pad_width),
            kernel,
            strides=self.strides,
            padding="valid",
            data_format="channels_last",
            dilation_rate=self.dilation,
        )

    def adjoint(self, kernel, vector):
        padded = [n + sum(p) for n, p in zip(self.spatial_shape, self.padding, strict=True)]
        spread = vector
        for axis, stride in enumerate(self.strides, start=1):
            spread = _insert_zeros(spread, axis, stride)
        margins = [
            (reach, total - size)
            for reach, total, size in zip(
                [(k - 1) * d for k, d in zip(self.kernel_size, self.dilation, strict=True)],
                padded,
                spread.shape[1:-1],
                strict=True,
            )
        ]
        image = ops.conv(
            ops.pad(spread, ((0, 0), *margins, (0, 0))),
            self._flipped(kernel),
            strides=1,
            padding="valid",
            data_format="channels_last",
            dilation_rate=self.dilation,
        )
        crop = [slice(before, before + n) for n, (before, _) in zip(self.spatial_shape, self.padding, strict=True)]
        return image[(slice(None), *crop, slice(None))]

    def _flipped(self, kernel):
        spatial_axes = tuple(range(len(self.kernel_size)))
        group_inputs, outputs = kernel.shape[-2:]
        group_outputs = outputs // self.groups
        kernel = ops.reshape(
            ops.flip(kernel, spatial_axes),
            (*self.kernel_size, group_inputs, self.groups, group_outputs),
        )
        channels_in, group, channels_out = (len(self.kernel_size) + i for i in range(3))
        kernel = ops.transpose(kernel, (*spatial_axes, channels_out, group, channels_in))
        return ops.reshape(kernel, (*self.kernel_size, group_outputs, self.channels))


def operator_of(layer: keras.layers.Layer, input_shape: Sequence[int | None]):
    """Returns the linear operator of a built layer for inputs of `input_shape`.

    Convolutions over images of unknown size get a matrix whose norm, times `norm_factor`, bounds the
    operator's for any size: each input pixel is seen by at most `norm_factor**2` output pixels.

    Raises:
        TypeError: the layer is none of `LINEAR_LAYERS`.
        ValueError: an `EinsumDense` equation that is not a (block) matrix product.
    """
    check_has_operator(layer)
    if isinstance(layer, keras.layers.Dense):
        inputs, outputs = layer.kernel.shape
        return MatrixOperator((0, 1), 1, inputs, outputs)
    if isinstance(layer, keras.layers.EinsumDense):
        return _einsum_operator(layer)
    return _convolution_operator(layer, input_shape)


def check_has_operator(layer: keras.layers.Layer) -> None:
    """Raises a TypeError unless `operator_of` knows the layer."""
    if not isinstance(layer, LINEAR_LAYERS):
        known = ", ".join(kind.__name__ for kind in LINEAR_LAYERS)
        raise TypeError(
            f"Spectral normalisation is defined for {known} layers. Received: a {type(layer).__name__} layer"
        )


def _einsum_operator(layer) -> MatrixOperator:
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


def _convolution_operator(layer, input_shape):
    last = layer.data_format == "channels_last"
    spatial_shape = tuple(input_shape[1:-1] if last else input_shape[2:])
    channels = input_shape[-1] if last else input_shape[1]
    if None in spatial_shape:
        return _patch_operator(layer)
    return ConvolutionOperator(
        spatial_shape=spatial_shape,
        channels=channels,
        kernel_size=tuple(layer.kernel_size),
        strides=tuple(layer.strides),
        dilation=tuple(layer.dilation_rate),
        groups=layer.groups,
        padding=tuple(
            _padding(layer.padding, *sizes)
            for sizes in zip(spatial_shape, layer.kernel_size, layer.strides, layer.dilation_rate, strict=True)
        ),
    )


def _patch_operator(layer) -> MatrixOperator:
    *window, outputs = layer.kernel.shape
    views_of_a_pixel = math.prod(
        math.ceil(k / (stride // math.gcd(stride, dilation)))
        for k, stride, dilation in zip(layer.kernel_size, layer.strides, layer.dilation_rate, strict=True)
    )
    return MatrixOperator(
        tuple(range(len(layer.kernel.shape))),
        1,
        math.prod(window),
        outputs,
        norm_factor=math.sqrt(views_of_a_pixel),
    )


def _padding(mode: str, size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    reach = (kernel - 1) * dilation
    if mode == "causal":
        return reach, 0
    if mode == "same":
        total = max((math.ceil(size / stride) - 1) * stride + reach + 1 - size, 0)
        return total // 2, total - total // 2
    return 0, 0


def _insert_zeros(tensor, axis: int, stride: int):
    if stride == 1:
        return tensor
    size = tensor.shape[axis]
    tensor = ops.expand_dims(tensor, axis + 1)
    widths = [(0, 0)] * len(tensor.shape)
    widths[axis + 1] = (0, stride - 1)
    tensor = ops.pad(tensor, widths)
    shape = list(tensor.shape)
    shape[axis : axis + 2] = [size * stride]
    tensor = ops.reshape(tensor, shape)
    keep = [slice(None)] * len(shape)
    keep[axis] = slice(0, (size - 1) * stride + 1)
    return tensor[tuple(keep)]
