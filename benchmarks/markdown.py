"""Tables in Markdown, and the pages they stand in between markers."""

import re
from collections.abc import Callable, Iterable

MARKED = re.compile(r"<!-- table: (?P<name>.+?) -->\n.*?<!-- end of table -->", re.DOTALL)


def markdown_table(headings: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    headings = list(headings)
    return "\n".join([_line(headings), "|---" * len(headings) + "|", *map(_line, lines)])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def filled(page: str, table: Callable[[str], str]) -> str:
    """The page with `table(name)` between each `<!-- table: name -->` and the `<!-- end of table -->` after it.

    Example:

        filled(page, {"squares": "| 1 | 4 |"}.__getitem__)
    """

    def with_markers(found: re.Match[str]) -> str:
        name = found["name"]
        return f"<!-- table: {name} -->\n{table(name)}\n<!-- end of table -->"

    return MARKED.sub(with_markers, page)
