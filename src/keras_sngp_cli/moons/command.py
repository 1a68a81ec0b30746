"""`keras-sngp moons`: the reference tutorial, from training to a page one can mail."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import click

from keras_sngp_cli.backend import BACKENDS, import_keras_sngp
from keras_sngp_cli.output_folder import check_writable

AT_LEAST_ONE = click.IntRange(min=1)


@click.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("moons"),
    show_default=True,
    help="Folder for the pictures, results.json, sngp.keras and report.html.",
)
@click.option("--epochs", type=AT_LEAST_ONE, default=100, show_default=True, help="Passes over the training data.")
@click.option("--members", type=AT_LEAST_ONE, default=10, show_default=True, help="Networks in the deep ensemble.")
@click.option("--samples", type=AT_LEAST_ONE, default=10, show_default=True, help="Passes of MC dropout.")
@click.option(
    "--seed",
    type=click.IntRange(min=0, max=2**31 - 1),
    default=0,
    show_default=True,
    help="Seed of data and networks.",
)
@click.option(
    "--backend",
    type=click.Choice(BACKENDS),
    help="Keras backend; by default KERAS_BACKEND, or the first one installed.",
)
@click.option("--json", "as_json", is_flag=True, help="Print results.json instead of a table.")
def moons(output: Path, epochs: int, members: int, samples: int, seed: int, backend: str | None, as_json: bool) -> None:
    """Train four methods on two moons and show which ones know what they don't know."""
    check_writable(output)
    console = _console()
    with console.status("Starting Keras"):
        import_keras_sngp(backend)
        from keras_sngp_cli.moons import experiment, page
    config = experiment.Config(epochs=epochs, members=members, samples=samples, seed=seed)
    with _live_progress(console, experiment.TITLES) as progress:
        result = experiment.run(config, progress)
    with console.status("Drawing"):
        page.write_report(result, output)
    if as_json:
        click.echo(json.dumps(result.as_json(), indent=2))
    else:
        _print_table(page, result)
    console.print(f"Report: {output / 'report.html'}", highlight=False, soft_wrap=True)


def _console():
    from rich.console import Console

    return Console(stderr=True)


class _LiveProgress:
    def __init__(self, bars, titles):
        self._bars = bars
        self._titles = titles
        self._task = None

    def begin(self, method: str, epochs: int) -> None:
        self.finish()
        self._task = self._bars.add_task(self._titles[method], total=epochs or None, state="training")

    def epoch_done(self) -> None:
        self._bars.advance(self._task)

    def predicting(self) -> None:
        self._bars.update(self._task, state="predicting")

    def finish(self) -> None:
        if self._task is not None:
            task = self._bars.tasks[self._task]
            self._bars.update(self._task, state="done", total=task.total or 1, completed=task.total or 1)


@contextlib.contextmanager
def _live_progress(console, titles) -> Iterator[_LiveProgress]:
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
        TextColumn("{task.fields[state]:<10}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    ]
    with Progress(*columns, console=console) as bars:
        progress = _LiveProgress(bars, titles)
        yield progress
        progress.finish()


def _print_table(page, result) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Two moons", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("Method", no_wrap=True)
    for title, _ in page.COLUMNS.values():
        table.add_column(title, justify="right", no_wrap=True)
    for row in page.table_rows(result):
        table.add_row(*row)
    Console().print(table)
