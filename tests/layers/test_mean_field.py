"""The mean-field approximation against the integral it stands for."""

import numpy as np
import pytest
from keras import ops
from mathematics import numpy, softmax

from keras_sngp.layers.mean_field import MEAN_FIELD_FACTOR, mean_field_logits, monte_carlo_logits


def adjusted(logits, covmat=None, *arguments, **options):
    """On float32 tensors, as layers call it."""
    tensors = {name: tensor(value) if name == "variance" else value for name, value in options.items()}
    return numpy(mean_field_logits(tensor(logits), None if covmat is None else tensor(covmat), *arguments, **tensors))


def tensor(array):
    return ops.convert_to_tensor(np.asarray(array, "float32"))


@pytest.mark.parametrize("dtype", ["float64", "int32"])
def test_logits_of_another_type_than_the_covariance_decide_the_type_of_the_result(dtype):
    logits = np.array([[2, 4]], dtype=dtype)
    result = numpy(mean_field_logits(logits, tensor(np.eye(1) * 3.0), 1.0))
    np.testing.assert_allclose(result, [[1.0, 2.0]], rtol=1e-6)


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


LOGITS = np.array([[2.0, -1.0, 0.5], [0.1, 0.0, -0.2], [-3.0, 1.0, 4.0]])


@pytest.mark.parametrize("variance, tolerance", [(0.1, 0.001), (1.0, 0.006), (4.0, 0.012), (25.0, 0.02)])
def test_mean_of_a_sigmoid_is_close_at_every_variance(variance, tolerance):
    """By Gauss-Hermite quadrature; the worst error over logits from -6 to 6."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    logits = np.linspace(-6, 6, 25)
    exact = sigmoid(logits[:, None] + np.sqrt(variance) * nodes) @ weights / weights.sum()
    approximate = sigmoid(adjusted(logits[:, None], np.full(25, variance))[:, 0])
    assert np.abs(approximate - exact).max() < tolerance


@pytest.mark.parametrize("variance, tolerance", [(0.01, 0.002), (0.1, 0.015), (0.3, 0.04)])
def test_mean_of_a_softmax_is_close_at_small_variances(variance, tolerance):
    samples = monte_carlo_logits(LOGITS, np.full(3, variance), 100_000, seed=0)
    exact = softmax(samples).mean(axis=0)
    approximate = softmax(adjusted(LOGITS, np.full(3, variance)))
    assert np.abs(approximate - exact).max() < tolerance


def test_large_variance_ends_at_equal_probabilities():
    np.testing.assert_allclose(softmax(adjusted(LOGITS, np.full(3, 1e10))), 1 / 3, atol=1e-4)


def test_predicted_class_never_changes():
    for variance in (0.0, 1.0, 100.0):
        np.testing.assert_array_equal(adjusted(LOGITS, np.full(3, variance)).argmax(axis=1), LOGITS.argmax(axis=1))


def test_formula_with_the_default_and_another_factor():
    variance = np.array([0.0, 1.0, 9.0])
    assert np.pi / 8 == MEAN_FIELD_FACTOR
    expected = LOGITS / np.sqrt(1 + np.pi / 8 * variance[:, None])
    np.testing.assert_allclose(adjusted(LOGITS, variance), expected, rtol=1e-5)
    np.testing.assert_allclose(adjusted(LOGITS, variance, 2.0), LOGITS / np.sqrt(1 + 2 * variance[:, None]), rtol=1e-5)
    np.testing.assert_allclose(
        adjusted(LOGITS, variance, mean_field_factor=2.0), LOGITS / np.sqrt(1 + 2 * variance[:, None]), rtol=1e-5
    )


def test_factor_zero_leaves_the_logits():
    np.testing.assert_allclose(adjusted(LOGITS, np.full(3, 7.0), 0), LOGITS, rtol=1e-6)


def test_covariance_its_diagonal_and_variance_give_the_same():
    covariance = np.array([[1.0, 0.3, 0.1], [0.3, 2.0, 0.0], [0.1, 0.0, 3.0]])
    expected = adjusted(LOGITS, np.diagonal(covariance))
    np.testing.assert_array_equal(adjusted(LOGITS, covariance), expected)
    np.testing.assert_array_equal(adjusted(LOGITS, variance=np.diagonal(covariance)), expected)


def test_covariance_a_class_adjusts_each_column_by_its_own():
    logits = LOGITS[:2]
    covariances = np.stack([np.diag([1.0, 2.0]), np.diag([3.0, 4.0]), np.diag([5.0, 6.0])])
    expected = logits / np.sqrt(1 + np.pi / 8 * np.array([[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]))
    np.testing.assert_allclose(adjusted(logits, covariances), expected, rtol=1e-5)
    np.testing.assert_allclose(adjusted(logits, variance=np.array([[1, 3, 5], [2, 4, 6]])), expected, rtol=1e-5)


def test_one_logit_a_row_as_a_vector():
    expected = np.array([1.0, 2.0]) / np.sqrt(1 + np.pi / 8 * np.array([0.0, 3.0]))
    np.testing.assert_allclose(adjusted([1.0, 2.0], np.diag([0.0, 3.0])), expected, rtol=1e-5)


def test_numpy_arrays_are_taken_as_they_are():
    np.testing.assert_allclose(numpy(mean_field_logits(LOGITS, np.zeros((3, 3)))), LOGITS, rtol=1e-6)


@pytest.mark.parametrize("factor", [-1e-6, -2.0, float("nan")])
def test_negative_factor_is_refused(factor):
    with pytest.raises(ValueError, match=r"mean_field_factor.*Received"):
        mean_field_logits(LOGITS, np.zeros(3), factor)


def test_exactly_one_of_covariance_and_variance_is_needed():
    for options in ({}, {"covmat": np.zeros(3), "variance": np.zeros(3)}):
        with pytest.raises(ValueError, match="either `covmat` or `variance`"):
            mean_field_logits(LOGITS, **options)


@pytest.mark.parametrize("shape", [(3, 4), (), (2, 3, 4)])
def test_covariance_that_is_not_square_is_refused_with_its_shape(shape):
    with pytest.raises(ValueError, match=rf"covmat.*Received shape: {str(shape).replace('(', '.').replace(')', '.')}"):
        mean_field_logits(LOGITS, np.zeros(shape))


def test_monte_carlo_samples_have_the_given_moments():
    logits, variance = LOGITS.astype("float32"), np.array([0.0, 1.0, 4.0])
    samples = monte_carlo_logits(logits, variance, 40_000, seed=0)
    assert samples.shape == (40_000, 3, 3)
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples[:, 0], np.broadcast_to(logits[0], (40_000, 3)))
    np.testing.assert_allclose(samples.mean(axis=0), logits, atol=0.05)
    np.testing.assert_allclose(samples.var(axis=0), np.broadcast_to(variance[:, None], (3, 3)), atol=0.15)
    correlations = np.corrcoef(samples[:, 1:].reshape(-1, 6).T)
    np.testing.assert_allclose(correlations, np.eye(6), atol=0.03)


def test_monte_carlo_samples_of_a_variance_a_class():
    variance = np.array([[1.0, 4.0, 9.0]] * 3)
    samples = monte_carlo_logits(LOGITS, variance, 40_000, seed=1)
    np.testing.assert_allclose(samples.var(axis=0), variance, rtol=0.05)


def test_monte_carlo_samples_follow_their_seed():
    first, again, other = (monte_carlo_logits(LOGITS, np.ones(3), 2, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


def test_monte_carlo_needs_a_sample():
    with pytest.raises(ValueError, match=r"num_samples.*Received: 0"):
        monte_carlo_logits(LOGITS, np.ones(3), 0)
