"""The report's figures are those of the metrics, its policies those of the deferral room."""

import dataclasses
import json

import numpy as np
import pytest

from keras_sngp import metrics
from keras_sngp.calibration import ConformalPredictionSets, TemperatureScaling
from keras_sngp.deferral import DecisionCosts, DeferralPolicy, Expert
from keras_sngp.report import intervals
from keras_sngp.report.evaluation import check_same_cases, evaluate
from keras_sngp.report.evaluation_report import summary_tables, write_report
from keras_sngp.report.intervals import report_interval
from keras_sngp.report.policies import PolicyRequest, evaluate_policies
from keras_sngp.report.prediction_table import Halves, PredictionTable
from keras_sngp.report.verdicts import verdicts


def make_table(name="network", rows=600, sharpness=2.0, seed=0, **extras):
    generator = np.random.default_rng(seed)
    true = generator.dirichlet([0.4, 0.4, 0.4], rows)
    labels = (true.cumsum(axis=1) < generator.random((rows, 1))).sum(axis=1)
    probabilities = true**sharpness / (true**sharpness).sum(axis=1, keepdims=True)
    return PredictionTable(name, ["cat", "dog", "emu"], probabilities, labels, **extras)


def make_other(rows=200):
    generator = np.random.default_rng(1)
    probabilities = generator.dirichlet([3, 3, 3], rows)
    return PredictionTable("other", ["cat", "dog", "emu"], probabilities, variance=generator.random(rows) + 0.5)


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr(intervals, "RESAMPLES", 20)


@pytest.fixture(scope="module")
def model():
    table = make_table(variance=np.random.default_rng(2).random(600))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intervals, "RESAMPLES", 20)
        return evaluate(table, make_other(), PolicyRequest(budget=0.1), Expert.from_accuracy(0.95, 3))


def test_figures_are_those_of_the_metrics(model):
    table = model.table
    assert model.measures["accuracy"].estimate == pytest.approx(metrics.accuracy(table.probabilities, table.labels))
    for name in ("expected", "debiased", "classwise", "adaptive", "top_label", "maximum"):
        metric = getattr(metrics, f"{name}_calibration_error")
        assert model.measures[f"{name}_calibration_error"].estimate == metric(table.probabilities, table.labels)
    uncertainty = 1 - table.probabilities.max(axis=1)
    assert model.measures["augrc"].estimate == metrics.augrc(uncertainty, table.mistakes)
    assert model.measures["calibration_auroc"].estimate == metrics.calibration_auroc(uncertainty, table.mistakes)
    separation = model.separation["variance"]
    assert separation["auroc"].estimate == metrics.out_of_domain_auroc(table.variance, model.other.variance)
    assert all(interval.low <= interval.estimate <= interval.high for interval in model.measures.values())


def test_temperature_takes_back_the_sharpening(model):
    assert model.temperature["temperature"] == pytest.approx(2, rel=0.25)
    after = model.temperature["expected_calibration_error_after"]
    assert after < model.temperature["expected_calibration_error_before"] / 1.5


def test_temperature_and_sets_are_fitted_on_one_half_and_judged_on_the_other(model):
    halves = Halves.of(model.table)
    fitted_on, judged_on = halves.selection, halves.evaluation
    scaling = TemperatureScaling().fit(fitted_on.probabilities, fitted_on.labels)
    assert model.temperature["temperature"] == pytest.approx(scaling.temperature)
    scaled = scaling.transform(judged_on.probabilities)
    expected = metrics.negative_log_likelihood(scaled, judged_on.labels)
    assert model.temperature["nll_after"] == pytest.approx(expected)
    fitted = ConformalPredictionSets("lac", 0.9).fit(fitted_on.probabilities, fitted_on.labels)
    sets = fitted.predict(judged_on.probabilities)
    covered = sets[np.arange(len(sets)), judged_on.labels].mean()
    assert (model.sets[0]["coverage"], model.sets[0]["covered"]) == (0.9, covered)


def test_classes_are_those_of_a_loop(model):
    labels, predicted = model.table.labels, model.table.probabilities.argmax(axis=1)
    for row in model.classes:
        k = ["cat", "dog", "emu"].index(row["class"])
        assert row["recall"] == pytest.approx(np.mean(predicted[labels == k] == k))
        assert row["precision"] == pytest.approx(np.mean(labels[predicted == k] == k))
    assert model.classes[0]["recall"] == min(row["recall"] for row in model.classes)


def test_policies_are_judged_on_rows_they_were_not_learned_on(model):
    halves = Halves.of(model.table)
    rows = np.concatenate([halves.selection.probabilities, halves.evaluation.probabilities])
    assert len(np.unique(rows, axis=0)) == 600
    policy = DeferralPolicy.for_budget(halves.selection.probabilities, 0.1, variance=halves.selection.variance)
    assert model.policies.policy == policy
    defer = policy.decide(halves.evaluation.probabilities).defer
    assert model.policies.outcome["deferral_rate"] == defer.mean()
    right = ~halves.evaluation.mistakes
    assert model.policies.outcome["accuracy_answered"] == pytest.approx(right[~defer].mean())
    joint = np.where(defer, 0.95, right).mean()
    assert model.policies.outcome["joint_accuracy"] == pytest.approx(joint)


