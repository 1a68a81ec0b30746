"""The benchmark of speed: its page shows what was measured, of the works and goals that are there."""

import importlib
import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks" / "speed"


@pytest.fixture
def page(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module("speed_page")


def test_the_page_shows_what_was_measured(page):
    assert page.PAGE.read_text() == page.render(json.loads(page.RESULTS.read_text()))


def test_every_goal_is_about_something_that_its_work_measures(page):
    results = json.loads(page.RESULTS.read_text())
    for goal in page.GOALS:
        assert page.values_of(results, goal.work, *goal.measure)
        if goal.against is not None:
            assert page.values_of(results, goal.against_work or goal.work, *goal.against)


def test_a_goal_is_judged_by_the_median_over_rounds_of_both(page):
    goal = page.Goal("ours / theirs", "step", ("ours", "SNGP"), ("theirs", "SNGP"), 0.5)
    rounds = {"ours": [1.0, 3.0, 9.0], "theirs": [4.0, 8.0, 6.0]}
    subjects = {name: [{"SNGP": value} for value in values] for name, values in rounds.items()}
    results = {"works": {"step": {"subjects": subjects}}}
    assert page._goal_row(goal, results) == ["ours / theirs", "0.500 (0.167 to 1.50)", "<= 0.5", "yes"]
