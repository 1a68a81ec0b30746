"""The linear operators of convolutions, forwards and backwards, at a given image size."""

import dataclasses
import math
from collections.abc import Sequence

import keras
from keras import ops

from keras_sngp._runtime.ops import Tensor

CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
DEPTHWISE_CONVOLUTIONS = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
SEPARABLE_CONVOLUTIONS = (keras.layers.SeparableConv1D, keras.layers.SeparableConv2D)
TRANSPOSED_CONVOLUTIONS = (
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
)


@dataclasses.dataclass(frozen=True)
class ConvolutionOperator:
    """A convolution of images of one fixed size, channels last; exact for every setting of the layer.

    The adjoint undoes the stride by inserting zeros, and convolves with the flipped kernel. A depthwise
    convolution has as many groups as channels.
    """

    spatial_shape: tuple[int, ...]
    channels: int
    kernel_shape: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    padding: tuple[tuple[int, int], ...]
    norm_factor: float = 1.0

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (1, *self.spatial_shape, self.channels)

    @property
    def kernel_size(self) -> tuple[int, ...]:
        return self.kernel_shape[:-2]

    def apply(self, kernel: Tensor, vector: Tensor) -> Tensor:
        return _convolution(vector, ops.reshape(kernel, self.kernel_shape), self.strides, self.padding, self.dilation)

    def adjoint(self, kernel: Tensor, vector: Tensor) -> Tensor:
        spread = vector
        for axis, stride in enumerate(self.strides, start=1):
            spread = _insert_zeros(spread, axis, stride)
        sizes = zip(self.spatial_shape, spread.shape[1:-1], self.kernel_size, self.dilation, self.padding, strict=True)
        padding = tuple(((k - 1) * d - before, n + before - size) for n, size, k, d, (before, _) in sizes)
        return _convolution(spread, self._flipped(kernel), (1,) * len(padding), padding, self.dilation)

    def _flipped(self, kernel: Tensor) -> Tensor:
        spatial_axes = tuple(range(len(self.kernel_size)))
        kernel = ops.flip(ops.reshape(kernel, self.kernel_shape), spatial_axes)
        if self.groups == 1:
            return ops.swapaxes(kernel, -1, -2)
        group_inputs, outputs = self.kernel_shape[-2:]
        group_outputs = outputs // self.groups
        kernel = ops.reshape(kernel, (*self.kernel_size, group_inputs, self.groups, group_outputs))
        channels_in, group, channels_out = (len(self.kernel_size) + i for i in range(3))
        kernel = ops.transpose(kernel, (*spatial_axes, channels_out, group, channels_in))
        return ops.reshape(kernel, (*self.kernel_size, group_outputs, self.channels))


@dataclasses.dataclass(frozen=True)
class TransposedOperator:
    """The adjoint of another operator, which has the same singular values."""

    forward: ConvolutionOperator
    input_shape: tuple[int, ...]
    norm_factor: float = 1.0

    def apply(self, kernel: Tensor, vector: Tensor) -> Tensor:
        return self.forward.adjoint(kernel, vector)

    def adjoint(self, kernel: Tensor, vector: Tensor) -> Tensor:
        return self.forward.apply(kernel, vector)


def convolution_operator(layer: keras.layers.Layer, input_shape: Sequence[int]) -> ConvolutionOperator:
    """The operator of a built convolution, depthwise or separable ones included, for images of known size.

    That of a separable convolution takes its fused kernel.
    """
    spatial_shape, channels = _image_shape(layer, input_shape)
    if isinstance(layer, DEPTHWISE_CONVOLUTIONS):
        kernel_shape, groups = (*layer.kernel_size, 1, channels * layer.depth_multiplier), channels
    elif isinstance(layer, SEPARABLE_CONVOLUTIONS):
        kernel_shape, groups = (*layer.kernel_size, channels, layer.filters), 1
    else:
        kernel_shape, groups = tuple(layer.kernel.shape), layer.groups
    return ConvolutionOperator(
        spatial_shape=spatial_shape,
        channels=channels,
        kernel_shape=kernel_shape,
        strides=tuple(layer.strides),
        dilation=tuple(layer.dilation_rate),
        groups=groups,
        padding=tuple(
            _padding(layer.padding, *sizes)
            for sizes in zip(spatial_shape, layer.kernel_size, layer.strides, layer.dilation_rate, strict=True)
        ),
    )


