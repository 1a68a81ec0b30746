"""Networks that know what they don't know, and the methods to compare them with."""

from keras_sngp.models.conversion.convert import Conversion as Conversion
from keras_sngp.models.conversion.convert import convert as convert
from keras_sngp.models.conversion.fold import fold as fold
from keras_sngp.models.conversion.report import ConversionReport as ConversionReport
from keras_sngp.models.conversion.report import LayerReport as LayerReport
from keras_sngp.models.deep_ensemble import DeepEnsemble as DeepEnsemble
from keras_sngp.models.deep_resnet import DeepResNet as DeepResNet
from keras_sngp.models.deterministic import Deterministic as Deterministic
from keras_sngp.models.mc_dropout import MCDropout as MCDropout
from keras_sngp.models.sngp import SNGP as SNGP
from keras_sngp.models.tutorial import DeepResNetSNGP as DeepResNetSNGP
from keras_sngp.models.tutorial import DeepResNetSNGPWithCovReset as DeepResNetSNGPWithCovReset
from keras_sngp.models.wide_resnet import WideResNet as WideResNet
