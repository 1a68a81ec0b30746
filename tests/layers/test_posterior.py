"""The posterior's mathematics against float64 inverses and as properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from mathematics import numpy

from keras_sngp.layers import posterior

FAST = settings(max_examples=30, deadline=None, derandomize=True)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def tensor(array):
    return ops.convert_to_tensor(array.astype("float32"))


def gram(features, weights):
    return numpy(posterior.gram_matrix(tensor(features), tensor(weights)))


@pytest.mark.parametrize("ridge", [1e-6, 0.1, 1.0, 100.0])
@pytest.mark.parametrize("rows", [2, 8, 50])
def test_root_times_its_transpose_is_the_inverse(rows, ridge):
    features = normal(rows, 8)
    matrix = features.T @ features
    root = posterior.covariance_root(matrix, ridge)
    assert root.dtype == np.float64
    expected = np.linalg.inv(matrix + ridge * np.eye(8))
    np.testing.assert_allclose(root @ root.T, expected, rtol=1e-6, atol=1e-9 * np.abs(expected).max())


def test_root_of_a_matrix_a_class_is_each_ones_root():
    features = normal(3, 10, 4)
    matrices = np.einsum("kni,knj->kij", features, features)
    roots = posterior.covariance_root(matrices, 0.5)
    for root, matrix in zip(roots, matrices, strict=True):
        np.testing.assert_array_equal(root, posterior.covariance_root(matrix, 0.5))


def test_root_of_no_data_is_the_priors():
    np.testing.assert_allclose(posterior.covariance_root(np.zeros((3, 3)), 4.0), 0.5 * np.eye(3))


def test_root_takes_float32_and_does_not_change_its_argument():
    matrix = (normal(6, 4).T @ normal(6, 4)).astype("float32")
    before = matrix.copy()
    posterior.covariance_root(matrix, 1.0)
    np.testing.assert_array_equal(matrix, before)


@pytest.mark.parametrize("size", [4, 512, 1023])
def test_gram_matrix_is_the_sum_over_rows(size):
    features, weights = normal(7, size), np.abs(normal(7, seed=1))
    expected = sum(w * np.outer(f, f) for w, f in zip(weights, features, strict=True))
    np.testing.assert_allclose(gram(features, weights), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [4, 513])
def test_gram_matrix_a_class_takes_a_column_of_weights_each(size):
    features, weights = normal(7, size), np.abs(normal(7, 3, seed=1))
    expected = [gram(features, weights[:, label]) for label in range(3)]
    np.testing.assert_allclose(gram(features, weights), expected, rtol=1e-4, atol=1e-5)


@FAST
@given(st.permutations(range(12)), st.sampled_from([1, 5, 12]))
def test_gram_matrices_of_shards_add_up_in_any_order(order, batch_size):
    features, weights = normal(12, 4), np.abs(normal(12, seed=1))
    parts = [order[start : start + batch_size] for start in range(0, 12, batch_size)]
    total = sum(gram(features[part], weights[part]) for part in parts)
    np.testing.assert_allclose(total, gram(features, weights), rtol=1e-5, atol=1e-5)


@FAST
@given(st.integers(0, 10_000), st.sampled_from([1e-3, 1.0, 100.0]))
def test_variance_never_rises_as_data_is_added(seed, ridge):
    generator = np.random.default_rng(seed)
    test = tensor(generator.normal(size=(5, 4)))
    matrix = np.zeros((4, 4))
    before = numpy(posterior.variance(test, tensor(posterior.covariance_root(matrix, ridge))))
    for _ in range(4):
        row = generator.normal(size=4) * generator.choice([0.1, 1, 10])
        matrix += generator.uniform(0, 2) * np.outer(row, row)
        after = numpy(posterior.variance(test, tensor(posterior.covariance_root(matrix, ridge))))
        assert (after <= before * (1 + 1e-4)).all()
        before = after


@pytest.mark.parametrize("rows", [3, 8, 40])
def test_variance_is_positive_and_accurate_at_a_tiny_ridge_in_float32(rows):
    """Three rows leave five directions without data, where the precision is the ridge of 1e-8 alone."""
    features, test = normal(rows, 8), normal(20, 8, seed=1)
    matrix = features.T @ features
    variance = numpy(posterior.variance(tensor(test), tensor(posterior.covariance_root(matrix, 1e-8))))
    values, vectors = np.linalg.eigh(matrix)
    expected = np.sum((test @ vectors) ** 2 / (np.maximum(values, 0) + 1e-8), axis=1)
    assert (variance >= 0).all()
    np.testing.assert_allclose(variance, expected, rtol=1e-3)


def test_variance_is_the_diagonal_of_the_covariance():
    root = posterior.covariance_root(normal(6, 4).T @ normal(6, 4), 1.0)
    features = tensor(normal(5, 4, seed=1))
    covariance = numpy(posterior.covariance(features, tensor(root)))
    np.testing.assert_allclose(covariance, covariance.T, atol=1e-6)
    np.testing.assert_allclose(numpy(posterior.variance(features, tensor(root))), np.diagonal(covariance), rtol=1e-5)
    expected = normal(5, 4, seed=1) @ root @ root.T @ normal(5, 4, seed=1).T
    np.testing.assert_allclose(covariance, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [1, 128, 129, 300])
@pytest.mark.parametrize("ridge", [1.0, 1e-6])
def test_the_root_is_upper_triangular_and_that_of_the_inverse(size, ridge):
    matrix = normal(size // 2 + 1, size).astype("float64")
    root = posterior.covariance_root(matrix.T @ matrix, ridge)
    np.testing.assert_array_equal(root, np.triu(root))
    precision = matrix.T @ matrix + ridge * np.eye(size)
    np.testing.assert_allclose(root.T @ precision @ root, np.eye(size), atol=1e-6)


@pytest.mark.parametrize("rows", [1, posterior.FEW_ROWS, posterior.FEW_ROWS + 1])
@pytest.mark.parametrize("features", [1, 2, 3, 4, 5, 18, 1024])
def test_variance_is_that_of_the_whole_root_for_any_number_of_rows_and_features(rows, features):
    phi = normal(rows, features)
    root = posterior.covariance_root(gram(normal(9, features, seed=1), np.ones(9)), 0.5)
    expected = np.square(phi @ root).sum(axis=1)
    np.testing.assert_allclose(numpy(posterior.variance(tensor(phi), tensor(root))), expected, rtol=1e-4)


def test_variance_and_covariance_a_class():
    roots = np.stack([posterior.covariance_root(k * np.eye(4), 1.0) for k in range(3)])
    features = normal(5, 4)
    variance = numpy(posterior.variance(tensor(features), tensor(roots)))
    covariance = numpy(posterior.covariance(tensor(features), tensor(roots)))
    squares = np.sum(features**2, axis=1)
    np.testing.assert_allclose(variance, squares[:, None] / [1, 2, 3], rtol=1e-5)
    assert covariance.shape == (3, 5, 5)
    np.testing.assert_allclose(covariance[1], features @ features.T / 2, rtol=1e-4, atol=1e-5)


def test_rank_deficient_gram_needs_no_jitter():
    feature = normal(8)
    root = posterior.covariance_root(np.outer(feature, feature), 1e-3)
    inverse = (np.eye(8) - np.outer(feature, feature) / (1e-3 + feature @ feature)) / 1e-3
    np.testing.assert_allclose(root @ root.T, inverse, rtol=1e-6, atol=1e-6)


def test_rounding_below_zero_is_raised_with_a_warning_that_says_by_how_much():
    matrix = np.diag([1.0, 1.0, -1e-7])
    with pytest.warns(UserWarning, match=r"not positive definite with ridge 1e-09; [0-9.]+e-07 was added"):
        root = posterior.covariance_root(matrix, 1e-9)
    assert np.isfinite(root).all()
    np.testing.assert_allclose((root @ root.T)[:2, :2], np.eye(2), rtol=1e-5)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_gram_that_is_not_finite_is_refused(bad):
    matrix = np.eye(3)
    matrix[1, 1] = bad
    with pytest.raises(ValueError, match=r"finite features and logits.*NaN or infinite"):
        posterior.covariance_root(matrix, 1.0)


@pytest.mark.parametrize("matrix", [-5 * np.eye(3), np.diag([1.0, 1.0, -5.0])])
def test_gram_with_negative_eigenvalues_is_refused_by_naming_the_smallest(matrix):
    with pytest.raises(ValueError, match=r"not positive semi-definite.*smallest eigenvalue is -5"):
        posterior.covariance_root(matrix, 1.0)


@pytest.mark.parametrize("copies", [1, 2, 50])
def test_held_out_variance_ratio_of_equal_rows_has_a_closed_form(copies):
    """With N equal rows `phi`, N - 1 of them leave `s / (tau + (N - 1) s)` of the prior's `s / tau`, `s = phi.phi`."""
    feature, ridge = np.array([1.0, 2.0]), 0.5
    matrix = copies * np.outer(feature, feature)
    root = posterior.covariance_root(matrix, ridge)
    ratio = posterior.held_out_variance_ratio(matrix, root, ridge, copies)
    np.testing.assert_allclose(ratio, ridge / (ridge + (copies - 1) * 5), rtol=1e-6)


def test_held_out_variance_ratio_is_one_for_rows_that_share_nothing():
    matrix = np.eye(4)
    root = posterior.covariance_root(matrix, 0.1)
    np.testing.assert_allclose(posterior.held_out_variance_ratio(matrix, root, 0.1, 4), 1.0)
