"""Curvatures against second differences of each log-likelihood."""

import numpy as np
import pytest
from keras import ops
from mathematics import numpy

from keras_sngp.layers.likelihood import check_likelihood, curvature


def logits(units, seed=0):
    return np.random.default_rng(seed).normal(scale=2, size=(6, units))


def second_difference(log_likelihood, logit, step=1e-3):
    centre = log_likelihood(logit)
    return -(log_likelihood(logit + step) - 2 * centre + log_likelihood(logit - step)) / step**2


def log_softmax(row):
    return row - np.logaddexp.reduce(row)


@pytest.mark.parametrize(
    "likelihood, log_likelihood",
    [
        ("gaussian", lambda f: -0.5 * (3.0 - f) ** 2),
        ("binary_logistic", lambda f: -np.logaddexp(0, -f)),
        ("poisson", lambda f: 4 * f - np.exp(f)),
    ],
)
def test_curvature_is_minus_the_second_derivative_of_the_log_likelihood(likelihood, log_likelihood):
    f = logits(1)
    weights = numpy(curvature(ops.convert_to_tensor(f.astype("float32")), likelihood, per_class=False))
    assert weights.shape == (6,)
    np.testing.assert_allclose(weights, second_difference(log_likelihood, f[:, 0]), rtol=1e-4, atol=1e-6)


def test_categorical_curvature_is_that_of_each_logit_and_shared_its_mean():
    f = logits(4)
    tensor = ops.convert_to_tensor(f.astype("float32"))
    each = numpy(curvature(tensor, "categorical", per_class=True))
    expected = np.zeros((6, 4))
    for row in range(6):
        for label in range(4):
            step = np.eye(4)[label]
            expected[row, label] = second_difference(lambda t, r=row, s=step: log_softmax(f[r] + t * s)[0], 0.0)
    np.testing.assert_allclose(each, expected, rtol=1e-3, atol=1e-6)
    shared = numpy(curvature(tensor, "categorical", per_class=False))
    np.testing.assert_allclose(shared, expected.mean(axis=1), rtol=1e-3, atol=1e-6)


def test_curvature_of_two_classes_is_the_binary_one_of_their_difference():
    f = logits(2)
    shared = numpy(curvature(ops.convert_to_tensor(f.astype("float32")), "categorical", per_class=False))
    difference = ops.convert_to_tensor((f[:, :1] - f[:, 1:]).astype("float32"))
    np.testing.assert_allclose(shared, numpy(curvature(difference, "binary_logistic", per_class=False)), rtol=1e-4)


@pytest.mark.parametrize("likelihood, units", [("binary_logistic", 1), ("categorical", 3)])
def test_curvature_of_extreme_logits_is_zero_and_finite(likelihood, units):
    f = np.zeros((2, units), "float32")
    f[:, 0] = [1e4, -1e4]
    weights = numpy(curvature(ops.convert_to_tensor(f), likelihood, per_class=False))
    assert np.isfinite(weights).all()
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights[0], 0, atol=1e-6)


@pytest.mark.parametrize(
    "likelihood, units", [("gaussian", 1), ("gaussian", 5), ("poisson", 1), ("binary_logistic", 1), ("categorical", 2)]
)
def test_fitting_pairs_are_accepted(likelihood, units):
    assert check_likelihood(likelihood, units) is None


@pytest.mark.parametrize(
    "likelihood, units, message",
    [
        ("student", 1, "gaussian, binary_logistic, poisson, categorical.*'student'"),
        ("binary_logistic", 2, "one logit.*units=2"),
        ("poisson", 3, "one logit.*units=3"),
        ("categorical", 1, "at least 2 classes.*units=1"),
    ],
)
def test_pairs_that_do_not_fit_are_refused(likelihood, units, message):
    with pytest.raises(ValueError, match=message):
        check_likelihood(likelihood, units)
