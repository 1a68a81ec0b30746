"""Selective prediction against loops, all orders of ties, and the published closed forms."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from keras_sngp.metrics import (
    accuracy_at_coverage,
    augrc,
    aurc,
    calibration_aupr,
    calibration_auroc,
    coverage_at_risk,
    excess_aurc,
    oracle_collaborative_accuracy,
    oracle_collaborative_auc,
    risk_coverage_curve,
)

FAST = settings(max_examples=60, deadline=None, derandomize=True)
CASES = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 1)), min_size=2, max_size=30).map(np.array)


def loop_curve(uncertainty, losses):
    return [losses[np.argsort(uncertainty)][: k + 1].mean() for k in range(len(losses))]


def distinct_case(seed, rows=40):
    generator = np.random.default_rng(seed)
    return generator.permutation(rows) / rows, generator.integers(0, 2, rows)


@FAST
@given(st.integers(0, 100_000))
def test_curve_and_areas_are_those_of_a_loop(seed):
    uncertainty, losses = distinct_case(seed)
    curve = risk_coverage_curve(uncertainty, losses)
    np.testing.assert_allclose(curve.risk, loop_curve(uncertainty, losses))
    np.testing.assert_allclose(curve.coverage, np.arange(1, 41) / 40)
    np.testing.assert_allclose(aurc(uncertainty, losses), np.mean(loop_curve(uncertainty, losses)))
    best = np.mean(loop_curve(losses + np.arange(40) / 1e6, losses))
    np.testing.assert_allclose(excess_aurc(uncertainty, losses), aurc(uncertainty, losses) - best, atol=1e-12)
    assert excess_aurc(uncertainty, losses) >= -1e-12


@pytest.mark.parametrize("measure", [aurc, augrc])
def test_ties_count_with_the_mean_over_all_their_orders(measure):
    uncertainty, losses = np.array([0.1, 0.5, 0.5, 0.5, 0.9]), np.array([0, 1, 0, 0, 1])
    over_orders = []
    for order in itertools.permutations(range(3)):
        broken = uncertainty.copy()
        broken[1:4] += np.array(order) / 100
        over_orders.append(measure(broken, losses))
    np.testing.assert_allclose(measure(uncertainty, losses), np.mean(over_orders))


@FAST
@given(CASES)
def test_augrc_is_its_closed_form(case):
    uncertainty, mistakes = case.T
    accuracy = 1 - mistakes.mean()
    separation = roc_auc_score(mistakes, uncertainty) if 0 < accuracy < 1 else 0.0
    expected = (1 - separation) * accuracy * (1 - accuracy) + (1 - accuracy) ** 2 / 2
    np.testing.assert_allclose(augrc(uncertainty, mistakes), expected, atol=1e-12)


def test_the_best_area_tends_to_the_published_formula():
    mistakes = np.repeat([0, 1], [90_000, 10_000])
    np.testing.assert_allclose(aurc(mistakes, mistakes), 0.1 + 0.9 * np.log(0.9), atol=1e-4)


@FAST
@given(CASES, st.floats(0.01, 1))
def test_accuracy_at_coverage_with_random_order_of_ties_on_average(case, coverage):
    uncertainty, mistakes = case.T
    answered = int(np.ceil(coverage * len(case) - 1e-9))
    distinct = np.arange(len(case))
    order = np.argsort(uncertainty, kind="stable")
    np.testing.assert_allclose(
        accuracy_at_coverage(distinct, mistakes[order], coverage), 1 - mistakes[order][:answered].mean()
    )


@FAST
@given(CASES, st.sampled_from([0.0, 0.1, 0.25, 0.5]))
def test_coverage_at_risk_is_the_best_threshold(case, risk):
    uncertainty, mistakes = case.T
    allowed = [np.mean(uncertainty <= t) for t in uncertainty if mistakes[uncertainty <= t].mean() <= risk]
    np.testing.assert_allclose(coverage_at_risk(uncertainty, mistakes, risk), max(allowed, default=0))


@FAST
@given(st.integers(0, 100_000), st.floats(0, 1))
def test_the_oracle_puts_right_what_it_is_given(seed, share):
    uncertainty, mistakes = distinct_case(seed)
    handed_over = np.argsort(-uncertainty)[: int(share * 40 + 1e-9)]
    helped = mistakes.copy()
    helped[handed_over] = 0
    np.testing.assert_allclose(oracle_collaborative_accuracy(uncertainty, mistakes, share), 1 - helped.mean())


def test_oracle_auc_replaces_the_least_sure():
    probability, labels = np.array([0.05, 0.55, 0.45, 0.9, 0.2]), np.array([0, 0, 1, 1, 1])
    assert oracle_collaborative_auc(probability, labels, 0) == roc_auc_score(labels, probability)
    assert oracle_collaborative_auc(probability, labels, 0.4) == roc_auc_score(labels, [0.05, 0, 1, 0.9, 0.2])
    assert oracle_collaborative_auc(probability, labels, 1) == 1
    by_hand = oracle_collaborative_auc(probability, labels, 0.2, uncertainty=[0, 0, 0, 0, 1])
    assert by_hand == roc_auc_score(labels, [0.05, 0.55, 0.45, 0.9, 1])


def test_error_detection_is_that_of_scikit_learn():
    uncertainty, mistakes = distinct_case(5)
    assert calibration_auroc(uncertainty, mistakes) == roc_auc_score(mistakes, uncertainty)
    assert calibration_aupr(uncertainty, mistakes == 1) == average_precision_score(mistakes, uncertainty)


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(ValueError, match=r"right and wrong predictions.* Received: 3 predictions, all right"):
        calibration_auroc([0.1, 0.2, 0.3], [0, 0, 0])
    with pytest.raises(ValueError, match=r"both classes. Received: only class 1"):
        oracle_collaborative_auc([0.1, 0.2], [1, 1], 0.5)
    with pytest.raises(ValueError, match=r"`probability` must be from 0 to 1. Received: from 0.1 to 1.2"):
        oracle_collaborative_auc([0.1, 1.2], [0, 1], 0.5)
    with pytest.raises(ValueError, match=r"`coverage` must be above 0"):
        accuracy_at_coverage([0.1], [0], 0)
    with pytest.raises(ValueError, match=r"`losses` must have the shape \(2,\)"):
        aurc([0.1, 0.2], [0])
    with pytest.raises(ValueError, match=r"`losses` must not be negative"):
        aurc([0.1, 0.2], [0, -1])
    with pytest.raises(ValueError, match=r"`mistakes` must be 0 or 1. Received: 0\.5"):
        calibration_auroc([0.1, 0.2], [0, 0.5])
