"""The one reader of tables: files, folders of images and standard input, as blocks of an Arrow table."""

import contextlib
import dataclasses
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as arrow_parquet

from keras_sngp._tables.blocks import BadRow, Block
from keras_sngp._tables.csv_blocks import check_names, read_csv_blocks
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
    `(rows, columns)` as `NAME_0`, `NAME_1` and so on, one of more dimensions as a column of tensors; only those that
    are read are loaded. A folder of images has the columns `file`, `image` and `label`.

    Args:
        source: The path, or a binary stream such as `sys.stdin.buffer`.

    Raises:
        ValueError: no such file, one of another kind, cut off, or empty; the message begins with its name.
    """
    if not isinstance(source, Path):
        yield _csv(source)
        return
    with _named(source):
        if source.is_dir():
            names, blocks = read_image_folder(source)
            yield OpenTable(names, lambda columns: _chosen(blocks, columns))
            return
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
    check_names(file.schema_arrow.names)
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
    with _npz_errors():
        file = np.load(stream, allow_pickle=False)
        shapes = {name: _shape_of(file, name) for name in file.files}
        class_names = _class_names(file, shapes)
    columns: list[tuple[str, str, int | None]] = []
    for name, shape in shapes.items():
        wide = len(shape) == 2
        columns += [(f"{name}_{number}", name, number) for number in range(shape[1])] if wide else [(name, name, None)]
    names = [column for column, _, _ in columns]
    check_names(names)
    groups = {name: tuple(c for c, of, _ in columns if of == name) for name, shape in shapes.items() if len(shape) == 2}
    places = {column: (name, number) for column, name, number in columns}
    return OpenTable(names, lambda some: _npz_blocks(file, shapes, places, some), groups, class_names)


@contextlib.contextmanager
def _npz_errors() -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, KeyError) as error:
        raise ValueError(f"Expected a whole NPZ file of arrays without objects. Received: {error}") from error


def _shape_of(file: Any, name: str) -> tuple[int, ...]:
    """The shape of an array, by its header alone."""
    with file.zip.open(f"{name}.npy") as member:
        version = np.lib.format.read_magic(member)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        return tuple(read(member)[0])


def _class_names(file: Any, shapes: dict[str, tuple[int, ...]]) -> tuple[str, ...]:
    """Takes out the names of classes, unless they are a column: as many as there are rows, and not as columns."""
    shape = shapes.get(CLASS_NAMES, ())
    others = [other for name, other in shapes.items() if name != CLASS_NAMES and other]
    is_a_column = shape[:1] in {other[:1] for other in others} and shape[:1] not in {other[1:] for other in others}
    if len(shape) != 1 or is_a_column:
        return ()
    del shapes[CLASS_NAMES]
    return tuple(str(name) for name in _loaded(file, CLASS_NAMES).tolist())


def _npz_blocks(
    file: Any,
    shapes: dict[str, tuple[int, ...]],
    places: dict[str, tuple[str, int | None]],
    columns: Sequence[str] | None,
) -> Iterator[Block]:
    """Loads only the arrays of the columns."""
    chosen = list(places) if columns is None else list(columns)
    needed = list(dict.fromkeys(places[column][0] for column in chosen))
    rows = {name: shapes[name][0] if shapes[name] else 0 for name in needed}
    if len(set(rows.values())) != 1:
        raise ValueError(f"Expected arrays with a row for each case. Received: {rows} rows")
    arrays = {name: _loaded(file, name) for name in needed}
    try:
        table = pa.table({column: _column_of(arrays[places[column][0]], places[column][1]) for column in chosen})
    except pa.ArrowException as error:
        kinds = {name: str(array.dtype) for name, array in arrays.items()}
        raise ValueError(f"Expected arrays of numbers, texts or times. Received: {kinds}") from error
    for start in range(0, table.num_rows, ROWS_PER_BLOCK):
        # Not a slice, which would be sent to other processes with the whole table.
        yield Block(table.take(np.arange(start, min(start + ROWS_PER_BLOCK, table.num_rows))), start + 1)


def _loaded(file: Any, name: str) -> np.ndarray:
    """An array in the byte order and precision that Arrow knows, texts as text."""
    with _npz_errors():
        array: np.ndarray = file[name]
        if array.dtype.kind == "S":
            return np.char.decode(array, "utf-8")
    if array.dtype == np.longdouble:
        return array.astype("float64")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _column_of(array: np.ndarray, number: int | None) -> pa.Array:
    if array.ndim > 2:
        return pa.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(array))
    return pa.array(array if number is None else array[:, number])


def _chosen(blocks: Iterator[Block], columns: Sequence[str] | None) -> Iterator[Block]:
    for block in blocks:
        yield block if columns is None else dataclasses.replace(block, table=block.table.select(list(columns)))
