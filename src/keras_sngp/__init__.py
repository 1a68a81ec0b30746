"""Deep classifiers that know when they do not know: SNGP for Keras on JAX, TensorFlow and PyTorch."""

from keras_sngp._runtime.backends import explain_missing_backend

try:
    import keras as _keras  # noqa: F401
except (ImportError, ValueError) as error:
    raise ImportError(explain_missing_backend()) from error

from keras_sngp import datasets as datasets
from keras_sngp import layers as layers
from keras_sngp.layers import RandomFeatureGaussianProcess as RandomFeatureGaussianProcess
from keras_sngp.layers import RandomFeatures as RandomFeatures
from keras_sngp.layers import SpectralNormalization as SpectralNormalization
from keras_sngp.layers import SpectralNormConstraint as SpectralNormConstraint
from keras_sngp.layers import constrain_kernels as constrain_kernels
from keras_sngp.layers.mean_field import mean_field_logits as mean_field_logits
from keras_sngp.layers.posterior import PosteriorState as PosteriorState
from keras_sngp.metrics import scores as scores
from keras_sngp.models import SNGP as SNGP
from keras_sngp.models import ConversionReport as ConversionReport
from keras_sngp.models import DeepEnsemble as DeepEnsemble
from keras_sngp.models import DeepResNet as DeepResNet
from keras_sngp.models import DeepResNetSNGP as DeepResNetSNGP
from keras_sngp.models import DeepResNetSNGPWithCovReset as DeepResNetSNGPWithCovReset
from keras_sngp.models import Deterministic as Deterministic
from keras_sngp.models import MCDropout as MCDropout
from keras_sngp.models import WideResNet as WideResNet
from keras_sngp.models import convert as convert
from keras_sngp.models import fold as fold
from keras_sngp.models.export.export import export_model as export_model
from keras_sngp.models.posterior_calibration import calibrate as calibrate
from keras_sngp.models.posterior_pass import fit_posterior as fit_posterior
from keras_sngp.models.posterior_pass import update_posterior as update_posterior
from keras_sngp.models.prediction import Prediction as Prediction
from keras_sngp.models.predictive_distribution import predict_distribution as predict_distribution
from keras_sngp.models.tutorial import ResetCovarianceCallback as ResetCovarianceCallback

__version__ = "0.1.0"
