"""Rows of a table, some at a time, and rows that cannot be read: kept, dropped, or a reason to stop."""

import dataclasses
from typing import Literal

import pyarrow as pa

OnBadRow = Literal["stop", "drop", "keep"]


@dataclasses.dataclass(frozen=True)
class BadRow:
    """A row that cannot be read.

    Attributes:
        number: Its number, counted from 1 after the header.
        reason: What is wrong with it.
    """

    number: int
    reason: str

    def __str__(self) -> str:
        return f"row {self.number}: {self.reason}"


@dataclasses.dataclass(frozen=True)
class Block:
    """Some rows of a table, one after the other.

    Attributes:
        table: The rows.
        first: Number of the first, counted from 1.
        bad: Those that had another number of cells than the header; they are rows of missing cells.
    """

    table: pa.Table
    first: int
    bad: tuple[BadRow, ...] = ()
