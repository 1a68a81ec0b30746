"""What layers deep inside a model tell whoever calls it, past all the layers between.

- Inside `captured_calls()`, each Gaussian process layer notes the features and logits that it computes.
- Inside `cached_norms()`, each `SpectralNormalization` layer takes the spectral norm that it cached, instead of
  searching for it, and notes whether that norm is still its kernel's. JAX compiles the search for longer than the rest
  of a network.
"""

import contextlib
import contextvars
from collections.abc import Iterator
from typing import Any, Generic, NamedTuple, TypeVar

from keras import ops

from keras_sngp._runtime.ops import Tensor

Note = TypeVar("Note")


class CapturedCall(NamedTuple):
    """What a Gaussian process layer computed in one call inside a larger model."""

    layer: Any
    features: Tensor
    logits: Tensor


class _Notes(Generic[Note]):
    """Gathers notes while a block is open; of nested blocks the innermost gets them."""

    def __init__(self, name: str) -> None:
        self._notes: contextvars.ContextVar[list[Note] | None] = contextvars.ContextVar(name, default=None)

    @contextlib.contextmanager
    def gather(self) -> Iterator[list[Note]]:
        notes: list[Note] = []
        token = self._notes.set(notes)
        try:
            yield notes
        finally:
            self._notes.reset(token)

    def add(self, note: Note) -> bool:
        notes = self._notes.get()
        if notes is None:
            return False
        notes.append(note)
        return True


_calls = _Notes[CapturedCall]("captured_calls")
_norm_checks = _Notes[Tensor]("cached_norm_checks")


def captured_calls() -> contextlib.AbstractContextManager[list[CapturedCall]]:
    """A block that gives the list of the Gaussian process layers' calls inside it."""
    return _calls.gather()


def note_call(layer: Any, features: Tensor, logits: Tensor) -> bool:
    """Notes a Gaussian process layer's call, and says whether a `captured_calls` block is open."""
    return _calls.add(CapturedCall(layer, features, logits))


def cached_norms() -> contextlib.AbstractContextManager[list[Tensor]]:
    """A block inside which no `SpectralNormalization` layer searches at inference.

    It gives a list: for each call of such a layer a boolean tensor, whether the norm it took is that of its present
    kernel.
    """
    return _norm_checks.gather()


def note_norm_check(check: Tensor) -> bool:
    """Notes whether a cached norm is valid, and says whether a `cached_norms` block is open."""
    return _norm_checks.add(check)


def all_valid(checks: list[Tensor]) -> Tensor:
    """One boolean tensor of all checks."""
    return ops.all(ops.stack(checks)) if checks else ops.convert_to_tensor(True)
