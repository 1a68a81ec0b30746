"""Programs in which bounded layers take the spectral norms they kept, instead of searching for them at each call.

The search is for kernels that may have changed; compiled by JAX it takes longer to make than the rest of a network.
"""

import contextlib
import contextvars
from collections.abc import Iterator
from typing import Any

from keras import ops

_checks: contextvars.ContextVar[list[Any] | None] = contextvars.ContextVar("checks_of_kept_norms", default=None)


@contextlib.contextmanager
def taken() -> Iterator[list[Any]]:
    """Inside the block no `SpectralNormalization` layer searches at inference.

    Yields:
        For each call of such a layer a boolean tensor: whether the norm it took is that of its present kernel.
    """
    checks: list[Any] = []
    token = _checks.set(checks)
    try:
        yield checks
    finally:
        _checks.reset(token)


def add(check: Any) -> bool:
    """Notes a check if it is made inside a `taken` block, and says whether it is."""
    checks = _checks.get()
    if checks is None:
        return False
    checks.append(check)
    return True


def all_valid(checks: list[Any]) -> Any:
    """One boolean tensor of all checks."""
    return ops.all(ops.stack(checks)) if checks else ops.convert_to_tensor(True)
