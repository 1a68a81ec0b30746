"""Files of anybody's data, and standard input, as blocks of an Arrow table."""

import contextlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as arrow_parquet

from keras_sngp._tables.blocks import Block
from keras_sngp._tables.csv_blocks import read_csv_blocks

ROWS_A_BLOCK = 16_384
SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".parquet", ".npz")

Opened = tuple[list[str], Iterator[Block]]


@contextlib.contextmanager
def open_table(source: Path | io.BufferedReader) -> Iterator[Opened]:
    """Opens a CSV, Parquet or NPZ file, or a stream of CSV, and gives the names of its columns and its rows in order.

    In CSV every cell is text. The arrays of an NPZ file are columns: one of numbers `(rows,)` by its name, one
    `(rows, columns)` as `NAME_0`, `NAME_1` and so on, one of more dimensions as a column of tensors.

    Args:
        source: The path, or a binary stream such as `sys.stdin.buffer`.

    Raises:
        ValueError: the file is of another kind, cut off, or empty.
    """
    if not isinstance(source, Path):
        yield read_csv_blocks(source)
        return
    with _named(source), source.open("rb") as stream:
        if source.name.lower().endswith(".parquet"):
            yield _parquet(stream)
        elif source.name.lower().endswith(".npz"):
            yield _npz(stream)
        elif source.name.lower().endswith(SUFFIXES):
            yield read_csv_blocks(stream)
        else:
            raise ValueError(f"Expected a file whose name ends in {', '.join(SUFFIXES)}")


@contextlib.contextmanager
def _named(source: Path) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error


def _parquet(stream: BinaryIO) -> Opened:
    try:
        file = arrow_parquet.ParquetFile(stream)
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(f"Expected a whole Parquet file. Received: {error}") from error
    return file.schema_arrow.names, _parquet_blocks(file)


def _parquet_blocks(file: Any) -> Iterator[Block]:
    first = 1
    try:
        for batch in file.iter_batches(ROWS_A_BLOCK):
            yield Block(pa.Table.from_batches([batch]), first)
            first += batch.num_rows
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(f"Expected a Parquet file that can be read to its end. Received: {error}") from error


def _npz(stream: BinaryIO) -> Opened:
    if not zipfile.is_zipfile(stream):
        raise ValueError("Expected a whole NPZ file, as numpy.savez writes it. Received: something else, or cut off")
    stream.seek(0)
    try:
        with np.load(stream, allow_pickle=False) as arrays:
            columns = {name: arrays[name] for name in arrays.files}
    except (zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise ValueError(f"Expected a whole NPZ file of arrays without objects. Received: {error}") from error
    lengths = {name: len(array) if array.ndim else 0 for name, array in columns.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"Expected arrays with a row for each case. Received: {lengths}")
    table = pa.table({name: part for key, array in columns.items() for name, part in _columns_of(key, array)})
    return table.column_names, _slices(table)


def _columns_of(name: str, array: np.ndarray) -> Iterator[tuple[str, pa.Array]]:
    if array.ndim == 1:
        yield name, pa.array(array)
    elif array.ndim == 2:
        for number in range(array.shape[1]):
            yield f"{name}_{number}", pa.array(array[:, number])
    else:
        yield name, pa.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(array))


def _slices(table: pa.Table) -> Iterator[Block]:
    for start in range(0, table.num_rows, ROWS_A_BLOCK):
        # Not a slice, which would be sent to other processes with the whole table.
        places = np.arange(start, min(start + ROWS_A_BLOCK, table.num_rows))
        yield Block(table.take(places), start + 1)
