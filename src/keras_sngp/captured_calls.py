"""Looking at what a Gaussian process layer computes inside a larger model, whatever that model returns."""

import contextlib
from typing import Any, NamedTuple

from keras_sngp.collector import Collector


class CapturedCall(NamedTuple):
    """What a Gaussian process layer computed in one call inside a larger model."""

    layer: Any
    features: Any
    logits: Any


_calls = Collector[CapturedCall]("captured_calls")


def capture() -> contextlib.AbstractContextManager[list[CapturedCall]]:
    """Collects the features and logits of each Gaussian process layer called inside the block."""
    return _calls.collect()


def add(layer: Any, features: Any, logits: Any) -> bool:
    """Notes a call if it happens inside a `capture` block, and says whether it does."""
    return _calls.add(CapturedCall(layer, features, logits))
