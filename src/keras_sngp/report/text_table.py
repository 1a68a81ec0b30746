"""Tables as text, as the terminal, pages and documents show them."""

import dataclasses

NOTHING = "–"


@dataclasses.dataclass(frozen=True)
class TextTable:
    """A table ready to print.

    Attributes:
        title: What it shows.
        headings: One a column.
        rows: Cells; the first of each row is its name.
    """

    title: str
    headings: list[str]
    rows: list[list[str]]


def percent(value: float | None) -> str:
    """A share as text."""
    return NOTHING if value is None else f"{100 * value:.2f} %"
