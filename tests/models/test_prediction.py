import dataclasses

import numpy as np
import pytest
from hypothesis import settings

from keras_sngp import Prediction
from keras_sngp.metrics import scores

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
