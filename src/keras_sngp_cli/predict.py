"""`keras-sngp predict`: answers for each row of a file, or the decision to ask a human."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from keras_sngp_cli.backend import BACKENDS
from keras_sngp_cli.own_data_options import (
    FILE,
    OPEN_SHARE,
    SHARE,
    BadRows,
    import_for_own_data,
    source_of,
)
from keras_sngp_cli.plain_errors import plain_errors

SOME_ROWS_WERE_BAD = 3
OUTCOMES = {"keep": "handed over", "drop": "dropped", "stop": "stopped"}


@click.command()
@click.argument("model", type=FILE)
@click.argument("data", type=FILE)
@click.option("--output", metavar="FILE", type=FILE, required=True, help="CSV or Parquet file for the answers, or -.")
@click.option("--id", "id_column", metavar="COL", help="A column to copy to the answers.")
@click.option("--defer-budget", type=SHARE, help="Hand over at most this share.  [default: 0.05]")
@click.option("--min-accuracy", type=OPEN_SHARE, help="Answer with this accuracy, hand over the rest.")
@click.option(
    "--score",
    type=click.Choice(["entropy", "unfamiliarity"]),
    default="entropy",
    show_default=True,
    help="Hand over first what may be wrong, or what is of no known class.",
)
@click.option(
    "--errors",
    type=click.Choice(tuple(OUTCOMES)),
    default="keep",
    show_default=True,
    help="Keep bad rows and hand them over, drop them, or stop.",
)
@click.option("--backend", type=click.Choice(BACKENDS), help="Keras backend.")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="Who works.")
@click.option("--workers", type=click.IntRange(1), help="Processes on Ray.  [default: one a CPU]")
@click.pass_context
def predict(
    context: click.Context,
    model: Path,
    data: Path,
    output: Path,
    id_column: str | None,
    defer_budget: float | None,
    min_accuracy: float | None,
    score: str,
    errors: Any,
    backend: str | None,
    engine: str,
    workers: int | None,
) -> None:
    """Answer each row of DATA, or hand it over to a human.

    MODEL was made by `keras-sngp train`. DATA is a CSV, Parquet or NPZ file of any size with the columns it was trained
    on, a folder of images, or - for CSV on standard input. Rows keep their order. Exit code 3: all was written, but
    some rows were bad. With `--engine ray` many processes work, of this machine or of the cluster in RAY_ADDRESS.
    """
    if workers is not None and engine != "ray":
        raise click.UsageError("Expected --workers with --engine ray alone")
    if defer_budget is not None and min_accuracy is not None:
        raise click.UsageError("Pass one of --defer-budget and --min-accuracy. Received: both")
    with plain_errors():
        import_for_own_data(backend)
        from keras_sngp._runtime.ray_map import ray_map
        from keras_sngp._tables.write_table import check_output, open_output
        from keras_sngp.own_data.answers import AnswerCounts, answer_blocks
        from keras_sngp.own_data.classifier_file import load_classifier
        from keras_sngp.own_data.open_data import open_data

        check_output(output)
        classifier = load_classifier(model)
        policy = classifier.policy(defer_budget, min_accuracy, score)
        bad_rows, counts = BadRows(OUTCOMES[errors]), AnswerCounts()
        with open_data(source_of(data)) as (names, blocks), open_output(output) as write, _progress() as show:
            classifier.inputs.check(names)
            if id_column is not None and id_column not in names:
                raise ValueError(
                    f"Expected one of the columns {', '.join(map(repr, names))} as --id. Received: {id_column!r}"
                )
            each = functools.partial(ray_map, workers=workers) if engine == "ray" else map
            for answers in answer_blocks(
                classifier, policy, blocks, id_column=id_column, errors=errors, tell=bad_rows, counts=counts, each=each
            ):
                write(answers)
                show(counts)
    bad_rows.finish()
    _finish(counts, policy, output)
    if bad_rows.count:
        context.exit(SOME_ROWS_WERE_BAD)


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[Any], None]]:
    from rich.console import Console

    with Console(stderr=True).status("Predicting") as status:
        yield lambda counts: status.update(f"{counts.rows:,} rows, {counts.deferred:,} handed over")


def _finish(counts: Any, policy: Any, output: Path) -> None:
    dropped = f", {counts.dropped:,} bad rows dropped" if counts.dropped else ""
    click.echo(f"{counts.rows:,} rows in {output}, {counts.deferred:,} handed over{dropped}", err=True)
    if drift := counts.drift(policy):
        click.echo(f"Warning: {drift}", err=True)
