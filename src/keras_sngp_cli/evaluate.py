"""`keras-sngp evaluate`: how good a classifier is on a file with labels."""

import json
from pathlib import Path

import click

from keras_sngp_cli.messages import plain_errors, print_table, say, start_keras
from keras_sngp_cli.options import FILE, OPEN_SHARE, backend_option, check_writable, json_option, source_of

NOT_GOOD_ENOUGH = 3


@click.command()
@click.argument("model", type=FILE)
@click.argument("data", type=FILE)
@click.option("--label", metavar="COL", help="Column of the true classes.  [default: as in training]")
@click.option("--report", metavar="DIR", type=FILE, help="Folder for report.html.")
@click.option("--accuracy", type=OPEN_SHARE, help="Exit with code 3 if the accuracy is below.")
@backend_option
@json_option("the figures")
@click.pass_context
def evaluate(
    context: click.Context,
    model: Path,
    data: Path,
    label: str | None,
    report: Path | None,
    accuracy: float | None,
    backend: str | None,
    as_json: bool,
) -> None:
    """Measure a classifier on rows whose classes are known.

    MODEL was made by `keras-sngp train`; DATA is a CSV, Parquet or NPZ file, a folder of images, or - for CSV on
    standard input.
    """
    if report is not None:
        check_writable(report, "--report")
    with plain_errors():
        start_keras(backend)
        from keras_sngp.own_data.classifier_file import load_classifier
        from keras_sngp.own_data.evaluation import evaluation_of, figures_of, figures_table, predict_labelled_rows

        classifier = load_classifier(model)
        probabilities, variance, labels = predict_labelled_rows(classifier, source_of(data), label)
        figures = figures_of(probabilities, labels)
        if as_json:
            click.echo(json.dumps(figures, indent=2))
        else:
            print_table(figures_table(model.stem, {data.name: figures}))
        if report is not None:
            from keras_sngp.report.evaluation_report import write_report

            evaluation = evaluation_of(classifier, model.stem, probabilities, variance, labels)
            write_report({model.stem: evaluation}, report)
            say(f"Report: {report / 'report.html'}")
    if accuracy is not None and figures["accuracy"] < accuracy:
        say(f"Accuracy {figures['accuracy']:.4f} is below {accuracy:g}")
        context.exit(NOT_GOOD_ENOUGH)
