"""What the subcommands show: tables, signs of life, bad rows, and errors as one line without a traceback."""

import contextlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import click

from keras_sngp_cli.options import import_keras_sngp

MOST_BAD_ROWS_SHOWN = 5


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """Turns errors that the user can do something about into a message and exit code 1."""
    try:
        yield
    except BrokenPipeError:
        raise
    except MemoryError as error:
        raise click.ClickException("The data do not fit into memory.") from error
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error


def start_keras(backend: str | None) -> ModuleType:
    """Imports keras_sngp with a sign of life, since it takes seconds."""
    with status("Starting Keras"):
        return import_keras_sngp(backend)


def status(text: str) -> Any:
    """A line with a spinner on standard error, whose `update` changes the text."""
    from rich.console import Console

    return Console(stderr=True).status(text)


def say(text: str) -> None:
    """A line on standard error, where it does not mix with results."""
    click.echo(text, err=True)


@contextlib.contextmanager
def progress_bars(state: str) -> Iterator[Any]:
    """Bars on standard error with the number of steps done, a state as given, and times.

    Args:
        state: Template of the state's column, such as `{task.fields[state]}`.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = [
        TextColumn("{task.description:<14}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(state),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    ]
    with Progress(*columns, console=Console(stderr=True)) as bars:
        yield bars


def print_table(text: Any, of_words: bool = False) -> None:
    """Prints a title, headings and rows of text, as `keras_sngp.report.text_table.TextTable` has them.

    Cells are figures, on the right and on one line, except for the first of each row; or all are words.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    style: Any = {"box": box.SIMPLE_HEAD, "padding": (0, 1, 0, 0), "pad_edge": False, "show_edge": False}
    table = Table(title=text.title, title_justify="left", **style)
    for index, heading in enumerate(text.headings):
        figures = index > 0 and not of_words
        table.add_column(heading, justify="right" if figures else "left", no_wrap=figures, overflow="fold")
    for row in text.rows:
        table.add_row(*row)
    console = Console()
    console.print(table, markup=False)
    console.print()


class BadRows:
    """Counts bad rows, and shows the first few on standard error."""

    def __init__(self, outcome: str) -> None:
        self.count = 0
        self.outcome = outcome

    def __call__(self, row: Any) -> None:
        self.count += 1
        if self.count <= MOST_BAD_ROWS_SHOWN:
            say(f"{row} ({self.outcome})")

    def finish(self) -> None:
        if self.count > MOST_BAD_ROWS_SHOWN:
            say(f"{self.count} bad rows in all ({self.outcome})")
