"""The detectors of the OpenOOD study, and the settings of each that are tried on validation data.

OpenOOD v1.5's configurations, to set `TRIALS` by: KNN with k = 50; ViM with 256 dimensions; ReAct at the 90th
percentile; NNGuide with k = 100 and 1 % of the training images; GEN with gamma out of 0.01, 0.1, 0.5, 1, 2, 5, 10; ASH
and SCALE with a percentile out of 65, 70, 75, 80, 85, 90, 95; fDBD normalised by the distance to the mean of the
training features, or by the length of the features. A detector without an entry is measured with its defaults, in one
trial.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from benchmarks.quality.openood_scores import Detector

ROOM = "keras_sngp.metrics.detectors"

DETECTORS: Mapping[str, Callable[..., Detector]] = import_module(ROOM).DETECTORS if find_spec(ROOM) else {}
TRIALS: Mapping[str, Sequence[Mapping[str, Any]]] = {}
