"""`keras-sngp moons`: the reference tutorial, from training to a page one can mail."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from keras_sngp_cli.messages import print_table, progress_bars, say, start_keras, status
from keras_sngp_cli.options import SEED, backend_option, check_writable, json_option

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
@click.option("--seed", type=SEED, default=0, show_default=True, help="Seed of data and networks.")
@backend_option
@json_option("the results")
def moons(output: Path, epochs: int, members: int, samples: int, seed: int, backend: str | None, as_json: bool) -> None:
    """Train four methods on two moons and show which ones know what they don't know."""
    check_writable(output)
    start_keras(backend)
    from keras_sngp_cli.moons import experiment, page

    config = experiment.Config(epochs=epochs, members=members, samples=samples, seed=seed)
    with _live_progress(experiment.TITLES) as progress:
        result = experiment.run(config, progress)
    with status("Drawing"):
        page.write_report(result, output)
    if as_json:
        click.echo(json.dumps(result.as_json(), indent=2))
    else:
        print_table(page.measures_table(result))
    say(f"Report: {output / 'report.html'}")


class _LiveProgress:
    def __init__(self, bars: Any, titles: dict[str, str]) -> None:
        self._bars = bars
        self._titles = titles
        self._task: Any = None

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
def _live_progress(titles: dict[str, str]) -> Iterator[_LiveProgress]:
    with progress_bars("{task.fields[state]:<10}") as bars:
        progress = _LiveProgress(bars, titles)
        yield progress
        progress.finish()
