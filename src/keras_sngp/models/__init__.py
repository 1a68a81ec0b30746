"""Networks that know what they don't know, and the methods to compare them with."""

from keras_sngp.models.deep_ensemble import DeepEnsemble as DeepEnsemble
from keras_sngp.models.deep_resnet import DeepResNet as DeepResNet
from keras_sngp.models.deep_resnet import DeepResNetSNGP as DeepResNetSNGP
from keras_sngp.models.deep_resnet import DeepResNetSNGPWithCovReset as DeepResNetSNGPWithCovReset
from keras_sngp.models.deterministic import Deterministic as Deterministic
from keras_sngp.models.mc_dropout import MCDropout as MCDropout
from keras_sngp.models.sngp import SNGP as SNGP
