"""Predictions from a file, read block by block, only the columns that are needed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from keras_sngp._tables.blocks import Block
from keras_sngp._tables.cells import as_numbers, is_cell_type
from keras_sngp._tables.labels import checked_label_numbers
from keras_sngp._tables.open_table import SUFFIXES, open_table
from keras_sngp.deferral import Expert
from keras_sngp.metrics.probabilities import as_probabilities, check_finite, softmax
from keras_sngp.report.column_names import ColumnNames, Columns, check_votes, find_columns
from keras_sngp.report.prediction_table import PredictionTable

LOGITS_HINT = "If these are logits, say so by --logits"


def read_predictions(path: str | Path, wanted: ColumnNames | None = None) -> PredictionTable:
    """Reads a CSV, Parquet or NPZ file of predictions, one row a case.

    Large files are read block by block into one array. What the columns hold is found by their names:

    | | names |
    |---|---|
    | probabilities | `prob_cat`, `prob_dog`, ...; also `p_`, `proba_`, `probability_`; or one column `prob` of lists |
    | logits | `logit_cat`, ...; or one column `logits` of lists |
    | ground truth | `label`, `y`, `target`, ...: names of classes, or numbers from 0; never `answer` |
    | more | `variance`, `uncertainty` |

    A single column of probabilities is that of the second of two classes. In an NPZ file the same names stand for
    arrays, and `class_names` may name the classes.

    Args:
        path: The file.
        wanted: Columns to use instead.

    Raises:
        ValueError: the file or a row of it is not as it should be; rows are counted from 1, without the header.

    Example:

    >>> path = folder / "predictions.csv"
    >>> _ = path.write_text("prob_cat,prob_dog,label\\n0.9,0.1,cat\\n0.3,0.7,dog\\n")
    >>> table = read_predictions(path)
    >>> table.class_names, table.labels.tolist()
    (['cat', 'dog'], [0, 1])
    """
    path, wanted = Path(path), wanted or ColumnNames()
    if path.is_dir():
        raise ValueError(f"Expected a file of predictions. Received: {path}, which is a folder")
    try:
        with open_table(path) as opened:
            columns = find_columns(opened.names, wanted, opened.groups, opened.class_names)
            return _collect(_name_of(path), columns, opened.blocks(columns.needed))
    except ValueError as error:
        counted = " (rows are counted from 1, without the header)" if " in row " in str(error) else ""
        raise ValueError(f"{error}{counted}") from error


def _name_of(path: Path) -> str:
    suffix = max((suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)), key=len, default="")
    return path.name[: len(path.name) - len(suffix)]


def _collect(name: str, columns: Columns, blocks: Iterator[Block]) -> PredictionTable:
    parts = {part: _GrowingArray() for part in ("outputs", "labels", "variance", "uncertainty", "expert")}
    class_names, rows = list(columns.class_names), 0
    for block in blocks:
        if block.bad:
            raise ValueError(f"Expected rows that can be read. Received: {block.bad[0]}")
        table, first = block.table.combine_chunks(), block.first
        outputs = _matrix(table, columns.outputs, first)
        probabilities = _probabilities(outputs, columns.logits, first)
        class_names = _checked_names(class_names, probabilities.shape[1])
        parts["outputs"].add(probabilities)
        if columns.label:
            parts["labels"].add(checked_label_numbers(table[columns.label], class_names, first))
        if columns.variance:
            parts["variance"].add(_matrix(table, columns.variance, first, finite=True).mean(axis=1))
        if columns.uncertainty:
            parts["uncertainty"].add(_matrix(table, (columns.uncertainty,), first, finite=True)[:, 0])
        if columns.expert:
            parts["expert"].add(_expert_block(table, columns.expert, class_names, first))
        rows += table.num_rows
    if not rows:
        raise ValueError("Expected at least one row. Received: a file without rows")
    arrays = {part: array.finished() for part, array in parts.items()}
    return PredictionTable(
        name,
        class_names,
        arrays["outputs"],
        arrays["labels"] if columns.label else None,
        arrays["variance"].astype("float64") if columns.variance else None,
        arrays["uncertainty"].astype("float64") if columns.uncertainty else None,
        _expert(arrays["expert"], len(class_names)) if columns.expert else None,
    )


def _probabilities(outputs: np.ndarray, logits: bool, first_row: int) -> np.ndarray:
    """Of outputs that are what their columns or the user say, so that no block is taken for the other kind."""
    if logits:
        check_finite(outputs, first_row)
        return softmax(outputs.astype("float64"))
    return as_probabilities(outputs, from_logits=False, first_row=first_row, remedy=LOGITS_HINT)


def _checked_names(class_names: list[str], num_classes: int) -> list[str]:
    names = class_names or [str(number) for number in range(num_classes)]
    if len(names) != num_classes:
        raise ValueError(f"Expected a name for each of {num_classes} classes in 'class_names'. Received: {len(names)}")
    return names


def _matrix(table: pa.Table, names: tuple[str, ...], first_row: int, finite: bool = False) -> np.ndarray:
    """The numbers of some columns, or of the lists in one, `(rows, columns)`; NaN where there is none."""
    if len(names) == 1 and _is_list(table[names[0]].type):
        return _lists(table[names[0]].combine_chunks(), names[0], first_row, finite)
    return np.column_stack([_numbers(table[name], name, first_row, finite) for name in names])


def _is_list(kind: pa.DataType) -> bool:
    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(is_one(kind) for is_one in lists)


def _lists(column: Any, name: str, first_row: int, finite: bool) -> np.ndarray:
    column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    lengths = pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)
    if lengths.min() != lengths.max() or lengths[0] == 0:
        odd = int(np.argmax(lengths != lengths[0])) if lengths[0] else 0
        raise ValueError(
            f"The lists in column {name!r} must have one number for each class. "
            f"Received: {lengths[odd]} numbers in row {first_row + odd} and {lengths[0]} in row {first_row}"
        )
    values = _numbers(column.flatten(), name, first_row, finite=False).reshape(len(column), -1)
    if finite and not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values).all(axis=1)))
        raise ValueError(f"Expected finite numbers in column {name!r}. Received: others in row {first_row + row}")
    return values


def _numbers(column: Any, name: str, first_row: int, finite: bool) -> np.ndarray:
    if not is_cell_type(column.type) or pa.types.is_temporal(column.type):
        raise ValueError(f"Expected numbers in column {name!r}. Received: {column.type}")
    values, unreadable = as_numbers(column)
    if unreadable.any():
        row = int(np.argmax(unreadable))
        received = f"{str(column[row].as_py())!r} in row {first_row + row}"
        raise ValueError(f"Expected finite numbers in column {name!r}. Received: {received}")
    if finite and not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values)))
        raise ValueError(f"Expected finite numbers in column {name!r}. Received: nothing in row {first_row + row}")
    return values.astype("float32") if column.type == pa.float32() else values


def _expert_block(table: pa.Table, names: tuple[str, ...], class_names: list[str], first_row: int) -> np.ndarray:
    if len(names) > 1 or _is_list(table[names[0]].type):
        votes = _matrix(table, names, first_row)
        check_votes(votes.shape[1], names[0], len(class_names))
        return votes
    return checked_label_numbers(table[names[0]], class_names, first_row, "expert's answers")


def _expert(values: np.ndarray, num_classes: int) -> Expert:
    return Expert.from_votes(values) if values.ndim == 2 else Expert.from_answers(values, num_classes)


class _GrowingArray:
    """An array that rows are added to, without ever being held twice."""

    def __init__(self) -> None:
        self._used = 0
        self._array: np.ndarray | None = None

    def add(self, block: np.ndarray) -> None:
        if self._array is None:
            self._array = np.empty_like(block)
        needed = self._used + len(block)
        if needed > len(self._array):
            # In place: the allocator moves large arrays by their pages, without a second copy.
            self._array.resize((max(needed, len(self._array) * 3 // 2), *block.shape[1:]), refcheck=False)
        self._array[self._used : needed] = block
        self._used = needed

    def finished(self) -> np.ndarray:
        if self._array is None:
            return np.empty(0)
        self._array.resize((self._used, *self._array.shape[1:]), refcheck=False)
        return self._array
