"""Conformal sets: coverage by simulation against its theoretical band, scores by hand."""

import numpy as np
import pytest
from scipy.special import softmax

from keras_sngp.calibration import ConformalPredictionSets, coverage_band


def draw(generator, rows, classes=5):
    """Labels, and a model's probabilities for them that are wrong in every way."""
    logits = generator.normal(scale=1.5, size=(rows, classes))
    labels = (softmax(logits, axis=1).cumsum(axis=1) < generator.random((rows, 1))).sum(axis=1)
    return softmax(2.5 * logits + [0.5, 0, 0, 0, -1], axis=1), labels


def simulated_coverages(draws, rows=199, **options):
    generator = np.random.default_rng(0)
    coverages = []
    for seed in range(draws):
        held_out, held_out_labels = draw(generator, rows)
        new, labels = draw(generator, 2000)
        sets = ConformalPredictionSets(seed=seed, **options).fit(held_out, held_out_labels).predict(new)
        coverages.append(sets[np.arange(2000), labels].mean())
    return np.array(coverages)


@pytest.mark.parametrize("score", ["lac", "aps", "raps"])
@pytest.mark.parametrize("coverage", [0.8, 0.95])
def test_coverage_is_within_its_theoretical_band(score, coverage):
    coverages = simulated_coverages(200, score=score, coverage=coverage, allow_empty=True)
    # The mean is in [coverage, coverage + 1 / (n + 1)], up to four standard errors of 200 draws.
    error = 4 * np.sqrt(coverage * (1 - coverage) / 200 / 200 + coverage * (1 - coverage) / 2000 / 200)
    assert coverage - error <= coverages.mean() <= coverage + 1 / 200 + error
    low, high = coverage_band(199, coverage, level=0.9)
    noise = 2 * np.sqrt(coverage * (1 - coverage) / 2000)
    assert np.mean((coverages >= low - noise) & (coverages <= high + noise)) >= 0.88


@pytest.mark.parametrize("options", [{"randomized": False}, {"allow_empty": False}])
def test_variants_only_cover_more(options):
    assert simulated_coverages(50, score="aps", coverage=0.8, **options).mean() >= 0.8


def test_scores_by_hand():
    probabilities = np.array([[0.5, 0.3, 0.2]])
    lac = ConformalPredictionSets("lac")
    np.testing.assert_allclose(lac._scores(probabilities), [[0.5, 0.7, 0.8]])
    aps = ConformalPredictionSets("aps", randomized=False)
    np.testing.assert_allclose(aps._scores(probabilities), [[0.5, 0.8, 1.0]])
    raps = ConformalPredictionSets("raps", randomized=False, penalty=0.1, penalty_rank=1)
    np.testing.assert_allclose(raps._scores(probabilities), [[0.5, 0.9, 1.2]])
    own = ConformalPredictionSets("aps", seed=3)._scores(probabilities)
    part = np.random.default_rng(3).random()
    np.testing.assert_allclose(own, [[0.5 * part, 0.5 + 0.3 * part, 0.8 + 0.2 * part]])


def test_threshold_is_the_order_statistic_of_the_papers():
    probabilities = np.column_stack([np.arange(1, 20) / 20, 1 - np.arange(1, 20) / 20])
    sets = ConformalPredictionSets("lac", coverage=0.9).fit(probabilities, np.zeros(19, int))
    # ceil(20 * 0.9) = 18th smallest of the scores 0.05, 0.10, ..., 0.95
    assert sets.threshold == pytest.approx(0.9)


def test_too_few_held_out_rows_give_all_classes():
    sets = ConformalPredictionSets("lac", coverage=0.95).fit([[0.9, 0.1]] * 10, [0] * 10)
    assert sets.threshold == float("inf")
    assert sets.predict([[0.99, 0.01]]).all()
    assert coverage_band(10, 0.95) == (1.0, 1.0)


def test_the_most_probable_class_is_in_the_set_unless_empty_sets_are_allowed():
    held_out = [[0.99, 0.01]] * 50
    unsure = [[0.5, 0.5]]
    assert ConformalPredictionSets().fit(held_out, [0] * 50).predict(unsure).tolist() == [[True, False]]
    empty = ConformalPredictionSets(allow_empty=True).fit(held_out, [0] * 50).predict(unsure)
    assert empty.tolist() == [[False, False]]


def test_sets_grow_with_coverage():
    generator = np.random.default_rng(0)
    probabilities, labels = draw(generator, 500)
    sizes = [
        ConformalPredictionSets("aps", coverage).fit(probabilities, labels).predict(probabilities).sum(axis=1).mean()
        for coverage in (0.5, 0.8, 0.95)
    ]
    assert sizes == sorted(sizes)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"one of lac, aps, raps. Received: 'naive'"):
        ConformalPredictionSets("naive")
    with pytest.raises(ValueError, match=r"`coverage` must be between 0 and 1. Received: 90"):
        ConformalPredictionSets(coverage=90)
    with pytest.raises(ValueError, match=r"at least 0. Received: -1"):
        ConformalPredictionSets("raps", penalty=-1)
    with pytest.raises(ValueError, match=r"Call `fit`"):
        ConformalPredictionSets().predict([[0.5, 0.5]])
    with pytest.raises(ValueError, match=r"Expected 2 classes"):
        ConformalPredictionSets().fit([[0.5, 0.5]], [0]).predict([[0.5, 0.3, 0.2]])
