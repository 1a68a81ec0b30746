"""Scores against closed forms, loops and their ranges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mathematics import softmax

from keras_sngp.metrics import scores

FAST = settings(max_examples=60, deadline=None, derandomize=True)
LOGITS = arrays("float64", st.tuples(st.integers(1, 5), st.integers(2, 6)), elements=st.floats(-50, 50))
SAMPLED_LOGITS = arrays(
    "float64", st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(2, 5)), elements=st.floats(-50, 50)
)


def loop_entropy(row):
    return -sum(p * np.log(p) for p in row if p > 0)


def test_closed_forms():
    np.testing.assert_allclose(
        scores.entropy([[0.5, 0.5], [1.0, 0.0], [0.9, 0.1]]), [np.log(2), 0, 0.325083], rtol=1e-5
    )
    np.testing.assert_allclose(scores.entropy(np.full((1, 10), 0.1)), [np.log(10)])
    np.testing.assert_allclose(scores.max_probability([[0.2, 0.7, 0.1], [1, 0, 0]]), [0.7, 1.0])
    np.testing.assert_allclose(scores.bernoulli_variance([[0.2, 0.7, 0.1], [0.5, 0.5, 0]]), [0.21, 0.25])
    np.testing.assert_allclose(scores.dempster_shafer([[0.0, 0.0], [np.log(3), np.log(3)]]), [0.5, 0.25])


def test_mutual_information_closed_forms():
    """Members that are each sure of another class disagree by log 2; equal members do not disagree."""
    sure = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])
    np.testing.assert_allclose(scores.mutual_information(sure), [np.log(2)])
    np.testing.assert_allclose(scores.mutual_information(np.full((4, 3, 5), 0.2)), np.zeros(3), atol=1e-12)


@FAST
@given(LOGITS)
def test_entropy_is_the_loop_over_classes_between_zero_and_its_largest(logits):
    probabilities = softmax(logits)
    entropy = scores.entropy(probabilities)
    np.testing.assert_allclose(entropy, [loop_entropy(row) for row in probabilities], atol=1e-12)
    assert (entropy >= -1e-12).all()
    assert (entropy <= np.log(logits.shape[1]) + 1e-12).all()


@FAST
@given(LOGITS)
def test_confidence_and_its_variance_keep_their_ranges(logits):
    probabilities = softmax(logits)
    classes = logits.shape[1]
    confidence, variance = scores.max_probability(probabilities), scores.bernoulli_variance(probabilities)
    assert (confidence >= 1 / classes - 1e-12).all()
    assert (confidence <= 1).all()
    assert (variance >= 0).all()
    assert (variance <= 0.25).all()
    np.testing.assert_allclose(variance, confidence * (1 - confidence))


@FAST
@given(SAMPLED_LOGITS)
def test_mutual_information_is_the_loop_over_members_between_zero_and_the_entropy(logits):
    samples = softmax(logits)
    information = scores.mutual_information(samples)
    for row in range(samples.shape[1]):
        mean = np.mean([member[row] for member in samples], axis=0)
        expected = loop_entropy(mean) - np.mean([loop_entropy(member[row]) for member in samples])
        np.testing.assert_allclose(information[row], max(expected, 0), atol=1e-10)
    assert (information >= 0).all()
    assert (information <= scores.entropy(samples.mean(axis=0)) + 1e-10).all()


@FAST
@given(LOGITS)
def test_dempster_shafer_is_its_formula_between_zero_and_one(logits):
    classes = logits.shape[1]
    score = scores.dempster_shafer(logits)
    np.testing.assert_allclose(score, classes / (classes + np.exp(logits).sum(axis=1)), rtol=1e-9)
    assert (score >= 0).all()
    assert (score <= 1).all()


def test_dempster_shafer_sees_the_size_of_logits_that_a_softmax_does_not():
    small, large = np.array([[0.0, 1.0]]), np.array([[5.0, 6.0]])
    np.testing.assert_allclose(softmax(small), softmax(large))
    assert scores.dempster_shafer(small) > 0.3 > 0.02 > scores.dempster_shafer(large)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dempster_shafer_of_huge_logits_is_zero_or_one_without_overflow(dtype):
    logits = np.array([[1e4, 0.0], [200.0, 100.0], [-1e4, -1e4]], dtype)
    np.testing.assert_allclose(scores.dempster_shafer(logits), [0, 0, 1], atol=1e-30)


def test_scores_take_lists_and_keep_leading_axes():
    samples = np.full((4, 3, 2), 0.5)
    assert scores.entropy(samples).shape == (4, 3)
    assert scores.max_probability(samples.tolist()).shape == (4, 3)
    assert scores.mutual_information(samples.tolist()).shape == (3,)
    assert scores.dempster_shafer([[0, 0]]).shape == (1,)


def test_fisher_is_twice_the_sum_of_the_logarithms_of_shares_of_held_out_rows():
    held_out = [np.array([1.0, 2.0, 3.0, 4.0]), np.array([10.0, 10.0, 20.0, 30.0])]
    found = scores.fisher([[3.0, 0.0], [10.0, 40.0]], held_out)
    np.testing.assert_allclose(found, [-2 * np.log(2 / 5 * 3 / 5), -2 * np.log(5 / 5 * 1 / 5)])


def test_the_weights_of_fisher_say_how_much_each_score_counts():
    first, second, known_first, known_second = np.random.default_rng(0).normal(size=(4, 50))
    both, known = [first, second], [known_first, known_second]
    alone = [scores.fisher([one], [other]) for one, other in zip(both, known, strict=True)]
    np.testing.assert_allclose(scores.fisher(both, known, [1, 0.25]), alone[0] + 0.25 * alone[1])
    np.testing.assert_allclose(scores.fisher(both, known, [1, 1]), scores.fisher(both, known))
    np.testing.assert_allclose(scores.fisher(both, known, [0, 2]), 2 * alone[1])


@pytest.mark.parametrize(
    ("weights", "message"),
    [([1.0], "shape"), ([1.0, -0.5], "at least 0.*-0.5"), ([1.0, np.nan], "finite")],
)
def test_fisher_names_what_is_wrong_with_weights(weights, message):
    with pytest.raises(ValueError, match=message):
        scores.fisher([[1.0], [1.0]], [[1.0], [1.0]], weights)


def test_fisher_does_not_depend_on_units_and_of_one_score_keeps_the_order():
    generator = np.random.default_rng(0)
    first, second, known_first, known_second = generator.normal(size=(4, 200))
    np.testing.assert_allclose(
        scores.fisher([first, second], [known_first, known_second]),
        scores.fisher([np.exp(first), 1000 * second - 7], [np.exp(known_first), 1000 * known_second - 7]),
    )
    alone = scores.fisher([first], [known_first])[np.argsort(first)]
    assert (np.diff(alone) >= 0).all()


def test_rows_like_the_held_out_ones_have_fisher_scores_of_a_chi_squared_variable():
    """With two independent scores, of four degrees of freedom."""
    first, second, known_first, known_second = np.random.default_rng(0).normal(size=(4, 20_000))
    found = scores.fisher([first, second], [known_first, known_second])
    np.testing.assert_allclose(found.mean(), 4, atol=0.1)
    np.testing.assert_allclose(found.var(), 8, atol=0.5)


def test_held_out_rows_are_not_counted_among_those_above_themselves():
    """So that a threshold learned on them is that of new rows."""
    held_out = [np.arange(4.0), np.arange(4.0)]
    np.testing.assert_allclose(scores.fisher(held_out, held_out), -4 * np.log([4 / 5, 3 / 5, 2 / 5, 1 / 5]))


@pytest.mark.parametrize(
    ("found", "held_out", "message"),
    [
        ([[1.0]], [[1.0], [2.0]], "Received: 1 and 2"),
        ([], [], "Received: 0 and 0"),
        ([[1.0], [1.0, 2.0]], [[1.0], [1.0]], r"shape \(1,\)"),
        ([[np.nan]], [[1.0]], "finite"),
        ([[1.0]], [[np.inf]], "finite"),
        ([[1.0]], [[]], "at least one row"),
    ],
)
def test_fisher_names_what_it_expected(found, held_out, message):
    with pytest.raises(ValueError, match=message):
        scores.fisher(found, held_out)
