"""Rows that cannot be read: kept, dropped, or a reason to stop."""

import dataclasses
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

ErrorWish = Literal["stop", "drop", "keep"]


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


@dataclasses.dataclass(frozen=True)
class ReadRows:
    """Rows as a network takes them, and what is odd about them.

    Attributes:
        values: All finite, `(rows, ...)`.
        reasons: What in each row is unlike the training data, in words; empty where nothing is.
        bad: The rows with something that cannot be read, `(rows,)`.
    """

    values: npt.NDArray[np.float32]
    reasons: list[str]
    bad: npt.NDArray[np.bool_]
