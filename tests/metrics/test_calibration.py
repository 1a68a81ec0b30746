"""Calibration errors against closed forms, loops over bins and simulated models."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from keras_sngp.metrics import (
    adaptive_calibration_error,
    classwise_calibration_error,
    confidence_bins,
    debiased_calibration_error,
    expected_calibration_error,
    maximum_calibration_error,
    top_label_calibration_error,
)

FAST = settings(max_examples=60, deadline=None, derandomize=True)


def random_case(seed, rows=40, classes=3):
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.full(classes, generator.choice([0.1, 1.0, 10.0])), size=rows)
    return probabilities, generator.integers(0, classes, rows)


def loop_over_bins(probabilities, labels, num_bins):
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    error = 0.0
    for index in range(num_bins):
        last = index == num_bins - 1
        low, high = index / num_bins, np.inf if last else (index + 1) / num_bins
        inside = (confidence >= low) & (confidence < high)
        if inside.any():
            error += inside.mean() * abs(correct[inside].mean() - confidence[inside].mean())
    return error


@FAST
@given(st.integers(0, 100_000), st.sampled_from([1, 2, 10, 15, 100]))
def test_error_is_the_loop_over_bins_between_zero_and_one(seed, num_bins):
    probabilities, labels = random_case(seed)
    error = expected_calibration_error(probabilities, labels, num_bins)
    np.testing.assert_allclose(error, loop_over_bins(probabilities, labels, num_bins), atol=1e-12)
    assert 0 <= error <= 1


@FAST
@given(st.integers(0, 100_000), st.permutations(range(40)))
def test_order_of_rows_does_not_matter(seed, order):
    probabilities, labels = random_case(seed)
    expected = expected_calibration_error(probabilities, labels)
    np.testing.assert_allclose(expected_calibration_error(probabilities[order], labels[order]), expected, atol=1e-12)


def test_confidence_of_exactly_one_is_counted():
    certain = np.array([[1.0, 0.0]] * 4)
    assert expected_calibration_error(certain, [0, 0, 0, 0]) == 0
    assert expected_calibration_error(certain, [1, 1, 1, 1]) == 1
    assert expected_calibration_error(certain, [0, 0, 1, 1]) == 0.5


def test_calibrated_predictions_have_no_error_and_overconfident_ones_their_gap():
    probabilities = np.array([[0.8, 0.2]] * 10)
    np.testing.assert_allclose(expected_calibration_error(probabilities, [0] * 8 + [1] * 2), 0, atol=1e-12)
    np.testing.assert_allclose(expected_calibration_error(probabilities, [0] * 5 + [1] * 5), 0.3)


def test_bins_keep_opposite_gaps_from_cancelling():
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4]])
    labels = [1, 0]
    np.testing.assert_allclose(expected_calibration_error(probabilities, labels, 10), (0.9 + 0.4) / 2)
    np.testing.assert_allclose(expected_calibration_error(probabilities, labels, 1), abs(0.5 - 0.75))


def test_result_is_a_plain_number():
    assert isinstance(expected_calibration_error(np.array([[0.7, 0.3]], "float32"), [0]), float)


@pytest.mark.parametrize(
    "probabilities, labels",
    [
        (np.zeros((0, 2)), np.zeros(0, int)),
        (np.full((3, 2), 0.5), [0, 1]),
        (np.full(3, 0.5), [0, 1, 0]),
        (np.full((3, 2), 0.5), [[0], [1], [0]]),
    ],
)
def test_shapes_that_do_not_fit_are_refused_with_what_was_received(probabilities, labels):
    with pytest.raises(ValueError, match=r"must have the shape .*Received: shape \("):
        expected_calibration_error(probabilities, labels)


@pytest.mark.parametrize("num_bins", [0, -1])
def test_number_of_bins_must_be_at_least_one(num_bins):
    with pytest.raises(ValueError, match=rf"num_bins.*Received: {num_bins}"):
        expected_calibration_error([[0.7, 0.3]], [0], num_bins)


def test_probabilities_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match=r"NaN"):
        expected_calibration_error([[np.nan, 0.3]], [0])


@pytest.mark.parametrize("label", [-1, 2])
def test_labels_out_of_range_are_refused(label):
    with pytest.raises(ValueError, match=rf"abels.*0.*1.*{label}"):
        expected_calibration_error([[0.7, 0.3]], [label])


def equal_mass_loop(confidence, came_true, num_bins):
    error = 0.0
    index = np.array([int((confidence < value).sum() * num_bins / len(confidence)) for value in confidence])
    for m in range(num_bins):
        inside = index == m
        if inside.any():
            error += inside.mean() * abs(came_true[inside].mean() - confidence[inside].mean())
    return error


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.data())
def test_errors_agree_with_brute_force_on_any_probabilities(data):
    classes, rows = data.draw(st.integers(2, 5)), data.draw(st.integers(1, 30))
    weights = data.draw(arrays("float64", (rows, classes), elements=st.integers(0, 4).map(float)))
    weights[weights.sum(axis=1) == 0, 0] = 1
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    labels = data.draw(arrays("int64", rows, elements=st.integers(0, classes - 1)))
    num_bins = data.draw(st.integers(1, 20))
    np.testing.assert_allclose(
        expected_calibration_error(probabilities, labels, num_bins),
        loop_over_bins(probabilities, labels, num_bins),
        atol=1e-12,
    )
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    np.testing.assert_allclose(
        expected_calibration_error(probabilities, labels, num_bins, "equal_mass"),
        equal_mass_loop(confidence, correct, num_bins),
        atol=1e-12,
    )
    np.testing.assert_allclose(
        adaptive_calibration_error(probabilities, labels, num_bins),
        np.mean([equal_mass_loop(probabilities[:, k], labels == k, num_bins) for k in range(classes)]),
        atol=1e-12,
    )


def test_equal_mass_bins_hold_equal_counts_and_never_part_ties():
    distinct = confidence_bins(np.linspace(0.5, 1, 30), np.ones(30), 3, "equal_mass")
    assert distinct.count.tolist() == [10, 10, 10]
    tied = confidence_bins(np.repeat([0.6, 0.9], [7, 3]), np.ones(10), 5, "equal_mass")
    assert sorted(tied.count.tolist()) == [0, 0, 0, 3, 7]


def test_classwise_error_is_the_mean_of_each_classs_own_error():
    probabilities, labels = random_case(3)
    each = []
    for k in range(3):
        two = np.column_stack([1 - probabilities[:, k], probabilities[:, k]])
        bins = confidence_bins(two[:, 1], labels == k, 10)
        each.append(np.sum(bins.count / 40 * np.abs(bins.accuracy - bins.confidence)))
    np.testing.assert_allclose(classwise_calibration_error(probabilities, labels, 10), np.mean(each))


def test_top_label_error_sees_what_cancels_between_classes():
    probabilities = np.array([[0.8, 0.2]] * 10 + [[0.2, 0.8]] * 10)
    labels = np.array([0] * 10 + [1] * 6 + [0] * 4)
    assert expected_calibration_error(probabilities, labels) == pytest.approx(0)
    assert top_label_calibration_error(probabilities, labels) == pytest.approx(0.2)


def test_maximum_error_is_the_worst_bin():
    probabilities = np.array([[0.95, 0.05]] * 9 + [[0.55, 0.45]])
    assert maximum_calibration_error(probabilities, [0] * 9 + [1], num_bins=10) == pytest.approx(0.55)
    assert maximum_calibration_error(probabilities, [0] * 9 + [1], num_bins=1) == pytest.approx(abs(0.9 - 0.91))


def test_most_of_what_chance_adds_is_taken_off_a_calibrated_models_error():
    generator = np.random.default_rng(0)
    debiased, plain = [], []
    for _ in range(200):
        confidence = generator.uniform(0.5, 1, 300)
        labels = (generator.random(300) > confidence).astype(int)
        bins = confidence_bins(confidence, labels == 0, 15, "equal_mass")
        plain.append(np.sum(bins.share * bins.gap**2))
        debiased.append(debiased_calibration_error(np.column_stack([confidence, 1 - confidence]), labels) ** 2)
    assert np.mean(plain) > 0.08**2
    assert np.mean(debiased) < 0.25 * np.mean(plain)


def test_debiased_error_of_an_overconfident_model_is_its_gap():
    generator = np.random.default_rng(1)
    labels = (generator.random(20_000) > 0.7).astype(int)
    assert debiased_calibration_error(np.tile([0.9, 0.1], (20_000, 1)), labels) == pytest.approx(0.2, abs=0.01)


def test_accuracy_band_is_wilsons_interval():
    bins = confidence_bins(np.full(50, 0.7), np.repeat([1, 0], [30, 20]), 1)
    low, high = bins.accuracy_band()
    expected = stats.binomtest(30, 50).proportion_ci(method="wilson")
    np.testing.assert_allclose([low[0], high[0]], [expected.low, expected.high])
    empty = confidence_bins(np.full(5, 0.9), np.ones(5), 2).accuracy_band()
    assert (empty[0][0], empty[1][0]) == (0, 1)


def test_an_unknown_binning_is_refused():
    with pytest.raises(ValueError, match=r"equal_width, equal_mass. Received: 'quantile'"):
        expected_calibration_error([[0.7, 0.3]], [0], binning="quantile")


def test_probabilities_that_do_not_add_up_or_are_negative_are_refused():
    with pytest.raises(ValueError, match=r"add up to 1. Received: 0.8 in row 1"):
        expected_calibration_error([[0.7, 0.3], [0.5, 0.3]], [0, 0])
    with pytest.raises(ValueError, match=r"must not be negative. Received: -0.5 in row 0, column 1"):
        expected_calibration_error([[1.5, -0.5]], [0])


def test_other_things_than_numbers_are_refused():
    with pytest.raises(ValueError, match=r"must be numbers. Received: dtype <U3"):
        expected_calibration_error([["cat", "dog"]], [0])
    with pytest.raises(ValueError, match=r"rows of different lengths"):
        expected_calibration_error([[0.5, 0.5], [1.0]], [0, 0])
    with pytest.raises(ValueError, match=r"whole class numbers. Received: 0.5"):
        expected_calibration_error([[0.7, 0.3]], [0.5])
