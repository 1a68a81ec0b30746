"""Policies decide, give reasons, survive a file and notice drift."""

import json
import warnings

import numpy as np
import pytest

from keras_sngp.deferral import (
    DecisionCosts,
    DeferralDriftWarning,
    DeferralPolicy,
    Expert,
    joint_accuracy,
    uncertainty_of,
)
from keras_sngp.deferral.drift import deferral_count_range
from keras_sngp.metrics import coverage_at_risk, scores


def draw(seed, rows=2000, classes=3):
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.full(classes, 0.3), size=rows)
    labels = (probabilities.cumsum(axis=1) < generator.random((rows, 1))).sum(axis=1)
    return probabilities, labels, generator.exponential(size=rows)


HELD_OUT, HELD_OUT_LABELS, HELD_OUT_VARIANCE = draw(0)
NEW, NEW_LABELS, NEW_VARIANCE = draw(1)
COSTS = DecisionCosts.create(3, [[0, 5, 5], [1, 0, 1], [1, 1, 0]], 0.3)
POLICIES = {
    "budget": DeferralPolicy.for_budget(HELD_OUT, 0.1, variance=HELD_OUT_VARIANCE),
    "accuracy": DeferralPolicy.for_accuracy(HELD_OUT, HELD_OUT_LABELS, 0.9, score="entropy"),
    "costs": DeferralPolicy.for_costs(HELD_OUT, HELD_OUT_LABELS, COSTS, Expert.from_accuracy(0.95, 3)),
    "nothing": DeferralPolicy.for_budget(HELD_OUT, 0.0),
    "everything": DeferralPolicy.for_budget(HELD_OUT, 1.0),
}


@pytest.mark.parametrize("name", POLICIES)
def test_a_saved_policy_decides_the_same(name, tmp_path):
    policy = POLICIES[name]
    policy.save(tmp_path / "policy.json")
    loaded = DeferralPolicy.load(tmp_path / "policy.json")
    assert loaded == policy
    first, second = (p.decide(NEW, variance=NEW_VARIANCE) for p in (policy, loaded))
    np.testing.assert_array_equal(first.defer, second.defer)
    np.testing.assert_array_equal(first.answers, second.answers)
    json.loads((tmp_path / "policy.json").read_text(), parse_constant=pytest.fail)


def test_budget_defers_about_its_share_and_the_least_sure():
    decisions = POLICIES["budget"].decide(NEW)
    assert decisions.deferral_rate == pytest.approx(0.1, abs=0.025)
    confidence = NEW.max(axis=1)
    assert confidence[decisions.defer].max() <= confidence[~decisions.defer].min()
    assert POLICIES["nothing"].decide(NEW).deferral_rate == 0
    assert POLICIES["everything"].decide(NEW).deferral_rate == 1


def test_accuracy_is_kept_on_new_rows_and_no_more_is_deferred_than_needed():
    decisions = POLICIES["accuracy"].decide(NEW)
    right = decisions.answers == NEW_LABELS
    assert right.mean() < 0.85
    assert right[~decisions.defer].mean() >= 0.9
    best = coverage_at_risk(decisions.uncertainty, ~right, 0.1)
    assert best - 0.2 < 1 - decisions.deferral_rate <= best


def test_costs_are_lower_than_those_of_machine_or_expert_alone():
    policy, expert = POLICIES["costs"], Expert.from_accuracy(0.95, 3)
    decisions = policy.decide(NEW)
    asked = COSTS.expert_costs(expert.confusion)[NEW_LABELS]
    machine = COSTS.mistakes[NEW_LABELS, decisions.answers]
    joint = np.where(decisions.defer, asked, machine).mean()
    assert joint < 0.9 * min(machine.mean(), asked.mean())
    assert (decisions.answers != NEW.argmax(axis=1)).any()


def test_with_calibrated_probabilities_the_cost_threshold_is_near_zero_saving():
    assert abs(POLICIES["costs"].threshold) < 0.15
    assert policy_with_score("margin").score == "margin"


def policy_with_score(score):
    expert = Expert.from_accuracy(0.95, 3)
    return DeferralPolicy.for_costs(HELD_OUT, HELD_OUT_LABELS, COSTS, expert, score=score)


def test_records_of_votes_serve_as_expert_for_costs():
    votes = Expert.from_answers(HELD_OUT_LABELS, 3)
    free = DeferralPolicy.for_costs(HELD_OUT, HELD_OUT_LABELS, DecisionCosts.create(3, 1, 0), votes)
    assert free.decide(HELD_OUT).defer[HELD_OUT.max(axis=1) < 0.9].all()


def test_reasons_tell_unfamiliar_from_ambiguous_rows():
    probabilities = np.array([[0.4, 0.3, 0.3], [0.4, 0.3, 0.3], [0.98, 0.01, 0.01], [0.98, 0.01, 0.01]])
    variance = np.array([0.1, 50.0, 0.1, 50.0])
    decisions = POLICIES["budget"].decide(probabilities, variance=variance)
    assert decisions.reasons.tolist() == ["ambiguous", "unfamiliar", "", ""]
    assert POLICIES["budget"].decide(probabilities).reasons.tolist() == ["ambiguous", "ambiguous", "", ""]


def test_by_variance_every_deferred_row_is_unfamiliar():
    policy = DeferralPolicy.for_budget(HELD_OUT, 0.3, score="variance", variance=HELD_OUT_VARIANCE)
    decisions = policy.decide(NEW, variance=np.tile(NEW_VARIANCE[:, None], 3))
    assert decisions.defer.sum() > 400
    assert set(decisions.reasons[decisions.defer]) == {"unfamiliar"}


