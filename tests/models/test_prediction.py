import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from keras_sngp import Prediction
from keras_sngp.metrics import scores
from keras_sngp.models.prediction import probabilities_from_logits, probabilities_from_outputs

FAST = settings(max_examples=50, deadline=None, derandomize=True)
PROBABILITIES = np.array([[0.2, 0.7, 0.1], [0.6, 0.3, 0.1]])
LOGITS = np.log(PROBABILITIES) + 2


def full_prediction():
    samples = np.stack([PROBABILITIES, PROBABILITIES[:, ::-1]])
    return Prediction(PROBABILITIES, logits=LOGITS, variance=np.array([0.1, 0.2]), samples=samples)


def test_labels_and_length():
    prediction = full_prediction()
    assert len(prediction) == 2
    np.testing.assert_array_equal(prediction.labels, [1, 0])


def test_scores_of_a_prediction_are_the_functions_of_its_arrays():
    prediction = full_prediction()
    np.testing.assert_array_equal(prediction.max_probability, [0.7, 0.6])
    np.testing.assert_array_equal(prediction.entropy, scores.entropy(PROBABILITIES))
    np.testing.assert_array_equal(prediction.bernoulli_variance, scores.bernoulli_variance(PROBABILITIES))
    np.testing.assert_array_equal(prediction.mutual_information, scores.mutual_information(prediction.samples))
    np.testing.assert_array_equal(prediction.dempster_shafer, scores.dempster_shafer(LOGITS))


def test_prediction_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        full_prediction().variance = None


@pytest.mark.parametrize("score, needed", [("mutual_information", "samples"), ("dempster_shafer", "logits")])
def test_score_without_what_it_needs_says_so(score, needed):
    with pytest.raises(ValueError, match=f"needs {needed}"):
        getattr(Prediction(PROBABILITIES), score)


@FAST
@given(arrays("float64", st.tuples(st.integers(1, 4), st.integers(2, 5)), elements=st.floats(-1e3, 1e3)))
def test_softmax_is_a_distribution_that_ignores_a_shift(logits):
    probabilities = probabilities_from_logits(logits)
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(probabilities_from_logits(logits + 100), probabilities, atol=1e-9)


def test_softmax_closed_form_and_extremes():
    np.testing.assert_allclose(probabilities_from_logits(np.log([[1.0, 2.0, 5.0]])), [[0.125, 0.25, 0.625]])
    np.testing.assert_array_equal(probabilities_from_logits(np.array([[1e30, -1e30]], "float32")), [[1, 0]])


def test_single_logit_is_a_sigmoid_with_two_classes():
    logits = np.array([[0.0], [2.0], [-800.0], [800.0]])
    positive = [0.5, 1 / (1 + np.exp(-2)), 0, 1]
    expected = np.stack([1 - np.array(positive), positive], axis=1)
    np.testing.assert_allclose(probabilities_from_logits(logits), expected, atol=1e-12)


def test_outputs_that_are_logits_or_probabilities_give_the_same():
    np.testing.assert_allclose(probabilities_from_outputs(LOGITS, from_logits=True), PROBABILITIES)
    np.testing.assert_array_equal(probabilities_from_outputs(PROBABILITIES, from_logits=False), PROBABILITIES)


def test_single_outputs_give_two_classes_either_way():
    np.testing.assert_allclose(
        probabilities_from_outputs(np.array([[0.25], [1.0]]), from_logits=False), [[0.75, 0.25], [0, 1]]
    )
    np.testing.assert_allclose(probabilities_from_outputs(np.array([[0.0]]), from_logits=True), [[0.5, 0.5]])


@pytest.mark.parametrize(
    "outputs, from_logits, message",
    [
        (PROBABILITIES, True, "probabilities already.*from_logits=False.*Received: from_logits=True"),
        (LOGITS, False, "not probabilities.*from_logits=True.*Received: from_logits=False"),
        (np.array([[-2.0], [3.0]]), False, "not probabilities"),
        (np.array([[0.5, 0.1]]), False, "not probabilities"),
        (np.array([[np.nan, 0.1]]), True, "NaN or infinite"),
        (np.array([[np.inf, 0.1]]), False, "NaN or infinite"),
        (np.zeros(4), True, r"\(rows, classes\).*\(4,\)"),
        ([np.zeros((2, 2)), np.zeros((2, 2))], True, r"one output.*Received: list"),
        ({"a": np.zeros((2, 2))}, True, r"one output.*Received: dict"),
    ],
)
def test_outputs_of_another_kind_are_refused(outputs, from_logits, message):
    with pytest.raises(ValueError, match=message):
        probabilities_from_outputs(outputs, from_logits)
