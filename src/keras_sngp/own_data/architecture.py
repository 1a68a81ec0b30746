"""The network for a kind of input, as a few numbers from which it can be built again."""

import dataclasses
import math
from typing import Any, ClassVar

import keras

from keras_sngp._runtime.json_checks import checked_fields
from keras_sngp.layers import Dropout
from keras_sngp.models import SNGP, WideResNet, convert
from keras_sngp.own_data.inputs import Inputs, TableSchema

MOST_VALUES = 1 << 24
TABLE_WIDTH, TEXT_WIDTH = 128, 512


@dataclasses.dataclass(frozen=True)
class ResidualArchitecture:
    """A projection and residual blocks, for rows of numbers.

    Attributes:
        num_inputs: Numbers in a row.
        num_classes: Number of classes.
        width: Units of each hidden layer.
        num_blocks: Number of residual blocks.
        dropout_rate: Share of units dropped in each block while training.
        num_inducing: Number of random features.
        norm_multiplier: Bound on the spectral norm of each hidden layer.
        geometry: Where the kernel measures distances, see `RandomFeatureGaussianProcess`.
    """

    kind: ClassVar[str] = "residual"

    num_inputs: int
    num_classes: int
    width: int = TABLE_WIDTH
    num_blocks: int = 2
    dropout_rate: float = 0.1
    num_inducing: int = 1024
    norm_multiplier: float = 0.95
    geometry: str = "polar"

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.num_inputs,)

    def make_classifier(self) -> keras.Model:
        """A new dense classifier."""
        inputs = keras.Input(self.input_shape)
        hidden = keras.layers.Dense(self.width)(inputs)
        for _ in range(self.num_blocks):
            residual = keras.layers.Dense(self.width, activation="relu")(hidden)
            hidden = keras.layers.Add()([hidden, Dropout(self.dropout_rate)(residual)])
        return keras.Model(inputs, keras.layers.Dense(self.num_classes)(hidden))


@dataclasses.dataclass(frozen=True)
class ConvolutionalArchitecture:
    """A convolution that halves larger images, and a residual network, for images.

    Attributes:
        height: Rows of an image.
        width: Columns.
        channels: 1 for grey, 3 for colours.
        num_classes: Number of classes.
        depth: Layers of the residual network, six times a number, and four more.
        dropout_rate: Share of values dropped in each block while training.
        num_inducing: Number of random features.
        norm_multiplier: Bound on the spectral norm of each hidden layer.
        geometry: Where the kernel measures distances, see `RandomFeatureGaussianProcess`.
    """

    kind: ClassVar[str] = "convolutional"

    height: int
    width: int
    channels: int
    num_classes: int
    depth: int = 10
    dropout_rate: float = 0.1
    num_inducing: int = 1024
    norm_multiplier: float = 2.0
    geometry: str = "polar"

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.height, self.width, self.channels)

    def make_classifier(self) -> keras.Model:
        """A new dense classifier."""
        inputs = keras.Input(self.input_shape)
        halved = keras.layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False)(inputs)
        network = WideResNet(
            self.depth,
            1,
            num_classes=self.num_classes,
            input_shape=tuple(halved.shape[1:]),
            dropout_rate=self.dropout_rate,
        )
        return keras.Model(inputs, network(halved))


Architecture = ResidualArchitecture | ConvolutionalArchitecture
ARCHITECTURES: dict[str, type[Architecture]] = {
    architecture.kind: architecture for architecture in (ResidualArchitecture, ConvolutionalArchitecture)
}


def architecture_for(inputs: Inputs, num_classes: int) -> Architecture:
    """The one that suits a table, texts or images."""
    input_shape = inputs.input_shape
    if len(input_shape) == 1:
        width = TABLE_WIDTH if isinstance(inputs, TableSchema) else TEXT_WIDTH
        return ResidualArchitecture(input_shape[0], num_classes, width)
    height, width, channels = input_shape
    return ConvolutionalArchitecture(height, width, channels, num_classes)


def make_network(architecture: Architecture) -> SNGP:
    """A new SNGP of an architecture."""
    model, _ = convert(
        architecture.make_classifier(),
        num_inducing=architecture.num_inducing,
        norm_multiplier=architecture.norm_multiplier,
        gp_geometry=architecture.geometry,
    )
    return model


def architecture_to_json(architecture: Architecture) -> dict[str, Any]:
    return {"kind": architecture.kind, **dataclasses.asdict(architecture)}


def architecture_from_json(content: Any) -> Architecture:
    """Reads what `architecture_to_json` gave; a ValueError for anything else, or for a network of absurd size."""
    kind = ARCHITECTURES.get(str(content.get("kind"))) if isinstance(content, dict) else None
    if kind is None:
        raise ValueError(
            f"Expected a network of one of the kinds {', '.join(ARCHITECTURES)}. Received: {content!r:.80}"
        )
    types = {field.name: field.type for field in dataclasses.fields(kind)}
    # A file without a geometry was written when there was only the plain one.
    content = {"geometry": "plain", **content}
    fields = checked_fields({name: value for name, value in content.items() if name != "kind"}, types, "the network")
    sizes = {name: value for name, value in fields.items() if types[name] is int}
    if min(sizes.values()) < 0 or math.prod(max(size, 1) for size in sizes.values()) > MOST_VALUES**2:
        raise ValueError(f"Expected a network of a sensible size. Received: {sizes}")
    return kind(**fields)
