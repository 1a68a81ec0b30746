"""The networks that are converted, each with the data of a few training steps."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import keras

import keras_sngp as sngp
from examples import bert_classifier, convert_pretrained, vision_transformer

ROWS = 32
WORDS = ("pay", "find", "cancel", "change"), ("card", "flight")


class Network(NamedTuple):
    """A classifier to convert, how, and what to train it on."""

    make_classifier: Callable[[], keras.Model]
    make_data: Callable[[], tuple[Any, Any]] = partial(convert_pretrained.make_images, ROWS, num_classes=4)
    norm_multiplier: float = 0.95
    constrain_composite_layers: bool = True


def bert_data() -> tuple[Any, Any]:
    texts = [f"{verb} my {thing}" for verb in WORDS[0] for thing in WORDS[1]]
    return bert_classifier.encode(texts * (ROWS // len(texts))), [place // 2 for place in range(8)] * (ROWS // 8)


NETWORKS = {
    **{
        name: Network(partial(convert_pretrained.make_classifier, name, num_classes=4))
        for name in convert_pretrained.NETWORKS
    },
    "WideResNet-16-2": Network(partial(sngp.WideResNet, 16, 2, num_classes=4), norm_multiplier=6.0),
    "Vision Transformer": Network(
        partial(vision_transformer.make_classifier, num_classes=2), partial(vision_transformer.make_images, ROWS)
    ),
    "BERT (MiniLM)": Network(
        partial(bert_classifier.make_classifier, num_classes=4), bert_data, constrain_composite_layers=False
    ),
}
