"""Layers that go inside a network; the drop-in for `official.nlp.modeling.layers`."""

from keras_sngp.layers import gaussian_process
from keras_sngp.layers.dropout import Dropout
from keras_sngp.layers.gaussian_process import RandomFeatureGaussianProcess
from keras_sngp.layers.mean_field import mean_field_logits
from keras_sngp.layers.polar_projection import PolarProjection
from keras_sngp.layers.random_features import RandomFeatures
from keras_sngp.layers.spectral_norm_constraint import ConstrainedKernel, SpectralNormConstraint, constrain_kernels
from keras_sngp.layers.spectral_normalization import SpectralNormalization

__all__ = [
    "ConstrainedKernel",
    "Dropout",
    "PolarProjection",
    "RandomFeatureGaussianProcess",
    "RandomFeatures",
    "SpectralNormConstraint",
    "SpectralNormalization",
    "constrain_kernels",
    "gaussian_process",
    "mean_field_logits",
]
