"""`keras-sngp report`: from a file of predictions to the decision when to call a human."""

import json
from pathlib import Path
from typing import Any

import click

from keras_sngp_cli.backend import import_keras_sngp
from keras_sngp_cli.output_folder import check_writable
from keras_sngp_cli.plain_errors import plain_errors
from keras_sngp_cli.text_tables import print_table

SCORES = ("max_probability", "entropy", "margin", "variance", "given")
FILE = click.Path(path_type=Path)


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILE)
@click.option("--label", metavar="COL", help="Column of the true classes.  [default: label, y, target, ...]")
@click.option(
    "--classes", metavar="COL,COL,...", help="Columns of the outputs, one a class.  [default: prob_*, logit_*]"
)
@click.option("--logits", is_flag=True, help="The outputs are logits.  [default: by their names]")
@click.option("--uncertainty", metavar="COL", help="Column of an uncertainty to go by, higher for less sure.")
@click.option("--score", type=click.Choice(SCORES), help="What to go by.  [default: max_probability]")
@click.option("--ood", metavar="FILE", multiple=True, type=FILE, help="Predictions out of domain, one for each FILE.")
@click.option(
    "--expert", metavar="COL|ACC", help="An accuracy such as 0.95, a column of answers, or columns COL_* of votes."
)
@click.option("--budget", type=click.FloatRange(0, 1), help="Hand over at most this share.  [default: 0.05]")
@click.option(
    "--accuracy", type=click.FloatRange(0, 1, min_open=True, max_open=True), help="Answer with this accuracy."
)
@click.option(
    "--delta",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.05,
    show_default=True,
    help="Chance that the accuracy is missed.",
)
@click.option("--costs", metavar="FILE", type=FILE, help="JSON with what mistakes and calls cost; needs --expert.")
@click.option(
    "--output",
    metavar="DIR",
    type=FILE,
    default=Path("report"),
    show_default=True,
    help="Folder for the pictures, results.json, policy.json and report.html.",
)
@click.option("--json", "as_json", is_flag=True, help="Print results.json instead of tables.")
def report(files: tuple[Path, ...], output: Path, as_json: bool, **options: Any) -> None:
    """How good predictions are, what they do not know, and when to call a human.

    FILE is a CSV, Parquet or NPZ file of a classifier's predictions, one row a case, with columns prob_CLASS or
    logit_CLASS, the label, and perhaps variance or uncertainty. Several files are compared side by side.
    """
    _check_options(files, options)
    check_writable(output)
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("Starting") as status, plain_errors():
        import_keras_sngp(None)
        from keras_sngp.report import evaluation_report

        models = _evaluate(files, options, status.update)
        status.update("Drawing")
        written = evaluation_report.write_report(models, output)
    if as_json:
        click.echo(json.dumps(evaluation_report.results(models), indent=2))
    else:
        _print(evaluation_report, models)
    page = next(path for path in written if path.suffix == ".html")
    console.print(f"Report: {page}", highlight=False, soft_wrap=True)


def _check_options(files: tuple[Path, ...], options: dict[str, Any]) -> None:
    rules = [name for name in ("budget", "accuracy", "costs") if options[name] is not None]
    if len(rules) > 1:
        raise click.UsageError(f"Pass one of --budget, --accuracy and --costs. Received: --{' and --'.join(rules)}")
    if options["costs"] is not None and options["expert"] is None:
        raise click.UsageError("--costs needs --expert, since asking one has to cost something. Received: none")
    if options["ood"] and len(options["ood"]) != len(files):
        raise click.UsageError(f"Pass one --ood for each FILE. Received: {len(options['ood'])} for {len(files)}")


def _evaluate(files: tuple[Path, ...], options: dict[str, Any], tell: Any) -> dict[str, Any]:
    from keras_sngp.report.evaluation import check_same_cases, evaluate
    from keras_sngp.report.report_inputs import check_score, read_expert, read_tables, wish_of

    tables, others = read_tables(files, options["ood"], options, tell)
    check_same_cases(tables)
    expert = read_expert(options["expert"], tables)
    wish = wish_of(options, tables[0].class_names)
    check_score(wish.score, [*tables, *others])
    models = {}
    for table, other in zip(tables, others, strict=True):
        tell(f"Evaluating {table.name}")
        models[table.name] = evaluate(table, other, wish, expert)
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
