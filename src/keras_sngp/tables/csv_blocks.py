"""CSV files and streams, block by block, every cell as text."""

import csv
import gzip
import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from keras_sngp.tables.bad_rows import BadRow

BYTES_A_BLOCK = 1 << 23
LONGEST_HEADER = 1 << 20
DELIMITERS = ",;\t|"
GZIP = b"\x1f\x8b"


def read_csv_blocks(stream: io.BufferedReader, tell: Callable[[BadRow], None]) -> tuple[list[str], Iterator[pa.Table]]:
    """The names in the header, and the rows in order, as text.

    A row with another number of cells than the header is told, and comes as a row of missing cells.

    Args:
        stream: Binary, perhaps compressed by gzip; read once, from where it is.
        tell: Called for each such row before the block that holds it.

    Raises:
        ValueError: no header, names that occur twice, bytes that are not UTF-8.
    """
    plain = _decompressed(stream)
    header = _header_line(plain)
    delimiter = max(DELIMITERS, key=header.count)
    names = next(csv.reader([header], delimiter=delimiter))
    _check_names(names)
    return names, _blocks(plain, names, delimiter, tell)


def _decompressed(stream: io.BufferedReader) -> Any:
    return gzip.GzipFile(fileobj=stream) if stream.peek(2)[:2] == GZIP else stream


def _header_line(stream: Any) -> str:
    try:
        header = stream.readline(LONGEST_HEADER).decode("utf-8-sig").rstrip("\r\n")
    except (OSError, EOFError) as error:
        raise ValueError(_explained(error)) from error
    except UnicodeDecodeError as error:
        raise ValueError(_NOT_UTF8) from error
    if not header.strip():
        raise ValueError("Expected a header with the names of the columns. Received: an empty first line")
    return header


def _check_names(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"Expected a different name for each column. Received: {', '.join(map(repr, twice))} twice")


class _OddRows:
    """Remembers rows with another number of cells, by their places among all rows."""

    def __init__(self, tell: Callable[[BadRow], None]) -> None:
        self.tell = tell
        self.places: list[int] = []

    def __call__(self, row: Any) -> str:
        self.tell(BadRow(row.number, f"{row.actual_columns} cells where {row.expected_columns} were expected"))
        self.places.append(row.number - 1)
        return "skip"

    def put_back(self, table: pa.Table, first: int, last: bool) -> pa.Table:
        """The rows of a block that begins at a place, with missing cells for those that were skipped in it."""
        places = []
        end = first + table.num_rows
        for place in list(self.places):
            if place < end or (last and place <= end):
                places.append(place - first)
                self.places.remove(place)
                end += 1
        if not places:
            return table
        order = np.full(table.num_rows + len(places), -1)
        order[np.setdiff1d(np.arange(len(order)), places)] = np.arange(table.num_rows)
        return table.take(pa.array(order, mask=order < 0))


def _blocks(stream: Any, names: list[str], delimiter: str, tell: Callable[[BadRow], None]) -> Iterator[pa.Table]:
    odd, first = _OddRows(tell), 0
    try:
        with arrow_csv.open_csv(
            stream,
            read_options=arrow_csv.ReadOptions(block_size=BYTES_A_BLOCK, use_threads=False, column_names=names),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=odd),
            convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
        ) as reader:
            for batch in reader:
                table = odd.put_back(pa.Table.from_batches([batch]), first, last=False)
                first += table.num_rows
                yield table
    except (pa.ArrowInvalid, OSError, EOFError) as error:
        if "Empty CSV file" not in str(error):
            raise ValueError(_explained(error)) from error
    rest = odd.put_back(pa.table({name: pa.array([], pa.string()) for name in names}), first, last=True)
    if rest.num_rows:
        yield rest


_NOT_UTF8 = "Expected text in UTF-8. Received: other bytes; convert it, for example by iconv -f latin1 -t utf-8"


def _explained(error: Exception) -> str:
    text = str(error)
    if "utf8" in text.lower().replace("-", ""):
        return _NOT_UTF8
    return f"Expected a CSV file that can be read to its end. Received: {text}"
