"""Options and messages that the commands for own data share."""

import io
import sys
from pathlib import Path
from typing import Any

import click

from keras_sngp_cli.backend import import_keras_sngp

FILE = click.Path(path_type=Path)
SHARE = click.FloatRange(0, 1)
OPEN_SHARE = click.FloatRange(0, 1, min_open=True, max_open=True)
MOST_SHOWN = 5


def source_of(data: Path) -> Any:
    """The path, or standard input for `-`."""
    if data != Path("-"):
        return data
    stream: Any = sys.stdin.buffer
    return stream if hasattr(stream, "peek") else io.BufferedReader(stream)


class BadRows:
    """Counts bad rows, and shows the first few on standard error."""

    def __init__(self, what_becomes_of_them: str) -> None:
        self.count = 0
        self.what_becomes_of_them = what_becomes_of_them

    def __call__(self, row: Any) -> None:
        self.count += 1
        if self.count <= MOST_SHOWN:
            click.echo(f"{row} ({self.what_becomes_of_them})", err=True)

    def finish(self) -> None:
        if self.count > MOST_SHOWN:
            click.echo(f"{self.count} bad rows in all ({self.what_becomes_of_them})", err=True)


def tell_bad_rows(rows: list[Any], what_becomes_of_them: str) -> None:
    """Shows the first few of the bad rows."""
    bad_rows = BadRows(what_becomes_of_them)
    for row in rows:
        bad_rows(row)
    bad_rows.finish()


def import_for_own_data(backend: str | None) -> None:
    """Imports Keras with a sign of life, since it takes seconds."""
    from rich.console import Console

    with Console(stderr=True).status("Starting Keras"):
        import_keras_sngp(backend)
