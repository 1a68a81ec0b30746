"""The networks that are converted, each with the data of a few training steps."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import keras

import keras_sngp as sngp

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

import bert_classifier
import convert_pretrained
import vision_transformer

ROWS = 32


class Network(NamedTuple):
    """A classifier to convert, how, and what to train it on."""

    make_classifier: Callable[[], keras.Model]
    make_data: Callable[[], tuple[Any, Any]]
    norm_multiplier: float
    constrain_composite_layers: bool = True


def of_keras_applications(name: str) -> Network:
    return Network(
        lambda: convert_pretrained.make_classifier(name, num_classes=4),
        lambda: convert_pretrained.make_images(ROWS, num_classes=4),
        norm_multiplier=0.95,
    )


def wide_resnet(depth: int, width: int) -> Network:
    return Network(
        lambda: sngp.WideResNet(depth, width, num_classes=4),
        lambda: convert_pretrained.make_images(ROWS, num_classes=4),
        norm_multiplier=6.0,
    )


def bert_data() -> tuple[Any, Any]:
    texts = [f"{verb} my {thing}" for verb in ("pay", "find", "cancel", "change") for thing in ("card", "flight")]
    return bert_classifier.encode(texts * (ROWS // len(texts))), [place // 2 for place in range(8)] * (ROWS // 8)


NETWORKS = {
    **{name: of_keras_applications(name) for name in convert_pretrained.NETWORKS},
    "WideResNet-16-2": wide_resnet(16, 2),
    "Vision Transformer": Network(
        lambda: vision_transformer.make_classifier(num_classes=2), lambda: vision_transformer.make_images(ROWS), 0.95
    ),
    "BERT (MiniLM)": Network(
        lambda: bert_classifier.make_classifier(num_classes=4), bert_data, 0.95, constrain_composite_layers=False
    ),
}
