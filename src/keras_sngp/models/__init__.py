"""Networks that know what they don't know, and the methods to compare them with."""

from keras_sngp.layers.posterior import PosteriorState
from keras_sngp.models.conversion import Conversion, ConversionReport, LayerReport, convert, fold
from keras_sngp.models.deep_ensemble import DeepEnsemble
from keras_sngp.models.deep_resnet import DeepResNet
from keras_sngp.models.deterministic import Deterministic
from keras_sngp.models.export import export_model
from keras_sngp.models.features import Features, features_of
from keras_sngp.models.last_layer_laplace import LastLayerLaplace
from keras_sngp.models.mc_dropout import MCDropout
from keras_sngp.models.posterior_calibration import calibrate
from keras_sngp.models.posterior_pass import fit_posterior, update_posterior
from keras_sngp.models.prediction import Prediction
from keras_sngp.models.predictive_distribution import predict_distribution
from keras_sngp.models.sngp import SNGP
from keras_sngp.models.tutorial import DeepResNetSNGP, DeepResNetSNGPWithCovReset, ResetCovarianceCallback
from keras_sngp.models.wide_resnet import WideResNet

__all__ = [
    "SNGP",
    "Conversion",
    "ConversionReport",
    "DeepEnsemble",
    "DeepResNet",
    "DeepResNetSNGP",
    "DeepResNetSNGPWithCovReset",
    "Deterministic",
    "Features",
    "LastLayerLaplace",
    "LayerReport",
    "MCDropout",
    "PosteriorState",
    "Prediction",
    "ResetCovarianceCallback",
    "WideResNet",
    "calibrate",
    "convert",
    "export_model",
    "features_of",
    "fit_posterior",
    "fold",
    "predict_distribution",
    "update_posterior",
]
