"""Layers that go inside a network; the drop-in for `official.nlp.modeling.layers`."""

from keras_sngp.layers import gaussian_process as gaussian_process
from keras_sngp.layers.dropout import Dropout as Dropout
from keras_sngp.layers.gaussian_process import (
    RandomFeatureGaussianProcess as RandomFeatureGaussianProcess,
)
from keras_sngp.layers.random_features import RandomFeatures as RandomFeatures
from keras_sngp.layers.spectral_norm_constraint import SpectralNormConstraint as SpectralNormConstraint
from keras_sngp.layers.spectral_norm_constraint import constrain_kernels as constrain_kernels
from keras_sngp.layers.spectral_normalization import SpectralNormalization as SpectralNormalization
