"""`keras-sngp evaluate`: how good a classifier is on a file with labels."""

import json
from pathlib import Path

import click

from keras_sngp_cli.backend import BACKENDS
from keras_sngp_cli.output_folder import check_writable
from keras_sngp_cli.own_data_options import FILE, OPEN_SHARE, import_for_own_data, source_of
from keras_sngp_cli.plain_errors import plain_errors
from keras_sngp_cli.text_tables import print_table

NOT_GOOD_ENOUGH = 3


@click.command()
@click.argument("model", type=FILE)
@click.argument("data", type=FILE)
@click.option("--label", metavar="COL", help="Column of the classes.  [default: as in training]")
@click.option("--report", metavar="DIR", type=FILE, help="Folder for report.html.")
@click.option("--at-least", type=OPEN_SHARE, help="Exit with code 3 if the accuracy is below.")
@click.option("--backend", type=click.Choice(BACKENDS), help="Keras backend.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.pass_context
def evaluate(
    context: click.Context,
    model: Path,
    data: Path,
    label: str | None,
    report: Path | None,
    at_least: float | None,
    backend: str | None,
    as_json: bool,
) -> None:
    """Measure a classifier on rows whose classes are known.

    MODEL was made by `keras-sngp train`; DATA is a CSV, Parquet or NPZ file, a folder of images, or - for CSV on
    standard input.
    """
    if report is not None:
        check_writable(report)
    with plain_errors():
        import_for_own_data(backend)
        from keras_sngp.own_data.classifier_file import load_classifier
        from keras_sngp.own_data.figures import evaluation_of, figures_of, figures_table
        from keras_sngp.own_data.judgement import judged_rows

        classifier = load_classifier(model)
        probabilities, variance, labels = judged_rows(classifier, source_of(data), label)
        figures = figures_of(probabilities, labels)
        if as_json:
            click.echo(json.dumps(figures, indent=2))
        else:
            print_table(figures_table(model.stem, {data.name: figures}))
        if report is not None:
            from keras_sngp.report.evaluation_report import write_report

            evaluation = evaluation_of(classifier, model.stem, probabilities, variance, labels)
            write_report({model.stem: evaluation}, report)
            click.echo(f"Report: {report / 'report.html'}", err=True)
    if at_least is not None and figures["accuracy"] < at_least:
        click.echo(f"Accuracy {figures['accuracy']:.4f} is below {at_least:g}", err=True)
        context.exit(NOT_GOOD_ENOUGH)
