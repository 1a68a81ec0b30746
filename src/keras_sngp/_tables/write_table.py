"""Files that tables are written to block by block, and that appear only once they are whole."""

import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as arrow_parquet

from keras_sngp._runtime.files import atomic_write

STANDARD = Path("-")
SUFFIXES = (".csv", ".parquet")

Write = Callable[[pa.Table], None]


def check_output(path: Path) -> None:
    """Raises a ValueError unless tables can be written under this name."""
    if path != STANDARD and path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"Expected a file to write whose name ends in {' or '.join(SUFFIXES)}, or -. Received: {path}")
    if path != STANDARD and not path.parent.is_dir():
        raise ValueError(f"Expected a file in a folder that is there. Received: {path}")


@contextlib.contextmanager
def open_output(path: Path) -> Iterator[Write]:
    """Gives a function that writes the next block; all blocks have the same columns. `-` is CSV on standard output."""
    if path == STANDARD:
        with _csv_writer(sys.stdout.buffer) as write:
            yield write
        return
    writer = _parquet_writer if path.suffix.lower() == ".parquet" else _csv_writer
    with atomic_write(path) as temporary, temporary.open("wb") as file, writer(file) as write:
        yield write


@contextlib.contextmanager
def _csv_writer(file: Any) -> Iterator[Write]:
    with_header = True

    def write(block: pa.Table) -> None:
        nonlocal with_header
        buffer = io.BytesIO()
        options = arrow_csv.WriteOptions(include_header=with_header, quoting_style="needed")
        arrow_csv.write_csv(block, buffer, options)
        file.write(buffer.getvalue())
        with_header = False

    yield write
    file.flush()


@contextlib.contextmanager
def _parquet_writer(file: Any) -> Iterator[Write]:
    writer = None

    def write(block: pa.Table) -> None:
        nonlocal writer
        writer = writer or arrow_parquet.ParquetWriter(file, block.schema)
        writer.write_table(block)

    try:
        yield write
    finally:
        if writer is not None:
            writer.close()
