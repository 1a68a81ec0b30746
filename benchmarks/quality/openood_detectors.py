"""The detectors of the OpenOOD study, and the settings of each that are tried on validation data.

The settings are those of OpenOOD v1.5's configurations for CIFAR-10: one where it has one, else its sweep. Of ViM's
two, 256 and 1,000 dimensions, the second is more than the features have; of fDBD's two normalisers ours has the
distance to the mean; GEN's number of classes does not matter with ten. Detectors that OpenOOD sets nothing for have
their defaults.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keras_sngp.metrics import detectors
from keras_sngp.metrics.detectors import Detector

# The score of the same name is among those of the outputs, where it is combined with the variance.
MEASURED_ELSEWHERE = ("dempster_shafer",)
PERCENTILES = (0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)

DETECTORS: Mapping[str, Callable[..., Detector]] = {
    name: detector for name, detector in detectors.DETECTORS.items() if name not in MEASURED_ELSEWHERE
}
TRIALS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "knn": [{"num_neighbors": 50}],
    "vim": [{"num_components": 256}],
    "react": [{"percentile": 0.9}],
    "nnguide": [{"num_neighbors": 100, "max_rows": 500}],
    "gen": [{"gamma": gamma} for gamma in (0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0)],
    "ash": [{"percentile": percentile} for percentile in PERCENTILES],
    "scale": [{"percentile": percentile} for percentile in PERCENTILES],
}
