"""The tables, the expert and the policy asked for, from what the user passed."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_sngp.deferral import DecisionCosts, Expert
from keras_sngp.report.column_names import ColumnNames
from keras_sngp.report.policies import PolicyRequest
from keras_sngp.report.prediction_table import PredictionTable
from keras_sngp.report.read_predictions import read_predictions


def read_tables(
    files: Sequence[Path], others: Sequence[Path], options: Mapping[str, Any], progress: Callable[[str], None]
) -> tuple[list[PredictionTable], list[PredictionTable | None]]:
    """Reads all files; out-of-domain files need no labels, and the expert's record is in the first file alone."""
    recorded = options["expert"] if _accuracy(options["expert"]) is None else None
    wanted = ColumnNames(
        label=options["label"],
        uncertainty=options["uncertainty"],
        expert=recorded,
        classes=tuple(filter(None, (options["classes"] or "").split(","))),
        logits=options["logits"],
    )
    tables = []
    for index, path in enumerate(files):
        progress(f"Reading {path}")
        tables.append(read_predictions(path, wanted if index == 0 else dataclasses.replace(wanted, expert=None)))
    unlabelled = dataclasses.replace(wanted, label=None, expert=None, needs_label=False)
    outside: list[PredictionTable | None] = []
    for path in others:
        progress(f"Reading {path}")
        outside.append(read_predictions(path, unlabelled))
    return _with_names(tables, files), outside or [None] * len(tables)


def read_expert(given: str | None, tables: list[PredictionTable]) -> Expert | None:
    """The expert by accuracy; or the one recorded in the first table, which is then that of all tables."""
    accuracy = _accuracy(given)
    if accuracy is not None and not 0 <= accuracy <= 1:
        raise ValueError(f"--expert must be an accuracy from 0 to 1, or a column. Received: {given}")
    if accuracy is not None:
        return Expert.from_accuracy(accuracy, len(tables[0].class_names))
    for index, table in enumerate(tables):
        tables[index] = dataclasses.replace(table, expert=tables[0].expert)
    return None


def check_score(score: str | None, tables: Sequence[PredictionTable | None]) -> None:
    """Raises a ValueError if the score needs a column that one of the files does not have."""
    column = {"variance": "variance", "given": "uncertainty"}.get(score or "")
    for table in tables:
        if column is not None and table is not None and getattr(table, column) is None:
            raise ValueError(f"The score {score!r} needs a column {column!r}. Received: {table.name} without one")


def policy_request(options: Mapping[str, Any], class_names: Sequence[str]) -> PolicyRequest:
    """What the policy is to do."""
    costs = None if options["costs"] is None else DecisionCosts.load(options["costs"], class_names)
    score = options["score"] or ("given" if options["uncertainty"] else None)
    return PolicyRequest(score, options["budget"], options["accuracy"], options["delta"], costs)


def _accuracy(given: str | None) -> float | None:
    try:
        return None if given is None else float(given)
    except ValueError:
        return None


def _with_names(tables: list[PredictionTable], files: Sequence[Path]) -> list[PredictionTable]:
    names = [table.name for table in tables]
    if len(set(names)) < len(names):
        names = [str(path) for path in files]
    if len(set(names)) < len(names):
        raise ValueError(f"Expected different files to compare. Received: {', '.join(names)}")
    return [dataclasses.replace(table, name=name) for table, name in zip(tables, names, strict=True)]
