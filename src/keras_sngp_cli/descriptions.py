"""Data and classifiers in words, for people."""

from typing import Any

from keras_sngp.own_data.inputs import Inputs, TableSchema
from keras_sngp.own_data.inputs.columns import Column, NumberColumn
from keras_sngp.own_data.training import PreparedData
from keras_sngp.report.text_table import TextTable

MOST_VALUES = 4


def column_table(inputs: Inputs) -> TextTable:
    """What each column is used as, and why others are not."""
    if isinstance(inputs, TableSchema):
        used = [[column.name, column.kind, _contents(column)] for column in inputs.columns]
        ignored = [[name, "ignored", reason] for name, reason in inputs.ignored.items()]
    else:
        shape = " x ".join(map(str, inputs.input_shape))
        used, ignored = [[inputs.name, inputs.kind, f"a row becomes {shape} numbers"]], []
    return TextTable("Columns", ["", "used as", "holds"], [*used, *ignored])


def split_sentence(data: PreparedData) -> str:
    """Rows and classes."""
    split = data.split
    unlabelled = f" {data.unlabelled:,} rows without a label are left out." if data.unlabelled else ""
    return (
        f"{len(data.class_names)} classes ({_some(data.class_names)}). {len(split.training):,} rows to train on, "
        f"{len(split.validation):,} for validation, {len(split.held_out):,} held out.{unlabelled}"
    )


def classifier_tables(content: dict[str, Any], inputs: Inputs) -> list[TextTable]:
    """What a file says about its classifier; see `describe_file`."""
    training = content["training"]
    rows = training.get("rows", {})
    facts = [
        ["label", content["label"]],
        ["classes", f"{len(content['class_names'])}: {_some(content['class_names'])}"],
        ["network", ", ".join(f"{name} {value}" for name, value in content["architecture"].items())],
        ["rows", ", ".join(f"{name.replace('_', ' ')} {number:,}" for name, number in rows.items())],
        ["best epoch", str(training.get("best_epoch"))],
        ["seconds", str(training.get("seconds"))],
        ["versions", ", ".join(f"{name} {version}" for name, version in content["versions"].items())],
        ["size", f"{sum(content['bytes'].values()) / 1e6:.1f} MB"],
    ]
    return [TextTable("Classifier", ["", "is"], facts), column_table(inputs)]


def _contents(column: Column) -> str:
    missing = ", some missing" if column.missing_seen else ""
    if isinstance(column, NumberColumn):
        tail = ", long tail" if column.unit is not None else ""
        return f"{column.low:g} to {column.high:g}{tail}{missing}"
    rare = " and rarer ones" if column.rare_seen else ""
    return f"{len(column.values)} words{rare}: {_some(column.values)}{missing}"


def _some(names: Any) -> str:
    shown = ", ".join(names[:MOST_VALUES])
    return f"{shown}, ..." if len(names) > MOST_VALUES else shown
