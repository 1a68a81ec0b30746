"""Separation measures against scikit-learn, counting of pairs and a sweep over thresholds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from keras_sngp.metrics import false_positive_rate, out_of_domain_aupr, out_of_domain_auroc

FAST = settings(max_examples=60, deadline=None, derandomize=True)
SCORES = st.lists(st.integers(0, 8).map(float), min_size=1, max_size=25).map(np.array)


@FAST
@given(SCORES, SCORES)
def test_auroc_counts_pairs(inside, outside):
    pairs = (outside[:, None] > inside).mean() + 0.5 * (outside[:, None] == inside).mean()
    np.testing.assert_allclose(out_of_domain_auroc(inside, outside), pairs)


@FAST
@given(SCORES, SCORES)
def test_aupr_says_which_side_is_to_be_found(inside, outside):
    labels = np.repeat([0, 1], [len(inside), len(outside)])
    both = np.concatenate([inside, outside])
    np.testing.assert_allclose(out_of_domain_aupr(inside, outside), average_precision_score(labels, both))
    np.testing.assert_allclose(
        out_of_domain_aupr(inside, outside, positive="in"), average_precision_score(1 - labels, -both)
    )


@FAST
@given(SCORES, SCORES, st.sampled_from([0.5, 0.8, 0.95, 1.0]))
def test_false_positive_rate_is_the_best_of_all_thresholds(inside, outside, rate):
    def sweep(positives, negatives):
        thresholds = np.unique(np.concatenate([positives, negatives]))
        return min((negatives >= t).mean() for t in thresholds if (positives >= t).mean() >= rate)

    np.testing.assert_allclose(false_positive_rate(inside, outside, rate), sweep(-inside, -outside))
    np.testing.assert_allclose(false_positive_rate(inside, outside, rate, positive="out"), sweep(outside, inside))


def test_complete_separation_and_its_opposite():
    low, high = np.linspace(0, 1, 20), np.linspace(2, 3, 10)
    assert out_of_domain_auroc(low, high) == 1
    assert out_of_domain_auroc(high, low) == 0
    assert out_of_domain_aupr(low, high) == pytest.approx(1)
    assert out_of_domain_aupr(low, high, positive="in") == pytest.approx(1)
    assert false_positive_rate(low, high) == 0
    assert false_positive_rate(high, low) == 1


def test_errors_name_the_side_and_what_is_wrong():
    with pytest.raises(ValueError, match=r"`out_of_domain` must have the shape .* Received: shape \(0,\)"):
        out_of_domain_auroc([0.1], [])
    with pytest.raises(ValueError, match=r"`in_domain` must be finite numbers. Received: NaN"):
        out_of_domain_aupr([0.1, np.nan], [0.2])
    with pytest.raises(ValueError, match=r"one of out, in. Received: 'ood'"):
        out_of_domain_aupr([0.1], [0.2], positive="ood")
    with pytest.raises(ValueError, match=r"from 0 to 1. Received: 95"):
        false_positive_rate([0.1], [0.2], 95)