def test_everything_is_written_and_can_be_read_again(model, tmp_path):
    written = {path.name for path in write_report({"network": model}, tmp_path)}
    pictures = {"reliability.png", "selective.png", "out_of_domain.png", "joint_accuracy.png"}
    assert written == pictures | {"results.json", "report.html", "policy.json"}
    assert DeferralPolicy.load(tmp_path / "policy.json") == model.policies.policy
    results = json.loads((tmp_path / "results.json").read_text(), parse_constant=pytest.fail)
    assert results["models"]["network"]["measures"]["accuracy"]["estimate"] == model.measures["accuracy"].estimate
    page = (tmp_path / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 4
    assert "http" not in page.replace("http-equiv", "")
    for sentence in verdicts(model):
        assert sentence in page


def test_names_from_files_are_escaped_in_the_page(tmp_path):
    model = evaluate(make_table("<b>net</b>", rows=100), None, PolicyRequest(), None)
    write_report({"<b>net</b>": model}, tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert "<b>net</b>" not in page
    assert "&lt;b&gt;net" in page


def test_several_models_side_by_side(tmp_path):
    tables = [make_table("sharp", rows=200), make_table("blunt", rows=200, sharpness=0.5)]
    check_same_cases(tables)
    models = {table.name: evaluate(table, None, PolicyRequest(), None) for table in tables}
    first = summary_tables(models)[0]
    assert first.headings == ["", "sharp", "blunt"]
    assert {"policy-sharp.json", "policy-blunt.json"} <= {path.name for path in write_report(models, tmp_path)}
    assert "overconfident" in verdicts(models["sharp"])[1]
    assert "underconfident" in verdicts(models["blunt"])[1]


def test_costs_are_compared_with_machine_and_expert_alone():
    costs = DecisionCosts.create(3, 10, 1)
    halves = Halves.of(make_table(rows=2000))
    outcome = evaluate_policies(halves, PolicyRequest(costs=costs), Expert.from_accuracy(0.95, 3)).outcome["costs"]
    assert outcome["expert"] == pytest.approx(1.5)
    assert outcome["machine"] == pytest.approx(10 * halves.evaluation.mistakes.mean())
    assert outcome["joint"] < min(outcome["expert"], outcome["machine"])
    with pytest.raises(ValueError, match=r"Costs need an expert"):
        evaluate_policies(halves, PolicyRequest(costs=costs), None)


def test_a_promise_that_cannot_be_made_is_told_and_the_rest_is_there():
    handover = evaluate_policies(Halves.of(make_table(rows=100)), PolicyRequest(accuracy=0.999), None)
    assert handover.policy is handover.outcome is None
    assert "No threshold on 50 held-out rows" in handover.refusal
    assert len(handover.budgets) == 5


def test_intervals_of_many_rows_are_those_of_normal_theory(monkeypatch):
    monkeypatch.setattr(intervals, "RESAMPLES", 400)
    values = np.random.default_rng(0).random(100_000)
    interval = report_interval(lambda array: array.mean(), values)
    half = 1.96 * values.std() / np.sqrt(100_000)
    assert (interval.high - interval.low) / 2 == pytest.approx(half, rel=0.25)


def test_tables_that_do_not_belong_together_are_refused():
    first = make_table("first", rows=50)
    with pytest.raises(ValueError, match=r"same cases.* Received: 50 rows in first and 40 in second"):
        check_same_cases([first, make_table("second", rows=40)])
    with pytest.raises(ValueError, match=r"other labels in \d+ rows of second"):
        check_same_cases([first, make_table("second", rows=50, seed=9)])
    two = PredictionTable("two", ["a", "b"], np.full((5, 2), 0.5))
    with pytest.raises(ValueError, match=r"same classes. Received: 3 classes in first, 2 in two"):
        evaluate(first, two, PolicyRequest(), None)
    with pytest.raises(ValueError, match=r"at least two classes.* Received: 9 times 'a' in one"):
        evaluate(
            PredictionTable("one", ["a", "b"], np.full((9, 2), 0.5), np.zeros(9, int)), None, PolicyRequest(), None
        )


def test_temperature_scaling_is_advised_only_where_it_helps():
    model = evaluate(make_table("sharp", rows=2000), None, PolicyRequest(), None)
    assert "Temperature scaling (T = " in verdicts(model)[1]
    before = model.temperature["expected_calibration_error_before"]
    worse = {**model.temperature, "expected_calibration_error_after": before + 0.01}
    assert "Temperature scaling would not help." in verdicts(dataclasses.replace(model, temperature=worse))[1]
