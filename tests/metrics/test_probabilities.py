"""One way from outputs to probabilities, for every method, report and command."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from keras_sngp.metrics.array_checks import checked_probabilities
from keras_sngp.metrics.probabilities import as_probabilities, softmax

FAST = settings(max_examples=50, deadline=None, derandomize=True)
PROBABILITIES = np.array([[0.2, 0.7, 0.1], [0.6, 0.3, 0.1]])
LOGITS = np.log(PROBABILITIES) + 2


@FAST
@given(arrays("float64", st.tuples(st.integers(1, 4), st.integers(2, 5)), elements=st.floats(-1e3, 1e3)))
def test_softmax_is_a_distribution_that_ignores_a_shift(logits):
    probabilities = softmax(logits)
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(softmax(logits + 100), probabilities, atol=1e-9)


def test_softmax_closed_form_and_extremes():
    np.testing.assert_allclose(softmax(np.log([[1.0, 2.0, 5.0]])), [[0.125, 0.25, 0.625]])
    np.testing.assert_array_equal(softmax(np.array([[1e30, -1e30]], "float32")), [[1, 0]])


def test_single_logit_is_a_sigmoid_with_two_classes():
    logits = np.array([[0.0], [2.0], [-800.0], [800.0]])
    positive = [0.5, 1 / (1 + np.exp(-2)), 0, 1]
    expected = np.stack([1 - np.array(positive), positive], axis=1)
    np.testing.assert_allclose(softmax(logits), expected, atol=1e-12)


def test_outputs_that_are_logits_or_probabilities_give_the_same():
    np.testing.assert_allclose(as_probabilities(LOGITS, from_logits=True), PROBABILITIES)
    np.testing.assert_array_equal(as_probabilities(PROBABILITIES, from_logits=False), PROBABILITIES)


def test_single_outputs_give_two_classes_either_way():
    np.testing.assert_allclose(as_probabilities(np.array([[0.25], [1.0]]), from_logits=False), [[0.75, 0.25], [0, 1]])
    np.testing.assert_allclose(as_probabilities(np.array([[0.0]]), from_logits=True), [[0.5, 0.5]])


@pytest.mark.parametrize(
    "outputs, from_logits, message",
    [
        (PROBABILITIES, True, "probabilities already.*from_logits=False.*Received: from_logits=True"),
        (LOGITS, False, "must not be negative.*If these are logits, pass `from_logits=True`"),
        (np.array([[-2.0], [3.0]]), False, "must not be negative"),
        (np.array([[0.5, 0.5], [0.5, 0.1]]), False, "add up to 1. Received: 0.6 in row 1"),
        (np.array([[np.nan, 0.1]]), True, "finite numbers.*NaN or nothing in row 0, column 0"),
        (np.array([[np.inf, 0.1]]), False, "finite numbers.*inf in row 0"),
        (np.zeros(4), True, r"\(rows, classes\).*\(4,\)"),
        ([np.zeros((2, 2)), np.zeros((2, 2))], True, r"one output.*Received: list"),
        ({"a": np.zeros((2, 2))}, True, r"one output.*Received: dict"),
    ],
)
def test_outputs_of_another_kind_are_refused(outputs, from_logits, message):
    with pytest.raises(ValueError, match=message):
        as_probabilities(outputs, from_logits)


def test_rows_that_were_rounded_are_scaled_to_add_up_to_one():
    rounded = np.array([[0.33, 0.33, 0.33], [0.2, 0.3, 0.5]])
    for found in (as_probabilities(rounded, from_logits=False), checked_probabilities(rounded)):
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-15)
        np.testing.assert_allclose(found[0], 1 / 3)
    far = np.array([[0.33, 0.33, 0.31]])
    for check in (lambda: as_probabilities(far, from_logits=False), lambda: checked_probabilities(far)):
        with pytest.raises(ValueError, match=r"must add up to 1\. Received: 0\.97 in row 0"):
            check()


def test_exact_probabilities_are_not_copied():
    exact = np.array([[0.25, 0.75]])
    assert checked_probabilities(exact) is exact


def test_half_precision_is_not_kept():
    assert as_probabilities(np.array([[0.5, 0.5]], "float16"), from_logits=False).dtype == np.float32
