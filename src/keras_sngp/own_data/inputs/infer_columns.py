"""Types of columns, found from what is in them."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from keras_sngp._tables.cells import as_numbers, as_words, is_cell_type, is_number_type
from keras_sngp.own_data.inputs.columns import KINDS, Column
from keras_sngp.own_data.inputs.schema import TableSchema

MOST_WORDS_SHARE = 0.5
FEW_ROWS = 20
IGNORE = "ignore"


def infer_schema(table: pa.Table, overrides: Mapping[str, str] | None = None) -> TableSchema:
    """Learns from training data which columns to use, and how.

    Numbers, and texts that all are numbers, become `"number"`, other texts `"category"`. Left out are columns without
    two different values, texts that are different in more than half of the rows, rows that are only counted, and
    anything that is not a single value.

    Args:
        table: The training data, without their label.
        overrides: `"number"`, `"category"` or `"ignore"` for some columns.

    Raises:
        ValueError: no column is left; an override names no column, or no such kind.
    """
    overrides = dict(overrides or {})
    _check_overrides(overrides, table.column_names)
    columns: list[Column] = []
    ignored: dict[str, str] = {}
    for name in table.column_names:
        kind, reason = (overrides[name], "as you asked") if name in overrides else _kind_of(table[name])
        if kind == IGNORE:
            ignored[name] = reason
        else:
            columns.append(KINDS[kind].learn(name, table[name]))
    if not columns:
        reasons = "; ".join(f"{name!r}: {reason}" for name, reason in ignored.items()) or "no columns but the label"
        raise ValueError(f"Expected at least one column to learn from. Received: {reasons}")
    return TableSchema(tuple(columns), ignored)


def _check_overrides(overrides: Mapping[str, str], names: list[str]) -> None:
    for name, kind in overrides.items():
        if name not in names:
            raise ValueError(f"Expected one of the columns {', '.join(map(repr, names))}. Received: {name!r}")
        if kind not in (*KINDS, IGNORE):
            raise ValueError(f"Column {name!r} can be {', '.join(KINDS)} or {IGNORE}. Received: {kind!r}")


def _kind_of(column: pa.ChunkedArray) -> tuple[str, str]:
    if not is_cell_type(column.type):
        return IGNORE, f"not a single value, but {column.type}"
    numbers, bad = as_numbers(column)
    known = numbers[~np.isnan(numbers)]
    if known.size and not bad.any():
        return _kind_of_numbers(known, len(numbers))
    if is_number_type(column.type):
        return (IGNORE, "all missing") if not known.size else ("number", "")
    return _kind_of_words(as_words(column))


def _kind_of_numbers(known: np.ndarray, rows: int) -> tuple[str, str]:
    if known.min() == known.max() and len(known) == rows:
        return IGNORE, "the same in every row"
    if rows >= FEW_ROWS and len(known) == rows and (np.diff(known) == 1).all():
        return IGNORE, "counts the rows"
    return "number", ""


def _kind_of_words(words: pa.Array) -> tuple[str, str]:
    known = words.drop_null()
    distinct = pc.count_distinct(known).as_py()
    if not distinct:
        return IGNORE, "all missing"
    if distinct == 1 and not words.null_count:
        return IGNORE, "the same in every row"
    if len(words) >= FEW_ROWS and distinct > MOST_WORDS_SHARE * len(known):
        return IGNORE, f"text that is different in {distinct} of {len(words)} rows"
    return "category", ""
