"""`keras-sngp predict`: answers for each row of a file, or the decision to defer it to a human."""

import functools
from pathlib import Path
from typing import Any

import click

from keras_sngp_cli.messages import BadRows, plain_errors, say, start_keras, status
from keras_sngp_cli.options import (
    CLASSIFIER_SCORES,
    COLUMN_SCORES,
    FILE,
    backend_option,
    check_one_of,
    policy_options,
    source_of,
)

SOME_ROWS_WERE_BAD = 3
OUTCOMES = {"keep": "deferred", "drop": "dropped", "stop": "stopped"}


@click.command()
@click.argument("model", type=FILE)
@click.argument("data", type=FILE)
@click.option("--output", metavar="FILE", type=FILE, required=True, help="CSV or Parquet file for the answers, or -.")
@click.option("--id", "id_column", metavar="COL", help="A column to copy to the answers.")
@policy_options
@click.option(
    "--score",
    type=click.Choice(CLASSIFIER_SCORES),
    default="entropy",
    show_default=True,
    metavar="NAME",
    help="Defer first what may be wrong (entropy, max_probability), or what is of no known class: out_of_domain, "
    f"{', '.join(COLUMN_SCORES[1:])}. From knn on, MODEL must keep it: train --detector NAME.",
)
@click.option(
    "--errors",
    type=click.Choice(tuple(OUTCOMES)),
    default="keep",
    show_default=True,
    help="Keep bad rows and defer them, drop them, or stop.",
)
@backend_option
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="Who works.")
@click.option("--workers", type=click.IntRange(1), help="Processes on Ray.  [default: one a CPU]")
@click.pass_context
def predict(
    context: click.Context,
    model: Path,
    data: Path,
    output: Path,
    id_column: str | None,
    budget: float | None,
    accuracy: float | None,
    score: str,
    errors: Any,
    backend: str | None,
    engine: str,
    workers: int | None,
) -> None:
    """Answer each row of DATA, or defer it to a human.

    MODEL was made by `keras-sngp train`. DATA is a CSV, Parquet or NPZ file of any size with the columns it was trained
    on, a folder of images, or - for CSV on standard input. Rows keep their order. The answers have the columns answer,
    prob_CLASS, uncertainty, variance, the score by its name, decision and reason. Exit code 3: all was written, but
    some rows were bad. With `--engine ray` many processes work, of this machine or of the cluster in RAY_ADDRESS.
    """
    if workers is not None and engine != "ray":
        raise click.UsageError("Expected --workers with --engine ray alone")
    check_one_of({"budget": budget, "accuracy": accuracy}, "budget", "accuracy")
    with plain_errors():
        start_keras(backend)
        from keras_sngp._runtime.ray_map import ray_map
        from keras_sngp._tables.open_table import open_table
        from keras_sngp._tables.write_table import check_output, open_output
        from keras_sngp.own_data.answers import AnswerCounts, answer_blocks
        from keras_sngp.own_data.classifier_file import load_classifier

        check_output(output)
        classifier = load_classifier(model)
        policy = classifier.policy(budget, accuracy, score)
        bad_rows, counts = BadRows(OUTCOMES[errors]), AnswerCounts()
        with open_table(source_of(data)) as opened, open_output(output) as write, status("Predicting") as shown:
            classifier.inputs.check(opened.names)
            if id_column is not None and id_column not in opened.names:
                raise ValueError(
                    f"Expected one of the columns {', '.join(map(repr, opened.names))} as --id. Received: {id_column!r}"
                )
            for answers in answer_blocks(
                classifier,
                policy,
                opened.blocks(),
                score=score,
                id_column=id_column,
                errors=errors,
                on_bad_row=bad_rows,
                progress=counts,
                map_function=functools.partial(ray_map, workers=workers) if engine == "ray" else map,
            ):
                write(answers)
                shown.update(f"{counts.rows:,} rows, {counts.deferred:,} deferred")
    bad_rows.finish()
    _finish(counts, policy, output)
    if bad_rows.count:
        context.exit(SOME_ROWS_WERE_BAD)


def _finish(counts: Any, policy: Any, output: Path) -> None:
    dropped = f", {counts.dropped:,} bad rows dropped" if counts.dropped else ""
    say(f"{counts.rows:,} rows in {output}, {counts.deferred:,} deferred{dropped}")
    if drift := counts.drift(policy):
        say(f"Warning: {drift}")
