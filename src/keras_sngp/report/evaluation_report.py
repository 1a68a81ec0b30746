"""Writes the report to a folder: pictures, numbers, policies, and a page to mail."""

import platform
import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from keras_sngp.metrics.scores import SCORES
from keras_sngp.report import evaluation_tables as tables
from keras_sngp.report.evaluation import Evaluation
from keras_sngp.report.evaluation_figures import draw_all
from keras_sngp.report.page import write_page
from keras_sngp.report.text_table import TextTable
from keras_sngp.report.verdicts import verdicts

TEMPLATE = Path(__file__).parent / "templates" / "evaluation.html"


def results(models: Mapping[str, Evaluation]) -> dict[str, Any]:
    """All figures, as they go into `results.json`."""
    return {
        "versions": versions(),
        "models": {name: model.as_json() for name, model in models.items()},
    }


def versions() -> dict[str, str]:
    """Versions of everything the figures depend on."""
    packages = ("keras-sngp", "numpy", "scipy", "scikit-learn", "pyarrow")
    return {"python": platform.python_version(), **{package: version(package) for package in packages}}


def write_report(models: Mapping[str, Evaluation], folder: Path) -> list[Path]:
    """Writes all files, each of them whole or not at all, and returns their paths."""
    figures, summary = draw_all(models), results(models)
    written = write_page(
        folder,
        TEMPLATE,
        figures,
        summary,
        models=models,
        scores=SCORES,
        verdicts={name: verdicts(model) for name, model in models.items()},
        quality=tables.measure_table("", models, tables.QUALITY),
        classes={name: tables.class_table(model) for name, model in models.items()},
        calibration=tables.measure_table("", models, tables.CALIBRATION),
        temperature=tables.calibration_help_table(models),
        sets=tables.set_table(models),
        selection=tables.measure_table("", models, tables.SELECTION),
        separation=tables.separation_table(models) if "out_of_domain" in figures else None,
        budgets=tables.budget_table(models),
        costs=tables.cost_table(models),
        versions=summary["versions"],
        policy_name=lambda name: policy_name(name, len(models)),
    )
    for name, model in models.items():
        if model.policies.policy is not None:
            written.append(folder / policy_name(name, len(models)))
            model.policies.policy.save(written[-1])
    return written


def policy_name(model: str, num_models: int) -> str:
    """Name of the file of a model's policy."""
    return "policy.json" if num_models == 1 else f"policy-{re.sub(r'[^A-Za-z0-9._-]+', '-', model)}.json"


def summary_tables(models: Mapping[str, Evaluation]) -> list[TextTable]:
    """The tables that the terminal shows."""
    first = tables.measure_table(
        "Quality, calibration, selection", models, {**tables.QUALITY, **tables.CALIBRATION, **tables.SELECTION}
    )
    chosen = [first]
    if any(model.separation for model in models.values()):
        chosen.append(tables.separation_table(models, with_intervals=False))
    chosen.append(tables.budget_table(models))
    costs = tables.cost_table(models)
    return [*chosen, costs] if costs else chosen
