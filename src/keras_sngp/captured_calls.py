"""Looking at what a Gaussian process layer computes inside a larger model, whatever that model returns."""

import contextlib
import contextvars
from collections.abc import Iterator
from typing import Any, NamedTuple


class CapturedCall(NamedTuple):
    """What a Gaussian process layer computed in one call inside a larger model."""

    layer: Any
    features: Any
    logits: Any


_calls: contextvars.ContextVar[list[CapturedCall] | None] = contextvars.ContextVar("captured_calls", default=None)


@contextlib.contextmanager
def capture() -> Iterator[list[CapturedCall]]:
    """Collects the features and logits of each Gaussian process layer called inside the block."""
    calls: list[CapturedCall] = []
    token = _calls.set(calls)
    try:
        yield calls
    finally:
        _calls.reset(token)


def add(layer: Any, features: Any, logits: Any) -> bool:
    """Notes a call if it happens inside a `capture` block, and says whether it does."""
    calls = _calls.get()
    if calls is None:
        return False
    calls.append(CapturedCall(layer, features, logits))
    return True
