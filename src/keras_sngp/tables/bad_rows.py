"""Rows that cannot be read: kept, dropped, or a reason to stop."""

import dataclasses
from typing import Literal

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
