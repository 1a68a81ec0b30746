"""The pictures of the report."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from keras_sngp.metrics.scores import SCORES
from keras_sngp.plots import (
    plot_accuracy_rejection,
    plot_joint_accuracy,
    plot_reliability,
    plot_risk_coverage,
    plot_score_histograms,
)
from keras_sngp.report.evaluation import Evaluation


def draw_all(models: Mapping[str, Evaluation]) -> dict[str, Figure]:
    """All pictures by name, in the order they are told."""
    figures = {"reliability": _reliability(models), "selective": _selective(models)}
    if all(model.other is not None for model in models.values()):
        figures["out_of_domain"] = _out_of_domain(models)
    if all(model.joint is not None for model in models.values()):
        figures["joint_accuracy"] = _joint_accuracy(models)
    return figures


def _reliability(models: Mapping[str, Evaluation]) -> Figure:
    figure = Figure(figsize=(5.6, 6.6), layout="constrained")
    ax, counts_ax = figure.subplots(2, 1, height_ratios=(3, 1))
    plot_reliability(ax, {name: model.bins for name, model in models.items()}, counts_ax)
    ax.set_title("What came true of what was said")
    return figure


def _selective(models: Mapping[str, Evaluation]) -> Figure:
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    curves = {name: model.risk_coverage for name, model in models.items()}
    plot_risk_coverage(left, curves)
    plot_accuracy_rejection(right, curves)
    left.set_title("Answering only the surest cases")
    right.set_title("Setting aside the least sure cases")
    return figure


def _out_of_domain(models: Mapping[str, Evaluation]) -> Figure:
    rows = list(models.items())
    names = best_scores(models)
    figure = Figure(figsize=(11, 3.6 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), 2, squeeze=False)
    for (name, model), pair in zip(rows, axes, strict=True):
        for ax, score in zip(pair, names[name], strict=True):
            inside, outside = model.uncertainties[score]
            policy = model.policies.policy
            threshold = policy.threshold if policy is not None and policy.score == score else None
            plot_score_histograms(ax, inside, outside, SCORES[score].axis, threshold)
            ax.set_title(f"{name}: AUROC {model.separation[score]['auroc'].estimate:.3f}")
    return figure


def best_scores(models: Mapping[str, Evaluation]) -> dict[str, tuple[str, str]]:
    """For each model the score it is evaluated by, and another: the variance, the one given, or the entropy."""
    chosen: dict[str, tuple[str, str]] = {}
    for name, model in models.items():
        others = [score for score in ("variance", "given", "entropy", "margin") if score in model.separation]
        second = next(score for score in others if score != model.score)
        chosen[name] = (model.score, second)
    return chosen


def _joint_accuracy(models: Mapping[str, Evaluation]) -> Figure:
    figure = Figure(figsize=(7.6, 4.8), layout="constrained")
    ax = figure.subplots()
    curves = {name: model.joint for name, model in models.items() if model.joint is not None}
    rates = {
        name: model.policies.outcome["deferral_rate"]
        for name, model in models.items()
        if model.policies.outcome is not None
        and model.policies.policy is not None
        and model.policies.policy.score == model.score
    }
    plot_joint_accuracy(ax, curves, rates)
    ax.set_title("Machine and expert together")
    return figure
