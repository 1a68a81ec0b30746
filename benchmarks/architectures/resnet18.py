"""ResNet-18 for images of 32 x 32, the network of OpenOOD's CIFAR benchmarks."""

from typing import Any

import keras

WIDTHS = (64, 128, 256, 512)
BLOCKS_PER_STAGE = 2
FEATURES = "features"


def make_resnet_18(
    num_classes: int = 10, input_shape: tuple[int, int, int] = (32, 32, 3), widths: tuple[int, ...] = WIDTHS
) -> keras.Model:
    """A residual network of basic blocks with a 3 x 3 stem of stride 1 and no pooling before the last stage.

    Each stage after the first halves the height and the width. A block is convolution, batch norm, ReLU, convolution,
    batch norm, plus the input (through a 1 x 1 convolution and batch norm where the shape changes), ReLU. The layer
    `features` averages over the positions: `(batch, widths[-1])`. The last layer gives logits in float32.

    Args:
        num_classes: Number of logits.
        input_shape: Height, width and channels.
        widths: Channels of each stage; fewer or smaller ones make a network for a try.

    Example:

    >>> make_resnet_18(widths=(4, 8)).output_shape
    (None, 10)

    Reference: He et al. 2016, arXiv:1512.03385; the variant for CIFAR is the one of OpenOOD v1.5, arXiv:2306.09301.
    """
    inputs = keras.Input(input_shape)
    hidden = _relu(_normalised_convolution(inputs, widths[0], 3, 1))
    for stage, width in enumerate(widths):
        for block in range(BLOCKS_PER_STAGE):
            hidden = _basic_block(hidden, width, stride=2 if stage > 0 and block == 0 else 1)
    features = keras.layers.GlobalAveragePooling2D(name=FEATURES)(hidden)
    logits = keras.layers.Dense(num_classes, kernel_initializer=_of_torch(), dtype="float32", name="logits")(features)
    return keras.Model(inputs, logits, name="resnet_18")


def _basic_block(inputs: Any, width: int, stride: int) -> Any:
    hidden = _relu(_normalised_convolution(inputs, width, 3, stride))
    hidden = _normalised_convolution(hidden, width, 3, 1)
    if stride != 1 or inputs.shape[-1] != width:
        inputs = _normalised_convolution(inputs, width, 1, stride)
    return _relu(keras.layers.Add()([hidden, inputs]))


def _normalised_convolution(inputs: Any, width: int, kernel: int, stride: int) -> Any:
    """A convolution without bias, padded alike on all sides (Keras's "same" is not, with stride 2), and batch norm."""
    if kernel > 1 and stride > 1:
        inputs = keras.layers.ZeroPadding2D(kernel // 2)(inputs)
    padding = "valid" if stride > 1 else "same"
    convolution = keras.layers.Conv2D(
        width, kernel, stride, padding=padding, use_bias=False, kernel_initializer=_of_torch()
    )
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(convolution(inputs))


def _of_torch() -> keras.initializers.Initializer:
    """PyTorch's default for kernels: uniform within 1 / sqrt(inputs of a unit)."""
    return keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")


def _relu(inputs: Any) -> Any:
    return keras.layers.ReLU()(inputs)
