"""Expected calibration error against closed forms and a loop over bins."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_sngp.metrics.calibration import expected_calibration_error

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
    with pytest.raises(ValueError, match=r"probabilities \(rows, classes\) and labels \(rows,\).*Received"):
        expected_calibration_error(probabilities, labels)


@pytest.mark.parametrize("num_bins", [0, -1])
def test_number_of_bins_must_be_at_least_one(num_bins):
    with pytest.raises(ValueError, match=rf"num_bins.*Received: {num_bins}"):
        expected_calibration_error([[0.7, 0.3]], [0], num_bins)


def test_probabilities_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="NaN"):
        expected_calibration_error([[np.nan, 0.3]], [0])


@pytest.mark.parametrize("label", [-1, 2])
def test_labels_out_of_range_are_refused(label):
    with pytest.raises(ValueError, match=rf"abels.*0.*1.*{label}"):
        expected_calibration_error([[0.7, 0.3]], [label])
