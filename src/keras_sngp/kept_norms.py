"""Programs in which bounded layers take the spectral norms they kept, instead of searching for them at each call.

The search is for kernels that may have changed; compiled by JAX it takes longer to make than the rest of a network.
"""

import contextlib
from typing import Any

from keras import ops

from keras_sngp.collector import Collector

_checks = Collector[Any]("checks_of_kept_norms")


def taken() -> contextlib.AbstractContextManager[list[Any]]:
    """A block inside which no `SpectralNormalization` layer searches at inference.

    It gives a list: for each call of such a layer a boolean tensor, whether the norm it took is that of its present
    kernel.
    """
    return _checks.collect()


def add(check: Any) -> bool:
    """Notes a check if it is made inside a `taken` block, and says whether it is."""
    return _checks.add(check)


def all_valid(checks: list[Any]) -> Any:
    """One boolean tensor of all checks."""
    return ops.all(ops.stack(checks)) if checks else ops.convert_to_tensor(True)