def test_drift_warns_and_the_same_data_does_not():
    policy = POLICIES["budget"]
    flat = 0.5 * NEW + 0.5 / 3
    with pytest.warns(DeferralDriftWarning, match=r"% of 2000 rows are deferred, where .* were expected"):
        assert policy.decide(flat).has_drifted
    with pytest.warns(DeferralDriftWarning):
        policy.decide(np.tile([0.99, 0.005, 0.005], (2000, 1)))
    policy.decide(flat[:1])


def test_drift_is_seldom_seen_where_there_is_none():
    generator = np.random.default_rng(0)
    alarms = 0
    for _ in range(1000):
        held_out, new = np.sort(generator.random(200)), generator.random(100)
        rank = 180
        low, high = deferral_count_range(200, 200 - rank, 100, level=0.95)
        alarms += not low <= (new > held_out[rank - 1]).sum() <= high
    assert alarms <= 50


def test_scores_are_those_of_the_scores_module():
    np.testing.assert_allclose(uncertainty_of("entropy", NEW), scores.entropy(NEW))
    np.testing.assert_allclose(uncertainty_of("max_probability", NEW), 1 - NEW.max(axis=1))
    two_largest = np.sort(NEW, axis=1)[:, -2:]
    np.testing.assert_allclose(uncertainty_of("margin", NEW), 1 - np.diff(two_largest, axis=1)[:, 0])
    np.testing.assert_allclose(uncertainty_of("given", NEW, uncertainty=NEW_VARIANCE), NEW_VARIANCE)


def test_thresholds_compare_alike_in_single_precision():
    single = HELD_OUT.astype("float32")
    policy = DeferralPolicy.for_accuracy(single, HELD_OUT_LABELS, 0.9)
    assert policy.decide(single).defer.sum() == policy.deferred


def test_the_promise_is_told_in_words():
    assert "probability 0.1 at most" in POLICIES["budget"].guarantee
    assert "probability 0.95" in POLICIES["accuracy"].guarantee
    assert "no promise" in POLICIES["costs"].guarantee


def test_joint_accuracy_beats_both_where_they_err_on_different_rows():
    decisions = POLICIES["budget"].decide(NEW)
    expert = Expert.from_accuracy(0.85, 3)
    mistakes = decisions.answers != NEW_LABELS
    both = joint_accuracy(decisions.defer, mistakes, expert.correct_probability(NEW_LABELS))
    assert both > 1 - mistakes.mean()


@pytest.mark.parametrize(
    "content, message",
    [
        ("{", r"A deferral policy is a JSON file"),
        ("{}", r"Expected a file saved by `DeferralPolicy.save`"),
        ('{"format": "keras_sngp deferral policy", "version": 9}', r"version 1 .* Received: 9"),
        ('{"format": "keras_sngp deferral policy", "version": 1, "rule": "budget"}', r"Expected the fields"),
    ],
)
def test_files_that_are_no_policies_are_refused(tmp_path, content, message):
    (tmp_path / "policy.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        DeferralPolicy.load(tmp_path / "policy.json")


def test_a_tampered_threshold_is_refused(tmp_path):
    path = tmp_path / "policy.json"
    POLICIES["budget"].save(path)
    for threshold in ('"NaN"', '"high"', "null"):
        content = json.loads(path.read_text())
        (tmp_path / "bad.json").write_text(json.dumps({**content, "threshold": json.loads(threshold)}))
        with pytest.raises(ValueError, match=r"Received"):
            DeferralPolicy.load(tmp_path / "bad.json")


@pytest.mark.parametrize(
    "act, message",
    [
        (lambda: POLICIES["budget"].decide([[0.5, 0.5]]), r"learned on 3 classes. Received: 2"),
        (lambda: DeferralPolicy.for_budget(HELD_OUT, 5), r"`budget` must be from 0 to 1. Received: 5"),
        (lambda: DeferralPolicy.for_budget(HELD_OUT, 0.1, score="mood"), r"one of max_probability.* Received: 'mood'"),
        (lambda: DeferralPolicy.for_budget(HELD_OUT, 0.1, score="variance"), r"needs `variance=`"),
        (lambda: DeferralPolicy.for_budget(HELD_OUT, 0.1, score="given"), r"needs `uncertainty=`"),
        (lambda: DeferralPolicy.for_accuracy(HELD_OUT, HELD_OUT_LABELS, 99), r"between 0 and 1.* Received: 99"),
        (lambda: DeferralPolicy.for_accuracy(HELD_OUT, HELD_OUT_LABELS, None), r"between 0 and 1.* Received: None"),
        (lambda: POLICIES["budget"].decide([[0.5, 0.5], [1.0]]), r"rows of different lengths"),
        (lambda: POLICIES["costs"].decide([[0.5, 0.5]]), r"learned on 3 classes. Received: 2"),
        (lambda: DeferralPolicy.for_budget(HELD_OUT * 2, 0.1), r"add up to 1"),
        (lambda: DeferralPolicy.for_budget(np.full((3, 2), np.nan), 0.1), r"finite numbers. Received: NaN"),
    ],
)
def test_impossible_requests_are_refused(act, message):
    with warnings.catch_warnings(), pytest.raises(ValueError, match=message):
        act()
