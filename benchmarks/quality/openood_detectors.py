"""The detectors of the OpenOOD study, and the settings of each that are tried on validation data.

The values are those of OpenOOD's configurations: a default where it has only one, else its sweep.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.quality.openood_scores import Detector

DETECTORS: Mapping[str, Callable[..., Detector]] = {}
TRIALS: Mapping[str, Sequence[Mapping[str, Any]]] = {}
