"""Each rule's threshold against brute force, and its promise by simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_sngp.deferral import DeferralPolicy, NoSuchPolicyError
from keras_sngp.deferral.thresholds import accuracy_threshold, budget_threshold, cost_threshold

FAST = settings(max_examples=100, deadline=None, derandomize=True)
VALUES = st.lists(st.integers(0, 10), min_size=1, max_size=40).map(lambda values: np.array(values, float))


@FAST
@given(VALUES, st.floats(0, 1))
def test_budget_is_never_exceeded_on_the_held_out_rows(uncertainty, budget):
    threshold = budget_threshold(uncertainty, budget)
    if budget < 1:
        assert np.mean(uncertainty > threshold) <= budget + 1e-9
    else:
        assert threshold == -np.inf


@pytest.mark.parametrize("budget", [0.05, 0.3])
def test_budget_holds_for_new_rows_on_average(budget):
    generator = np.random.default_rng(0)
    rates = [1 - budget_threshold(generator.random(59), budget) for _ in range(4000)]
    spread = np.std(rates) / np.sqrt(4000)
    assert budget - 1 / 60 - 4 * spread <= np.mean(np.clip(rates, 0, 1)) <= budget + 4 * spread


def world(generator, rows):
    """Uncertainty from 0 to 1 and mistakes of a model that errs in 1 % of rows below 0.7, and in 30 % above."""
    uncertainty = generator.random(rows)
    return uncertainty, (generator.random(rows) < np.where(uncertainty < 0.7, 0.01, 0.3)).astype(int)


def true_accuracy(threshold):
    threshold = min(threshold, 1.0)
    return 1 - (0.01 * min(threshold, 0.7) + 0.3 * max(threshold - 0.7, 0)) / threshold


@pytest.mark.parametrize("delta", [0.05, 0.2])
def test_the_accuracy_holds_in_at_least_one_less_delta_of_a_thousand_draws(delta):
    generator = np.random.default_rng(0)
    kept, coverages = 0, []
    for _ in range(1000):
        threshold = accuracy_threshold(*world(generator, 1000), accuracy=0.95, delta=delta, num_thresholds=50)
        coverages.append(min(threshold, 1.0))
        kept += true_accuracy(threshold) >= 0.95
    assert kept >= 1000 * (1 - delta)
    assert true_accuracy(0.812) == pytest.approx(0.95)
    assert 0.72 < np.mean(coverages) < 0.812


def test_where_every_answer_falls_just_short_a_promise_is_made_at_most_in_delta_of_the_draws():
    generator = np.random.default_rng(1)
    promised = 0
    for _ in range(1000):
        mistakes = (generator.random(400) < 0.1001).astype(int)
        promised += accuracy_threshold(generator.random(400), mistakes, 0.9, 0.1, 10) is not None
    assert promised <= 1000 * 0.1


def test_ties_at_the_threshold_are_not_answered():
    uncertainty = np.repeat([0.1, 0.5], [900, 100])
    mistakes = np.repeat([0, 1], [900, 100])
    threshold = accuracy_threshold(uncertainty, mistakes, 0.98, 0.05, 20)
    assert 0.1 <= threshold < 0.5


def test_everything_is_answered_where_that_is_safe():
    assert accuracy_threshold(np.arange(1000.0), np.zeros(1000, int), 0.99, 0.05, 10) == np.inf


def test_too_few_rows_for_a_promise_are_refused_with_what_it_takes():
    probabilities = np.tile([0.9, 0.1], (100, 1))
    with pytest.raises(NoSuchPolicyError, match=r"the surest 688 rows .* Received: 0 mistakes in 100 rows"):
        DeferralPolicy.for_accuracy(probabilities, np.zeros(100, int), 0.99)


@FAST
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=25))
def test_cost_threshold_is_the_best_of_all(rows):
    uncertainty, answer, expert = np.array(rows, float).T
    threshold = cost_threshold(uncertainty, answer, expert)

    def cost(limit):
        return np.where(uncertainty > limit, expert, answer).mean()

    np.testing.assert_allclose(cost(threshold), min(cost(limit) for limit in (-np.inf, np.inf, *uncertainty)))
