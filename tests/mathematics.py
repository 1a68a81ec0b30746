"""The mathematics that the tests compare with: dense matrices and sums over rows in float64, without the library."""

import numpy as np
from keras import ops


def numpy(tensor):
    return ops.convert_to_numpy(tensor).astype("float64")


def count(weights):
    return sum(int(np.prod(weight.shape)) for weight in weights)


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


# Linear maps


def unit_vectors(input_shape):
    size = int(np.prod(input_shape))
    return np.eye(size, dtype="float32").reshape(size, *input_shape)


def matrix_of(function, input_shape):
    """Matrix `(inputs, outputs)` of an affine function of batches, a row for each unit vector."""
    units = unit_vectors(input_shape)
    outputs = numpy(function(np.concatenate([units, np.zeros_like(units[:1])]))).reshape(len(units) + 1, -1)
    return outputs[:-1] - outputs[-1]


def spectral_norm(matrix):
    """The largest singular value."""
    return np.linalg.svd(matrix, compute_uv=False)[0]


# Gaussian processes


def gaussian_kernel(a, b, length_scale=1.0):
    squares = np.sum((a[:, None].astype("float64") - b[None]) ** 2, axis=-1)
    return np.exp(-squares / (2 * length_scale**2))


def gaussian_process_covariance(train, test, length_scale=1.0):
    """Of an exact Gaussian process with unit noise."""
    across = gaussian_kernel(test, train, length_scale)
    noisy = gaussian_kernel(train, train, length_scale) + np.eye(len(train))
    return gaussian_kernel(test, test, length_scale) - across @ np.linalg.solve(noisy, across.T)


def brute_force_gram(features, weights=None):
    """Sum over rows of `weight * feature feature^T`."""
    gram = np.zeros((features.shape[1], features.shape[1]))
    for feature, weight in zip(features, np.ones(len(features)) if weights is None else weights, strict=True):
        gram += weight * np.outer(feature, feature)
    return gram


def dense_covariance(gram, ridge, features):
    return features @ np.linalg.inv(gram + ridge * np.eye(len(gram))) @ features.T
