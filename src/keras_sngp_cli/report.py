"""`keras-sngp report`: from a file of predictions to the decision when to call a human."""

import json
from pathlib import Path
from typing import Any

import click

from keras_sngp_cli.messages import plain_errors, print_table, say, status
from keras_sngp_cli.options import (
    COLUMN_SCORES,
    FILE,
    OPEN_SHARE,
    PREDICTION_SCORES,
    check_one_of,
    check_writable,
    import_keras_sngp,
    json_option,
    policy_options,
)


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILE)
@click.option("--label", metavar="COL", help="Column of the true classes.  [default: label, y, target, ...]")
@click.option(
    "--classes", metavar="COL,COL,...", help="Columns of the outputs, one a class.  [default: prob_*, logit_*]"
)
@click.option("--logits", is_flag=True, help="The outputs are logits.  [default: by their names]")
@click.option("--uncertainty", metavar="COL", help="Column of an uncertainty to go by, higher for less sure.")
@click.option(
    "--score",
    type=click.Choice((*PREDICTION_SCORES, *COLUMN_SCORES)),
    metavar="NAME",
    help=f"What to go by: {', '.join(PREDICTION_SCORES)}, or a score that FILE has a column of, such as energy.  "
    "[default: max_probability]",
)
@click.option("--ood", metavar="FILE", multiple=True, type=FILE, help="Predictions out of domain, one for each FILE.")
@click.option(
    "--expert", metavar="COL|ACC", help="An accuracy such as 0.95, a column of answers, or columns COL_* of votes."
)
@policy_options
@click.option("--delta", type=OPEN_SHARE, default=0.05, show_default=True, help="Chance that the accuracy is missed.")
@click.option("--costs", metavar="FILE", type=FILE, help="JSON with what mistakes and calls cost; needs --expert.")
@click.option(
    "--output",
    metavar="DIR",
    type=FILE,
    default=Path("report"),
    show_default=True,
    help="Folder for the pictures, results.json, policy.json and report.html.",
)
@json_option("the results")
def report(files: tuple[Path, ...], output: Path, as_json: bool, **options: Any) -> None:
    """How good predictions are, what they do not know, and when to defer to a human.

    FILE is a CSV, Parquet or NPZ file of a classifier's predictions, one row a case, with columns prob_CLASS or
    logit_CLASS, the true class in a column label, and perhaps variance or uncertainty. Several files are compared side
    by side.
    """
    _check_options(files, options)
    if options["score"] in COLUMN_SCORES:
        options |= {"score": "given", "uncertainty": options["score"]}
    check_writable(output)
    with status("Starting") as shown, plain_errors():
        import_keras_sngp(None)
        from keras_sngp.report import evaluation_report

        models = _evaluate(files, options, shown.update)
        shown.update("Drawing")
        written = evaluation_report.write_report(models, output)
    if as_json:
        click.echo(json.dumps(evaluation_report.results(models), indent=2))
    else:
        _print(evaluation_report, models)
    page = next(path for path in written if path.suffix == ".html")
    say(f"Report: {page}")


def _check_options(files: tuple[Path, ...], options: dict[str, Any]) -> None:
    check_one_of(options, "budget", "accuracy", "costs")
    if options["score"] in COLUMN_SCORES and options["uncertainty"] is not None:
        raise click.UsageError(
            f"--score {options['score']} reads a column of that name. Received: --uncertainty as well"
        )
    if options["costs"] is not None and options["expert"] is None:
        raise click.UsageError("--costs needs --expert, since asking one has to cost something. Received: none")
    if options["ood"] and len(options["ood"]) != len(files):
        raise click.UsageError(f"Pass one --ood for each FILE. Received: {len(options['ood'])} for {len(files)}")


def _evaluate(files: tuple[Path, ...], options: dict[str, Any], progress: Any) -> dict[str, Any]:
    from keras_sngp.report.evaluation import check_same_cases, evaluate
    from keras_sngp.report.report_inputs import check_score, policy_request, read_expert, read_tables

    tables, others = read_tables(files, options["ood"], options, progress)
    check_same_cases(tables)
    expert = read_expert(options["expert"], tables)
    request = policy_request(options, tables[0].class_names)
    check_score(request.score, [*tables, *others])
    models = {}
    for table, other in zip(tables, others, strict=True):
        progress(f"Evaluating {table.name}")
        models[table.name] = evaluate(table, other, request, expert)
    return models


def _print(evaluation_report: Any, models: dict[str, Any]) -> None:
    from rich.console import Console

    from keras_sngp.report.verdicts import verdicts

    for text in evaluation_report.summary_tables(models):
        print_table(text)
    console = Console()
    for name, model in models.items():
        for sentence in verdicts(model):
            console.print(sentence if len(models) == 1 else f"{name}: {sentence}", highlight=False)
