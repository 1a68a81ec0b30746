"""The one reader of tables: files, folders of images and standard input, as blocks of an Arrow table."""

import contextlib
import dataclasses
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as arrow_parquet

from keras_sngp._tables.blocks import BadRow, Block
from keras_sngp._tables.csv_blocks import read_csv_blocks
from keras_sngp._tables.image_folder import read_image_folder

ROWS_PER_BLOCK = 16_384
SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".parquet", ".npz")
CLASS_NAMES = "class_names"

Source = Path | io.BufferedReader


@dataclasses.dataclass(frozen=True)
class OpenTable:
    """A table that is open for reading, once.

    Attributes:
        names: Its columns.
        read: Reads some columns, in order, or all.
        groups: The columns that each array with a row and several columns a case has become, by the array's name.
        class_names: Names of classes that an NPZ file holds beside its rows; empty elsewhere.
    """

    names: list[str]
    read: Callable[[Sequence[str] | None], Iterator[Block]]
    groups: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    class_names: tuple[str, ...] = ()

    def blocks(self, columns: Sequence[str] | None = None) -> Iterator[Block]:
        """The rows in order, with some columns or all.

        Raises:
            ValueError: the rest of the file cannot be read.
        """
        return self.read(columns)


@contextlib.contextmanager
def open_table(source: Source) -> Iterator[OpenTable]:
    """Opens a CSV, Parquet or NPZ file, a folder of images, or a stream of CSV.

    In CSV every cell is text. The arrays of an NPZ file are columns: one of values `(rows,)` by its name, one
    `(rows, columns)` as `NAME_0`, `NAME_1` and so on, or by the classes if the file names them in `class_names`, one of
    more dimensions as a column of tensors. A folder of images has the columns `file`, `image` and `label`.

    Args:
        source: The path, or a binary stream such as `sys.stdin.buffer`.

    Raises:
        ValueError: no such file, one of another kind, cut off, or empty; the message begins with its name.
    """
    if not isinstance(source, Path):
        yield _csv(source)
    elif source.is_dir():
        with _named(source):
            names, blocks = read_image_folder(source)
            yield OpenTable(names, lambda columns: _chosen(blocks, columns))
    else:
        with _named(source):
            _check_file(source)
            with source.open("rb") as stream:
                suffix = source.name.lower()
                yield (_parquet if suffix.endswith(".parquet") else _npz if suffix.endswith(".npz") else _csv)(stream)


def read_table(source: Source) -> tuple[pa.Table, list[BadRow]]:
    """All rows of what `open_table` opens, and those among them that could not be read."""
    with open_table(source) as opened:
        found = list(opened.blocks())
    if not found:
        raise ValueError(f"Expected at least one row. Received: the columns {', '.join(map(repr, opened.names))} alone")
    return pa.concat_tables(block.table for block in found), [row for block in found for row in block.bad]


@contextlib.contextmanager
def _named(source: Path) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error


def _check_file(source: Path) -> None:
    if not source.name.lower().endswith(SUFFIXES):
        raise ValueError(f"Expected a file whose name ends in {', '.join(SUFFIXES)}")
    if not source.exists():
        raise ValueError("Expected a file. Received: no such file")


def _csv(stream: Any) -> OpenTable:
    return OpenTable(*read_csv_blocks(stream))


def _parquet(stream: BinaryIO) -> OpenTable:
    try:
        file = arrow_parquet.ParquetFile(stream, memory_map=False, pre_buffer=False)
    except (pa.ArrowInvalid, OSError) as error:
        reason = str(error).rstrip(".")
        raise ValueError(f"Expected a whole Parquet file, not cut off or something else. Received: {reason}") from error
    return OpenTable(file.schema_arrow.names, lambda columns: _parquet_blocks(file, columns))


def _parquet_blocks(file: Any, columns: Sequence[str] | None) -> Iterator[Block]:
    first = 1
    try:
        for batch in file.iter_batches(ROWS_PER_BLOCK, columns=None if columns is None else list(columns)):
            yield Block(pa.Table.from_batches([batch]), first)
            first += batch.num_rows
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(f"Expected a Parquet file that can be read to its end. Received: {error}") from error


def _npz(stream: BinaryIO) -> OpenTable:
    if not zipfile.is_zipfile(stream):
        raise ValueError("Expected a whole NPZ file, as numpy.savez writes it. Received: something else, or cut off")
    stream.seek(0)
    try:
        with np.load(stream, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise ValueError(f"Expected a whole NPZ file of arrays without objects. Received: {error}") from error
    class_names = _class_names(arrays)
    lengths = {name: len(array) if array.ndim else 0 for name, array in arrays.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"Expected arrays with a row for each case. Received: {lengths} rows")
    columns: dict[str, pa.Array] = {}
    groups = {}
    for name, array in arrays.items():
        found = _columns_of(name, array, class_names)
        columns |= found
        if array.ndim == 2:
            groups[name] = tuple(found)
    table = pa.table(columns)
    return OpenTable(table.column_names, lambda some: _slices(table, some), groups, class_names)


def _class_names(arrays: dict[str, np.ndarray]) -> tuple[str, ...]:
    """Takes out the names of classes, unless they are a column: as many as there are rows."""
    rows = {len(array) for name, array in arrays.items() if name != CLASS_NAMES and array.ndim}
    names = arrays.get(CLASS_NAMES)
    if names is None or names.ndim != 1 or names.dtype.kind not in "US" or len(names) in rows:
        return ()
    return tuple(str(name) for name in arrays.pop(CLASS_NAMES))


def _columns_of(name: str, array: np.ndarray, class_names: tuple[str, ...]) -> dict[str, pa.Array]:
    if array.ndim == 1:
        return {name: pa.array(array)}
    if array.ndim > 2:
        return {name: pa.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(array))}
    ends = class_names if len(class_names) == array.shape[1] else range(array.shape[1])
    return {f"{name}_{end}": pa.array(array[:, number]) for number, end in enumerate(ends)}


def _slices(table: pa.Table, columns: Sequence[str] | None) -> Iterator[Block]:
    some = table if columns is None else table.select(list(columns))
    for start in range(0, some.num_rows, ROWS_PER_BLOCK):
        # Not a slice, which would be sent to other processes with the whole table.
        places = np.arange(start, min(start + ROWS_PER_BLOCK, some.num_rows))
        yield Block(some.take(places), start + 1)


def _chosen(blocks: Iterator[Block], columns: Sequence[str] | None) -> Iterator[Block]:
    for block in blocks:
        yield block if columns is None else dataclasses.replace(block, table=block.table.select(list(columns)))
