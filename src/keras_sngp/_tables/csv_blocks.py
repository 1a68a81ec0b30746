"""CSV files and streams, block by block, every cell as text."""

import collections
import csv
import functools
import gzip
import io
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from keras_sngp._tables.blocks import BadRow, Block

BYTES_PER_BLOCK = 1 << 21
LONGEST_HEADER = 1 << 24
DELIMITERS = ",;\t"
RARE_DELIMITER = "|"
QUOTED = re.compile(r'"[^"]*"')
GZIP = b"\x1f\x8b"


def read_csv_blocks(stream: io.BufferedReader) -> tuple[list[str], Callable[[Sequence[str] | None], Iterator[Block]]]:
    """The names in the header, and a function that gives the rows of some columns, or all, in order, as text.

    A row with another number of cells than the header comes as a row of missing cells.

    Args:
        stream: Binary, perhaps compressed by gzip; read once, from where it is.

    Raises:
        ValueError: no header, names that occur twice, bytes that are not UTF-8.
    """
    plain = _decompressed(stream)
    header = _header_line(plain)
    delimiter = _delimiter(header)
    try:
        names = next(csv.reader([header], delimiter=delimiter))
    except csv.Error as error:
        raise ValueError(f"Expected a header on a line that ends in \\n or \\r\\n. Received: {error}") from error
    return names, functools.partial(_blocks, plain, names, delimiter)


def _decompressed(stream: io.BufferedReader) -> Any:
    return gzip.GzipFile(fileobj=stream) if stream.peek(2)[:2] == GZIP else stream


def _header_line(stream: Any) -> str:
    try:
        line = b"\n"
        while line and not line.strip(b"\xef\xbb\xbf\r\n \t"):
            line = stream.readline(LONGEST_HEADER)
        header: str = line.decode("utf-8-sig").rstrip("\r\n")
    except (OSError, EOFError) as error:
        raise ValueError(_explained(error)) from error
    except UnicodeDecodeError as error:
        raise ValueError(_NOT_UTF8) from error
    if not header.strip():
        raise ValueError("Expected a header with the names of the columns. Received: an empty first line")
    if len(line) == LONGEST_HEADER:
        raise ValueError(f"Expected a header of at most {LONGEST_HEADER:,} bytes. Received: a longer first line")
    return header


def _delimiter(header: str) -> str:
    """The one that parts the most names, not counting those within quotes; a bar only where there is no other."""
    bare = QUOTED.sub("", header)
    best = max(DELIMITERS, key=bare.count)
    return best if best in bare or RARE_DELIMITER not in bare else RARE_DELIMITER


def check_names(names: Sequence[str]) -> None:
    """Raises a ValueError if a name occurs twice."""
    twice = sorted(name for name, times in collections.Counter(names).items() if times > 1)
    if twice:
        raise ValueError(f"Expected a different name for each column. Received: {', '.join(map(repr, twice))} twice")


class _OddRows:
    """Remembers rows with another number of cells than the header."""

    def __init__(self) -> None:
        self.rows: list[BadRow] = []

    def __call__(self, row: Any) -> str:
        reason = f"{row.actual_columns} cells where {row.expected_columns} were expected"
        self.rows.append(BadRow(row.number, reason))
        return "skip"

    def put_back(self, table: pa.Table, first: int, last: bool = False) -> Block:
        """The rows of a block that begins with a number, with missing cells for those that were skipped in it."""
        found: list[BadRow] = []
        end = first + table.num_rows
        while self.rows and (self.rows[0].number < end or (last and self.rows[0].number == end)):
            found.append(self.rows.pop(0))
            end += 1
        if not found:
            return Block(table, first)
        order = np.full(end - first, -1)
        order[np.setdiff1d(np.arange(len(order)), [row.number - first for row in found])] = np.arange(table.num_rows)
        return Block(table.take(pa.array(order, mask=order < 0)), first, tuple(found))


def _blocks(stream: Any, names: list[str], delimiter: str, columns: Sequence[str] | None) -> Iterator[Block]:
    odd, first = _OddRows(), 1
    chosen = names if columns is None else list(columns)
    check_names([name for name in names if name in set(chosen)])
    try:
        with arrow_csv.open_csv(
            stream,
            read_options=arrow_csv.ReadOptions(block_size=BYTES_PER_BLOCK, use_threads=False, column_names=names),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=odd),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), include_columns=chosen
            ),
        ) as reader:
            for batch in reader:
                block = odd.put_back(pa.Table.from_batches([batch]), first)
                first += block.table.num_rows
                yield block
    except (pa.ArrowInvalid, OSError, EOFError) as error:
        if "Empty CSV file" not in str(error):
            raise ValueError(_explained(error)) from error
    rest = odd.put_back(pa.table({name: pa.array([], pa.string()) for name in chosen}), first, last=True)
    if rest.bad:
        yield rest


_NOT_UTF8 = "Expected text in UTF-8. Received: other bytes; convert it, for example by iconv -f latin1 -t utf-8"


def _explained(error: Exception) -> str:
    text = str(error)
    if "utf8" in text.lower().replace("-", ""):
        return _NOT_UTF8
    return f"Expected a CSV file that can be read to its end. Received: {text}"
