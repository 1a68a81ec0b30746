"""The wide residual network of the SNGP paper's image experiments."""

from collections.abc import Sequence

import keras

from keras_sngp._runtime.ops import Tensor
from keras_sngp.layers.dropout import Dropout
from keras_sngp.layers.spectral_normalization import SpectralNormalization

FIRST_FILTERS = 16
GROUPS = ((16, 1), (32, 2), (64, 2))


def WideResNet(
    depth: int = 28,
    width: int = 10,
    num_classes: int | None = None,
    input_shape: Sequence[int | None] = (32, 32, 3),
    *,
    spec_norm_bound: float | None = None,
    dropout_rate: float = 0.0,
    l2_regularization: float = 0.0,
    name: str = "wide_resnet",
) -> keras.Model:
    """Wide residual network for small images.

    One convolution, three groups of `(depth - 4) / 6` blocks with `16 width`, `32 width` and `64 width` filters at
    full, half and quarter size, and an average over the image. A block is
    `x + conv(dropout(relu(norm(conv(relu(norm(x)))))))` with 3 x 3 convolutions; where size or filters change, a
    1 x 1 convolution stands in for `x`. Convolutions have no bias and He initialisation.

    Args:
        depth: Number of layers, `6n + 4`: 16, 22, 28, 40.
        width: Factor of the number of filters.
        num_classes: Number of logits of a final dense layer; None gives the features `(batch, 64 width)`, as the
            backbone of an `SNGP`.
        input_shape: `(height, width, channels)`. With sides of None, spectral norms are bounded for every size.
        spec_norm_bound: Bound of the spectral norm of each convolution, shortcuts included; None leaves them unbounded.
            The paper takes 6.0 for depth 28 and width 10: batch normalisation scales down what is let through.
        dropout_rate: Rate between the two convolutions of a block, in [0, 1).
        l2_regularization: Factor of the L2 penalty on all trained weights.
        name: The model's name.

    Returns:
        A functional `keras.Model`, not compiled.

    Raises:
        ValueError: a depth that is not `6n + 4`, or a width below 1.

    Example:

    >>> backbone = keras_sngp.WideResNet(depth=10, width=1, input_shape=(8, 8, 3), spec_norm_bound=6.0)
    >>> backbone.output_shape
    (None, 64)
    >>> model = keras_sngp.SNGP(backbone, num_classes=10)

    Reference:
        Zagoruyko and Komodakis 2016, "Wide Residual Networks", arXiv:1605.07146, table 1; with spectral normalisation:
        Liu et al. 2020, arXiv:2006.10108, section 5.2.
    """
    if depth < 10 or (depth - 4) % 6:
        raise ValueError(f"`depth` must be 6n + 4 with n at least 1: 10, 16, 22, 28, 40. Received: {depth!r}")
    if width < 1:
        raise ValueError(f"`width` must be at least 1. Received: {width!r}")
    make = _LayerMaker(spec_norm_bound, l2_regularization)
    inputs = keras.Input(tuple(input_shape), name="images")
    hidden = make.convolution("first", FIRST_FILTERS)(inputs)
    for group, (filters, strides) in enumerate(GROUPS, start=1):
        for block in range(1, (depth - 4) // 6 + 1):
            label = f"group{group}_block{block}"
            hidden = _block(make, label, hidden, filters * width, strides if block == 1 else 1, dropout_rate)
    hidden = make.activated("last", hidden)
    outputs = keras.layers.GlobalAveragePooling2D(name="pooling")(hidden)
    if num_classes is not None:
        outputs = make.classifier(num_classes)(outputs)
    return keras.Model(inputs, outputs, name=name)


def _block(make: "_LayerMaker", label: str, inputs: Tensor, filters: int, strides: int, dropout_rate: float) -> Tensor:
    hidden = make.activated(f"{label}_first", inputs)
    hidden = make.convolution(f"{label}_first", filters, strides=strides)(hidden)
    hidden = make.activated(f"{label}_second", hidden)
    if dropout_rate:
        hidden = Dropout(dropout_rate, name=f"{label}_dropout")(hidden)
    hidden = make.convolution(f"{label}_second", filters)(hidden)
    if strides > 1 or inputs.shape[-1] != filters:
        inputs = make.convolution(f"{label}_shortcut", filters, kernel_size=1, strides=strides)(inputs)
    return keras.layers.Add(name=f"{label}_sum")([inputs, hidden])


class _LayerMaker:
    """The layers of one network, all bounded and regularised alike."""

    def __init__(self, spec_norm_bound: float | None, l2_regularization: float) -> None:
        self.spec_norm_bound = spec_norm_bound
        self.regularizer = keras.regularizers.L2(l2_regularization) if l2_regularization else None

    def convolution(self, label: str, filters: int, kernel_size: int = 3, strides: int = 1) -> keras.layers.Layer:
        layer = keras.layers.Conv2D(
            filters,
            kernel_size,
            strides=strides,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
            kernel_regularizer=self.regularizer,
            name=f"{label}_convolution",
        )
        if self.spec_norm_bound is None:
            return layer
        return SpectralNormalization(layer, self.spec_norm_bound, name=layer.name)

    def activated(self, label: str, inputs: Tensor) -> Tensor:
        normalization = keras.layers.BatchNormalization(
            momentum=0.9,
            epsilon=1e-5,
            beta_regularizer=self.regularizer,
            gamma_regularizer=self.regularizer,
            name=f"{label}_normalization",
        )
        return keras.layers.ReLU(name=f"{label}_relu")(normalization(inputs))

    def classifier(self, num_classes: int) -> keras.layers.Dense:
        return keras.layers.Dense(
            num_classes,
            kernel_initializer="he_normal",
            kernel_regularizer=self.regularizer,
            bias_regularizer=self.regularizer,
            name="logits",
        )
