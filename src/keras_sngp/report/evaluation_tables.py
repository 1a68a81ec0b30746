"""The report's tables as text, for the terminal and the page."""

from collections.abc import Mapping
from typing import Any

from keras_sngp.metrics import Interval
from keras_sngp.metrics.scores import SCORES
from keras_sngp.report.evaluation import Evaluation
from keras_sngp.report.text_table import NOTHING, TextTable, percent

QUALITY = {
    "accuracy": ("Accuracy", "percent"),
    "nll": ("Negative log-likelihood", "number"),
    "brier": ("Brier score", "number"),
}
CALIBRATION = {
    "expected_calibration_error": ("ECE, 15 equal-width bins", "percent"),
    "expected_calibration_error_equal_mass": ("ECE, 15 equal-mass bins", "percent"),
    "debiased_calibration_error": ("Debiased error (root mean square)", "percent"),
    "top_label_calibration_error": ("Top-label ECE", "percent"),
    "classwise_calibration_error": ("Class-wise ECE", "percent"),
    "adaptive_calibration_error": ("Adaptive calibration error", "percent"),
    "maximum_calibration_error": ("Maximum calibration error", "percent"),
}
SELECTION = {
    "calibration_auroc": ("AUROC of finding mistakes", "number"),
    "calibration_aupr": ("AUPR of finding mistakes", "number"),
    "aurc": ("AURC", "small"),
    "excess_aurc": ("Excess AURC", "small"),
    "augrc": ("AUGRC", "small"),
}
SEPARATION = {
    "auroc": "AUROC",
    "aupr_out": "AUPR out",
    "aupr_in": "AUPR in",
    "fpr_at_95_tpr": "FPR at 95 %",
}


def measure_table(title: str, models: Mapping[str, Evaluation], measures: Mapping[str, tuple[str, str]]) -> TextTable:
    """Measures in rows, models in columns, with 95 % intervals."""
    rows = [
        [name, *(_interval(model.measures.get(key), form) for model in models.values())]
        for key, (name, form) in measures.items()
    ]
    return TextTable(title, ["", *models], rows)


def separation_table(models: Mapping[str, Evaluation], with_intervals: bool = True) -> TextTable:
    """Scores in rows, the measures of out-of-domain detection in columns."""
    rows = [
        [
            SCORES[score].title if len(models) == 1 else f"{name}: {SCORES[score].title}",
            *(_interval(figures[key], _separation_form(key), with_intervals) for key in SEPARATION),
        ]
        for name, model in models.items()
        for score, figures in model.separation.items()
    ]
    return TextTable("In domain or out of it", ["Score", *SEPARATION.values()], rows)


def class_table(model: Evaluation) -> TextTable:
    """Classes in rows, the worst found first."""
    rows = [
        [
            row["class"],
            f"{row['rows']:,}",
            percent(row["recall"]),
            percent(row["precision"]),
            NOTHING if row["taken_for"] is None else f"{row['taken_for']} ({row['taken_for_rows']:,})",
        ]
        for row in model.classes
    ]
    headings = ["Class", "Rows", "Found (recall)", "Right if said (precision)", "Most often taken for"]
    return TextTable("Class by class, the worst first", headings, rows)


def budget_table(models: Mapping[str, Evaluation]) -> TextTable:
    """Budgets in rows, what they bring in columns."""
    with_expert = any("joint_accuracy" in model.policies.budgets[0] for model in models.values())
    with_costs = any("costs" in model.policies.budgets[0] for model in models.values())
    headings = ["Budget", "Deferred", "Accuracy\nof answers", "Mistakes\ncaught"]
    headings += ["Expert\non these", "Joint\naccuracy"] if with_expert else []
    headings += ["Cost\na case"] if with_costs else []
    rows = []
    for name, model in models.items():
        for outcome in model.policies.budgets:
            cells = [percent(outcome[key]) for key in ("deferral_rate", "accuracy_answered", "mistakes_caught")]
            if with_expert:
                cells += [percent(outcome.get(key)) for key in ("expert_accuracy_deferred", "joint_accuracy")]
            if with_costs:
                cells.append(f"{outcome['costs']['joint']:.4g}" if "costs" in outcome else NOTHING)
            budget = f"{100 * outcome['budget']:.0f} %"
            rows.append([budget if len(models) == 1 else f"{name}, {budget}", *cells])
    return TextTable("What an expert's time would buy", headings, rows)


def calibration_help_table(models: Mapping[str, Evaluation]) -> TextTable:
    """What temperature scaling would do, models in rows."""
    rows = [
        [
            name,
            f"{help_['temperature']:.3f}",
            f"{percent(help_['expected_calibration_error_before'])} → "
            f"{percent(help_['expected_calibration_error_after'])}",
            f"{help_['nll_before']:.4f} → {help_['nll_after']:.4f}",
        ]
        for name, help_ in ((name, model.temperature) for name, model in models.items())
    ]
    return TextTable("Temperature scaling", ["", "Temperature", "ECE", "Negative log-likelihood"], rows)


def set_table(models: Mapping[str, Evaluation]) -> TextTable:
    """Prediction sets, promised coverages in rows."""
    rows = [
        [
            f"{100 * one['coverage']:.0f} %" if len(models) == 1 else f"{name}, {100 * one['coverage']:.0f} %",
            percent(one["covered"]),
            f"{one['mean_size']:.2f}",
            percent(one["single"]),
        ]
        for name, model in models.items()
        for one in model.sets
    ]
    headings = ["Promised coverage", "Hold the label", "Mean number of classes", "Sets of one class"]
    return TextTable("Prediction sets (split conformal, LAC)", headings, rows)


def cost_table(models: Mapping[str, Evaluation]) -> TextTable | None:
    """Mean cost a case of machine, expert and both; None without costs."""
    rows = []
    for name, model in models.items():
        outcome: dict[str, Any] = model.policies.outcome or {}
        if "costs" in outcome:
            costs = outcome["costs"]
            rows.append([name, *(f"{costs[key]:.4g}" for key in ("machine", "expert", "joint"))])
    headings = ["", "Machine alone", "Expert alone", "Together"]
    return TextTable("Mean cost a case", headings, rows) if rows else None


def _separation_form(key: str) -> str:
    return "percent" if key == "fpr_at_95_tpr" else "number"


def _interval(interval: Interval | None, form: str, with_interval: bool = True) -> str:
    if interval is None:
        return NOTHING
    factor, digits, unit = {"percent": (100, 2, " %"), "number": (1, 3, ""), "small": (1, 5, "")}[form]
    half = (interval.high - interval.low) / 2
    spread = f" ± {factor * half:.{digits}f}" if with_interval else ""
    return f"{factor * interval.estimate:.{digits}f}{spread}{unit}"
