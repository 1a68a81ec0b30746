"""CSV and Parquet files, read block by block, only the columns that are needed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as arrow_compute
import pyarrow.csv as arrow_csv
import pyarrow.parquet as arrow_parquet

from keras_sngp.deferral import Expert
from keras_sngp.report.column_names import Columns, find_columns
from keras_sngp.report.growing_array import GrowingArray
from keras_sngp.report.label_numbers import LabelNumbers
from keras_sngp.report.output_blocks import block_probabilities
from keras_sngp.report.prediction_table import ColumnWishes, PredictionTable

ROWS_A_BLOCK = 65_536
BYTES_A_BLOCK = 1 << 23


def read_parquet(path: Path, name: str, wishes: ColumnWishes) -> PredictionTable:
    """Reads predictions from a Parquet file."""
    with _whole_parquet(path) as file:
        columns = find_columns(file.schema_arrow.names, wishes)
        batches = file.iter_batches(ROWS_A_BLOCK, columns=_needed(columns))
        return _collect(name, columns, batches, file.metadata.num_rows)


def read_csv(path: Path, name: str, wishes: ColumnWishes) -> PredictionTable:
    """Reads predictions from a CSV file with a header, in UTF-8, parted by commas, semicolons or tabs."""
    parsing = arrow_csv.ParseOptions(delimiter=_delimiter(path))
    reading = arrow_csv.ReadOptions(block_size=BYTES_A_BLOCK)
    try:
        with arrow_csv.open_csv(path, read_options=reading, parse_options=parsing) as reader:
            names = reader.schema.names
        columns = find_columns(names, wishes)
        numbers = [*columns.outputs, *(c for c in (columns.variance, columns.uncertainty) if c)]
        texts = [columns.label] if columns.label else []
        (texts if len(columns.expert) == 1 else numbers).extend(columns.expert)
        types = {**dict.fromkeys(numbers, pa.float64()), **dict.fromkeys(texts, pa.string())}
        options = arrow_csv.ConvertOptions(include_columns=_needed(columns), column_types=types)
        with arrow_csv.open_csv(path, read_options=reading, parse_options=parsing, convert_options=options) as reader:
            return _collect(name, columns, reader, 0)
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise ValueError(_explained(error, path)) from error


def _delimiter(path: Path) -> str:
    with path.open("rb") as file:
        header = file.readline()
    return max(",;\t", key=lambda delimiter: header.count(delimiter.encode()))


def _explained(error: Exception, path: Path) -> str:
    text = str(error)
    if "utf8" in text.lower().replace("-", ""):
        return (
            "Expected text in UTF-8. Received: other bytes; convert it, for example by "
            f"iconv -f latin1 -t utf-8 {path.name}"
        )
    if "Empty CSV" in text:
        return "Expected a header and at least one row. Received: an empty file"
    return f"Expected a CSV file with a header and numbers as outputs. Received: {text}"


def _whole_parquet(path: Path) -> Any:
    try:
        return arrow_parquet.ParquetFile(path, memory_map=False, pre_buffer=False)
    except pa.ArrowInvalid as error:
        raise ValueError(
            f"Expected a whole Parquet file; this one is cut off or something else. Received: {str(error).rstrip('.')}"
        ) from error


def _needed(columns: Columns) -> list[str]:
    single = [column for column in (columns.label, columns.variance, columns.uncertainty) if column]
    return list(dict.fromkeys([*columns.outputs, *single, *columns.expert]))


def _collect(name: str, columns: Columns, batches: Iterator[Any], rows: int) -> PredictionTable:
    parts = {part: GrowingArray(rows) for part in ("outputs", "labels", "variance", "uncertainty", "expert")}
    class_names, first_row = list(columns.class_names), 0
    batch_iterator = iter(batches)
    while (batch := _next(batch_iterator)) is not None:
        if batch.num_rows == 0:
            continue
        outputs = _matrix(batch, columns.outputs, first_row)
        probabilities = block_probabilities(outputs, columns.logits, first_row)
        class_names = class_names or [str(k) for k in range(probabilities.shape[1])]
        parts["outputs"].add(probabilities)
        if columns.label:
            parts["labels"].add(_labels(batch.column(columns.label), class_names, "labels", first_row))
        if columns.variance:
            parts["variance"].add(_numbers(batch.column(columns.variance), columns.variance, first_row))
        if columns.uncertainty:
            parts["uncertainty"].add(_numbers(batch.column(columns.uncertainty), columns.uncertainty, first_row))
        if columns.expert:
            parts["expert"].add(_expert_block(batch, columns.expert, class_names, first_row))
        first_row += batch.num_rows
    if first_row == 0:
        raise ValueError("Expected at least one row. Received: a file without rows")
    arrays = {part: array.finished() for part, array in parts.items()}
    return PredictionTable(
        name,
        class_names,
        arrays["outputs"],
        arrays["labels"] if columns.label else None,
        arrays["variance"] if columns.variance else None,
        arrays["uncertainty"] if columns.uncertainty else None,
        _expert(arrays["expert"], len(class_names)) if columns.expert else None,
    )


def _next(batches: Iterator[Any]) -> Any:
    try:
        return next(batches, None)
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, pa.ArrowInvalid) and "CSV" in str(error):
            raise
        raise ValueError(f"Expected a file that can be read to its end. Received: {error}") from error


def _matrix(batch: Any, names: tuple[str, ...], first_row: int) -> np.ndarray:
    if len(names) == 1 and pa.types.is_nested(batch.column(names[0]).type):
        return _lists(batch.column(names[0]), names[0], first_row)
    return np.column_stack([_numbers(batch.column(name), name, first_row, allow_missing=True) for name in names])


def _lists(column: Any, name: str, first_row: int) -> np.ndarray:
    lengths = arrow_compute.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)
    if lengths.min() != lengths.max() or lengths[0] == 0:
        odd = int(np.argmax(lengths != lengths[0])) if lengths[0] else 0
        raise ValueError(
            f"The lists in column {name!r} must have one number for each class. "
            f"Received: {lengths[odd]} numbers in row {first_row + odd} and {lengths[0]} in row {first_row}"
        )
    return _numbers(column.flatten(), name, first_row, allow_missing=True).reshape(len(column), -1)


def _numbers(column: Any, name: str, first_row: int, allow_missing: bool = False) -> np.ndarray:
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        raise ValueError(f"Expected numbers in column {name!r}. Received: {column.type}")
    values = column.to_numpy(zero_copy_only=False)
    values = values if values.dtype in (np.float32, np.float64) else values.astype("float64")
    if not allow_missing and not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values)))
        raise ValueError(
            f"Expected finite numbers in column {name!r}. Received: {values[row]} in row {first_row + row}"
        )
    return values


def _labels(column: Any, class_names: list[str], what: str, first_row: int) -> np.ndarray:
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    values = [*encoded.dictionary.to_pylist(), None]
    indices = encoded.indices.fill_null(len(values) - 1).to_numpy(zero_copy_only=False).astype(np.intp)
    return LabelNumbers(class_names, what).of_distinct(values, indices, first_row)


def _expert_block(batch: Any, names: tuple[str, ...], class_names: list[str], first_row: int) -> np.ndarray:
    if len(names) > 1 or pa.types.is_nested(batch.column(names[0]).type):
        return _matrix(batch, names, first_row)
    return _labels(batch.column(names[0]), class_names, "expert's answers", first_row)


def _expert(values: np.ndarray, num_classes: int) -> Expert:
    return Expert.from_votes(values) if values.ndim == 2 else Expert.from_answers(values, num_classes)
