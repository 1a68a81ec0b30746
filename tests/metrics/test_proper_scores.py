"""Accuracy, likelihood and Brier score against scikit-learn; the decomposition against its identity."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss

from keras_sngp.metrics import accuracy, brier_decomposition, brier_score, negative_log_likelihood

FAST = settings(max_examples=40, deadline=None, derandomize=True)


def random_case(seed, rows=50, classes=4):
    generator = np.random.default_rng(seed)
    return generator.dirichlet(np.ones(classes), size=rows), generator.integers(0, classes, rows)


@FAST
@given(st.integers(0, 100_000))
def test_scores_are_those_of_scikit_learn(seed):
    probabilities, labels = random_case(seed)
    classes = range(4)
    assert accuracy(probabilities, labels) == accuracy_score(labels, probabilities.argmax(axis=1))
    np.testing.assert_allclose(
        negative_log_likelihood(probabilities, labels), log_loss(labels, probabilities, labels=classes)
    )
    np.testing.assert_allclose(
        brier_score(probabilities, labels), brier_score_loss(labels, probabilities, labels=classes, scale_by_half=False)
    )


@FAST
@given(st.integers(0, 100_000), st.integers(1, 20), st.sampled_from(["equal_width", "equal_mass"]))
def test_the_terms_add_up_to_the_brier_score(seed, num_bins, binning):
    probabilities, labels = random_case(seed)
    parts = brier_decomposition(probabilities, labels, num_bins, binning)
    np.testing.assert_allclose(parts.brier, brier_score(probabilities, labels), atol=1e-12)
    frequencies = np.bincount(labels, minlength=4) / len(labels)
    np.testing.assert_allclose(parts.uncertainty, np.sum(frequencies * (1 - frequencies)))
    assert parts.reliability >= 0
    assert parts.resolution >= 0


def test_the_terms_by_hand():
    # 4 rows of 0.75 of which 2 come true, 4 rows of 0.25 of which 1 does; overall 3 of 8.
    probabilities = np.array([[0.25, 0.75]] * 4 + [[0.75, 0.25]] * 4)
    parts = brier_decomposition(probabilities, [1, 1, 0, 0, 1, 0, 0, 0], num_bins=4)
    np.testing.assert_allclose(parts.reliability, 2 * (0.5 * 0.25**2))
    np.testing.assert_allclose(parts.resolution, 2 * (0.5 * 0.125**2 + 0.5 * 0.125**2))
    np.testing.assert_allclose(parts.uncertainty, 2 * 3 / 8 * 5 / 8)
    np.testing.assert_allclose(parts.within_bins, 0, atol=1e-15)


def test_certainty_about_something_wrong_costs_much_but_not_infinitely_much():
    cost = negative_log_likelihood(np.array([[1.0, 0.0]]), [1])
    assert cost == pytest.approx(-np.log(np.finfo("float64").eps))
    assert cost == pytest.approx(log_loss([1], [[1.0, 0.0]], labels=[0, 1]))


def test_perfect_and_ignorant_predictions():
    assert brier_score(np.eye(3), [0, 1, 2]) == 0
    assert negative_log_likelihood(np.eye(3), [0, 1, 2]) == 0
    assert negative_log_likelihood(np.full((3, 3), 1 / 3), [0, 1, 2]) == pytest.approx(np.log(3))
