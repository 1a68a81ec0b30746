"""Experts by accuracy, confusion matrix and votes; costs in all their forms; joint accuracy against a loop."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_sngp.deferral import DecisionCosts, Expert, joint_accuracy, joint_accuracy_curve

FAST = settings(max_examples=60, deadline=None, derandomize=True)
LABELS = np.array([0, 1, 2, 1])


def test_an_expert_by_accuracy_errs_evenly():
    expert = Expert.from_accuracy(0.9, num_classes=3)
    np.testing.assert_allclose(expert.answer_probabilities([1]), [[0.05, 0.9, 0.05]])
    assert expert.accuracy(LABELS) == pytest.approx(0.9)


def test_an_expert_by_confusion_matrix_of_counts():
    expert = Expert.from_confusion_matrix([[8, 2], [1, 3]])
    np.testing.assert_allclose(expert.correct_probability([0, 1]), [0.8, 0.75])
    np.testing.assert_allclose(expert.confusion_matrix([0]), [[0.8, 0.2], [0.25, 0.75]])


def test_recorded_votes_belong_to_their_rows():
    expert = Expert.from_votes([[3, 1, 0], [0, 4, 0], [2, 2, 0], [0, 1, 1]])
    np.testing.assert_allclose(expert.correct_probability(LABELS), [0.75, 1, 0, 0.5])
    np.testing.assert_allclose(expert.of_rows([0, 3]).correct_probability([0, 1]), [0.75, 0.5])
    np.testing.assert_allclose(expert.confusion_matrix(LABELS), [[0.75, 0.25, 0], [0, 0.75, 0.25], [0.5, 0.5, 0]])
    answers = Expert.from_answers([0, 2, 2, 1], 3)
    assert answers.accuracy(LABELS) == 0.75


def test_drawn_answers_follow_the_probabilities():
    expert = Expert.from_confusion_matrix([[0.7, 0.2, 0.1], [0, 1, 0], [0.5, 0, 0.5]])
    labels = np.repeat([0, 1, 2], 20_000)
    drawn = expert.draw_answers(labels, seed=0)
    for k in range(3):
        shares = np.bincount(drawn[labels == k], minlength=3) / 20_000
        np.testing.assert_allclose(shares, expert.confusion[k], atol=0.015)


@FAST
@given(st.lists(st.tuples(st.permutations(range(12)), st.integers(0, 1)), min_size=1, max_size=1), st.integers(0, 999))
def test_joint_accuracy_curve_is_the_loop_over_shares(case, seed):
    generator = np.random.default_rng(seed)
    uncertainty = np.array(case[0][0], float)
    mistakes, expert = generator.integers(0, 2, 12), generator.random(12)
    curve = joint_accuracy_curve(uncertainty, mistakes, expert)
    for deferred in range(13):
        defer = uncertainty >= 12 - deferred
        np.testing.assert_allclose(curve.accuracy[deferred], joint_accuracy(defer, mistakes, expert))
    assert curve.at(0.5) == curve.accuracy[6]
    np.testing.assert_allclose(curve.accuracy[[0, -1]], [1 - mistakes.mean(), expert.mean()])


def test_ties_count_with_their_mean():
    curve = joint_accuracy_curve([0.5, 0.5], [1, 0], [0.9, 0.8])
    np.testing.assert_allclose(curve.accuracy, [0.5, ((0.9 + 1) / 2 + (0 + 0.8) / 2) / 2, 0.85])


@pytest.mark.parametrize(
    "mistake, expected",
    [
        (2, [[0, 2, 2], [2, 0, 2], [2, 2, 0]]),
        ([1, 2, 3], [[0, 1, 1], [2, 0, 2], [3, 3, 0]]),
        ([[0, 1, 2], [3, 0, 4], [5, 6, 0]], [[0, 1, 2], [3, 0, 4], [5, 6, 0]]),
        ({"cat": {"dog": 7}, "default": 2}, [[0, 7, 1], [2, 0, 2], [2, 2, 0]]),
        ({"dog": 5}, [[0, 1, 1], [5, 0, 5], [1, 1, 0]]),
    ],
)
def test_costs_from_a_file_in_all_forms(tmp_path, mistake, expected):
    path = tmp_path / "costs.json"
    path.write_text(json.dumps({"mistake": mistake, "expert_call": {"cat": 3, "default": 0.5}}))
    costs = DecisionCosts.load(path, ["cat", "dog", "emu"])
    np.testing.assert_allclose(costs.mistakes, expected)
    np.testing.assert_allclose(costs.expert_call, [3, 0.5, 0.5])


def test_best_answers_are_those_of_a_loop():
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(3), 50)
    matrix = generator.uniform(0, 5, (3, 3))
    answers, expected = DecisionCosts.create(3, matrix).best_answers(probabilities)
    for p, answer, cost in zip(probabilities, answers, expected, strict=True):
        each = [sum(p[true] * matrix[true, given] for true in range(3)) for given in range(3)]
        assert (answer, cost) == (np.argmin(each), pytest.approx(min(each)))


def test_asking_costs_the_call_and_the_experts_mistakes():
    costs = DecisionCosts.create(2, [[0, 10], [4, 0]], [1, 2])
    np.testing.assert_allclose(costs.expert_costs(np.array([[0.9, 0.1], [0.25, 0.75]])), [2, 3])


@pytest.mark.parametrize(
    "content, message",
    [
        ("{", r"must be a JSON file"),
        ("[1]", r'must have "mistake".* Received: list'),
        ('{"cost": 1}', r'must have "mistake".* Received: cost'),
        ('{"mistake": {"cow": 1}}', r"named by class: cat, dog. Received: cow"),
        ('{"mistake": [1, 2, 3]}', r"2 numbers or a matrix 2 x 2. Received: shape \(3,\)"),
        ('{"mistake": -1}', r"at least 0. Received"),
        ('{"mistake": "much"}', r"costs.json: could not convert"),
    ],
)
def test_files_of_costs_that_do_not_fit_are_refused(tmp_path, content, message):
    path = tmp_path / "costs.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        DecisionCosts.load(path, ["cat", "dog"])


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Expert.from_accuracy(95, 3), r"`accuracy` must be from 0 to 1. Received: 95"),
        (lambda: Expert.from_accuracy(0.9, 1), r"`num_classes` must be at least 2. Received: 1"),
        (lambda: Expert.from_votes([[0, 0], [1, 0]]), r"an answer for every row. Received: none in row 0"),
        (lambda: Expert.from_votes([[1, -1]]), r"at least 0. Received"),
        (lambda: Expert.from_confusion_matrix([[1, 2, 3], [1, 2, 3]]), r"\(classes, classes\). Received"),
        (lambda: Expert.from_votes([[1, 0]]).accuracy([0, 1]), r"`labels` must have the shape \(1,\)"),
        (lambda: Expert.from_votes([[1, 0]]).confusion_matrix([0]), r"rows of every class. Received: none of class 1"),
        (lambda: joint_accuracy([True], [0], [1.5]), r"`expert_correct` must be from 0 to 1"),
        (lambda: DecisionCosts.create(2, 1, [1, 2, 3]), r"`expert_call` must be one number or 2"),
    ],
)
def test_impossible_experts_and_costs_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