def transposed_convolution_operator(layer: keras.layers.Layer, input_shape: Sequence[int]) -> TransposedOperator:
    """The operator of a built transposed convolution: the adjoint of a convolution of its output images."""
    spatial_shape, channels = _image_shape(layer, input_shape)
    output_shape, filters = _image_shape(layer, layer.compute_output_shape(input_shape))
    forward = ConvolutionOperator(
        spatial_shape=output_shape,
        channels=filters,
        kernel_shape=tuple(layer.kernel.shape),
        strides=tuple(layer.strides),
        dilation=tuple(layer.dilation_rate),
        groups=1,
        padding=tuple(
            _halves((size - 1) * stride + (kernel - 1) * dilation + 1 - output)
            for size, output, kernel, stride, dilation in zip(
                spatial_shape, output_shape, layer.kernel_size, layer.strides, layer.dilation_rate, strict=True
            )
        ),
    )
    return TransposedOperator(forward, (1, *spatial_shape, channels))


def fused_separable_kernel(depthwise_kernel: Tensor, pointwise_kernel: Tensor) -> Tensor:
    """The kernel `(window, channels, filters)` of the one convolution that a separable convolution amounts to."""
    *window, channels, multiplier = depthwise_kernel.shape
    filters = pointwise_kernel.shape[-1]
    depthwise = ops.reshape(ops.cast(depthwise_kernel, "float32"), (-1, channels, multiplier))
    pointwise = ops.reshape(ops.cast(pointwise_kernel, "float32"), (channels, multiplier, filters))
    return ops.reshape(ops.einsum("wcm,cmf->wcf", depthwise, pointwise), (*window, channels, filters))


def _image_shape(layer: keras.layers.Layer, shape: Sequence[int]) -> tuple[tuple[int, ...], int]:
    if layer.data_format == "channels_last":
        return tuple(shape[1:-1]), shape[-1]
    return tuple(shape[2:]), shape[1]


def _convolution(
    image: Tensor,
    kernel: Tensor,
    strides: tuple[int, ...],
    padding: tuple[tuple[int, int], ...],
    dilation: tuple[int, ...],
) -> Tensor:
    """Of an image with zeros around it. `ops.pad` costs PyTorch as much as the rest, so Keras's modes go before it."""
    windows = zip(image.shape[1:-1], kernel.shape, strides, dilation, strict=False)
    mode = "valid"
    if padding == tuple(_padding("same", *window) for window in windows):
        mode = "same"
    elif any(map(any, padding)):
        image = ops.pad(image, ((0, 0), *padding, (0, 0)))
    return ops.conv(image, kernel, strides=strides, padding=mode, data_format="channels_last", dilation_rate=dilation)


def _padding(mode: str, size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    reach = (kernel - 1) * dilation
    if mode == "causal":
        return reach, 0
    if mode == "same":
        return _halves((math.ceil(size / stride) - 1) * stride + reach + 1 - size)
    return 0, 0


def _halves(total: int) -> tuple[int, int]:
    total = max(total, 0)
    return total // 2, total - total // 2


def _insert_zeros(tensor: Tensor, axis: int, stride: int) -> Tensor:
    if stride == 1:
        return tensor
    size, tensor = tensor.shape[axis], ops.expand_dims(tensor, axis + 1)
    shape = list(tensor.shape)
    shape[axis + 1] = stride - 1
    tensor = ops.concatenate([tensor, ops.zeros(shape)], axis + 1)
    shape[axis : axis + 2] = [size * stride]
    keep = [slice(None)] * len(shape)
    keep[axis] = slice(0, (size - 1) * stride + 1)
    return ops.reshape(tensor, shape)[tuple(keep)]
