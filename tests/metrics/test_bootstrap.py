"""Bootstrap intervals against normal theory and by how often they hold the truth."""

import numpy as np
import pytest

from keras_sngp.metrics import (
    accuracy,
    bootstrap_interval,
    calibration_auroc,
    expected_calibration_error,
    out_of_domain_auroc,
)


def test_interval_of_a_mean_is_that_of_normal_theory():
    values = np.random.default_rng(0).normal(size=400)
    interval = bootstrap_interval(lambda array: array.mean(), values, num_resamples=2000)
    error = values.std() / np.sqrt(400)
    assert interval.estimate == values.mean()
    np.testing.assert_allclose(
        [interval.low, interval.high], values.mean() + np.array([-1.96, 1.96]) * error, atol=0.01
    )


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    generator = np.random.default_rng(1)
    held = 0
    for seed in range(200):
        labels = (generator.random(100) > 0.8).astype(int)
        interval = bootstrap_interval(lambda labels: 1 - labels.mean(), labels, num_resamples=200, level=0.9, seed=seed)
        held += interval.low <= 0.8 <= interval.high
    assert 0.83 <= held / 200 <= 0.96


def test_paired_rows_stay_together_and_samples_of_their_own_do_not():
    probabilities = np.eye(2)[[0, 1] * 20]
    paired = bootstrap_interval(accuracy, probabilities, [0, 1] * 20, num_resamples=50)
    assert (paired.low, paired.high) == (1, 1)
    apart = bootstrap_interval(out_of_domain_auroc, np.arange(5.0), np.arange(3.0, 40), paired=False, num_resamples=50)
    assert apart.low < apart.estimate < 1
    assert apart.high <= 1


def test_draws_without_a_mistake_are_drawn_again():
    mistakes = np.arange(40) == 7
    interval = bootstrap_interval(calibration_auroc, np.arange(40.0), mistakes, num_resamples=100)
    assert 0 <= interval.low <= interval.high <= 1


def test_basic_interval_mirrors_the_draws():
    probabilities = np.column_stack([np.linspace(0.5, 1, 100), np.linspace(0.5, 0, 100)])
    data = (probabilities, np.arange(100) % 4 == 0)
    percentile = bootstrap_interval(expected_calibration_error, *data, num_resamples=100)
    basic = bootstrap_interval(expected_calibration_error, *data, num_resamples=100, method="basic")
    np.testing.assert_allclose(basic.low, 2 * percentile.estimate - percentile.high)
    np.testing.assert_allclose(basic.high, 2 * percentile.estimate - percentile.low)


def test_same_seed_same_interval():
    values = np.arange(30.0)
    first, second = (bootstrap_interval(np.mean, values, num_resamples=20, seed=3) for _ in range(2))
    assert first == second != bootstrap_interval(np.mean, values, num_resamples=20, seed=4)


def test_bad_arguments_and_metrics_without_a_value_are_refused():
    with pytest.raises(ValueError, match=r"same number of rows. Received: \[2, 3\]"):
        bootstrap_interval(accuracy, np.eye(2), [0, 1, 1])
    with pytest.raises(ValueError, match=r"`level` must be between 0 and 1. Received: 95"):
        bootstrap_interval(np.mean, [1.0], level=95)
    with pytest.raises(ValueError, match=r"percentile, basic. Received: 'bca'"):
        bootstrap_interval(np.mean, [1.0], method="bca")
    with pytest.raises(ValueError, match=r"all right"):
        bootstrap_interval(calibration_auroc, [0.1, 0.2], [0, 0])
