"""Deep classifiers that know when they do not know: SNGP for Keras on JAX, TensorFlow and PyTorch."""

import importlib
from typing import TYPE_CHECKING, Any

from keras_sngp._runtime.backends import explain_missing_backend

try:
    import keras as _keras  # noqa: F401
except (ImportError, ValueError) as error:
    raise ImportError(explain_missing_backend()) from error

from keras_sngp import layers
from keras_sngp.layers import (
    RandomFeatureGaussianProcess,
    RandomFeatures,
    SpectralNormalization,
    SpectralNormConstraint,
    constrain_kernels,
    mean_field_logits,
)
from keras_sngp.models import (
    SNGP,
    ConversionReport,
    DeepEnsemble,
    DeepResNet,
    DeepResNetSNGP,
    DeepResNetSNGPWithCovReset,
    Deterministic,
    LastLayerLaplace,
    MCDropout,
    PosteriorState,
    Prediction,
    ResetCovarianceCallback,
    WideResNet,
    calibrate,
    convert,
    export_model,
    features_of,
    fit_posterior,
    fold,
    predict_distribution,
    update_posterior,
)

if TYPE_CHECKING:
    from keras_sngp import calibration, deferral, metrics, models, own_data, plots, report, two_moons
    from keras_sngp._runtime.ray_map import ray_map
    from keras_sngp.metrics import scores
    from keras_sngp.own_data import estimators

__version__ = "0.1.0"

__all__ = [
    "SNGP",
    "ConversionReport",
    "DeepEnsemble",
    "DeepResNet",
    "DeepResNetSNGP",
    "DeepResNetSNGPWithCovReset",
    "Deterministic",
    "LastLayerLaplace",
    "MCDropout",
    "PosteriorState",
    "Prediction",
    "RandomFeatureGaussianProcess",
    "RandomFeatures",
    "ResetCovarianceCallback",
    "SpectralNormConstraint",
    "SpectralNormalization",
    "WideResNet",
    "calibrate",
    "calibration",
    "constrain_kernels",
    "convert",
    "deferral",
    "estimators",
    "export_model",
    "features_of",
    "fit_posterior",
    "fold",
    "layers",
    "mean_field_logits",
    "metrics",
    "models",
    "own_data",
    "plots",
    "predict_distribution",
    "ray_map",
    "report",
    "scores",
    "two_moons",
    "update_posterior",
]

# Rooms and names that are imported when they are first asked for, so that `import keras_sngp` stays quick.
_LAZY = {
    "calibration": "keras_sngp.calibration",
    "deferral": "keras_sngp.deferral",
    "estimators": "keras_sngp.own_data.estimators",
    "metrics": "keras_sngp.metrics",
    "own_data": "keras_sngp.own_data",
    "plots": "keras_sngp.plots",
    "ray_map": "keras_sngp._runtime.ray_map:ray_map",
    "report": "keras_sngp.report",
    "scores": "keras_sngp.metrics.scores",
    "two_moons": "keras_sngp.two_moons",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _LAZY[name].partition(":")
    found = importlib.import_module(module)
    globals()[name] = getattr(found, attribute) if attribute else found
    return globals()[name]


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
