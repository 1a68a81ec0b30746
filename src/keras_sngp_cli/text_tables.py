"""Tables on the terminal."""

from typing import Any


def print_table(text: Any, of_words: bool = False) -> None:
    """Prints a title, headings and rows of text, as `keras_sngp.report.evaluation_tables.TextTable` has them.

    Cells are figures, on the right and on one line, except for the first of each row; or all are words.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=text.title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, heading in enumerate(text.headings):
        figures = index > 0 and not of_words
        table.add_column(heading, justify="right" if figures else "left", no_wrap=figures, overflow="fold")
    for row in text.rows:
        table.add_row(*row)
    console = Console()
    console.print(table, markup=False)
    console.print()
