"""`keras-sngp train`: from a file with labels to a classifier in one file."""

import contextlib
import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from keras_sngp_cli.messages import BadRows, plain_errors, print_table, progress_bars, say, start_keras
from keras_sngp_cli.options import DETECTORS, FILE, SEED, backend_option, check_writable, json_option, source_of

KINDS = ("number", "category", "ignore")


@click.command()
@click.argument("data", type=FILE)
@click.option("--label", metavar="COL", required=True, help="Column of the classes.")
@click.option("--output", metavar="MODEL", type=FILE, required=True, help="File for the classifier.")
@click.option("--test", metavar="FILE", type=FILE, help="Further rows with labels to evaluate on.")
@click.option(
    "--column", "columns", metavar="COL=KIND", multiple=True, help="Use a column as number, category or ignore it."
)
@click.option("--text", metavar="COL", help="Column of texts to look at, instead of all columns.")
@click.option("--encoder", metavar="DIR", type=FILE, help="Folder of a BERT encoder for the texts.  [default: words]")
@click.option("--epochs", type=click.IntRange(min=1), help="Most passes over the data.  [default: by its size]")
@click.option("--learning-rate", type=click.FloatRange(0, min_open=True), default=1e-3, show_default=True)
@click.option("--patience", type=click.IntRange(min=1), default=5, show_default=True, help="Epochs without progress.")
@click.option(
    "--detector",
    "detectors",
    metavar="NAME",
    multiple=True,
    type=click.Choice(DETECTORS),
    help=f"Keep an out-of-domain detector for predict --score: {', '.join(DETECTORS)}.",
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of split and network.")
@click.option("--resume", is_flag=True, help="Go on with a training that was stopped.")
@click.option("--report", metavar="DIR", type=FILE, help="Folder for report.html.  [default: MODEL-report]")
@backend_option
@json_option("the figures")
def train(data: Path, label: str, output: Path, report: Path | None, as_json: bool, **options: Any) -> None:
    """Train a classifier that knows when it does not know.

    DATA is a CSV (also .csv.gz), Parquet or NPZ file with a row a case, or a folder of images with a subfolder for each
    class (--label label). Columns are typed by what is in them; one of images is looked at alone. A tenth of the rows
    is for validation, another tenth is held out to evaluate on. Ctrl-C stops, and keeps the best network.
    """
    overrides = dict(map(_override, options["columns"]))
    if options["encoder"] and not options["text"]:
        raise click.UsageError("--encoder needs --text, the column of the texts. Received: none")
    report = report or output.with_name(f"{output.stem}-report")
    check_writable(output.parent)
    with plain_errors():
        start_keras(options["backend"])
        from keras_sngp._tables.open_table import read_table
        from keras_sngp.own_data import TrainingSettings, prepare, save_classifier

        settings = TrainingSettings(
            options["epochs"], options["learning_rate"], patience=options["patience"], seed=options["seed"]
        )
        source = source_of(data)
        table, bad_rows = read_table(source)
        _show_bad_rows(bad_rows)
        prepared = prepare(
            table, label, settings, overrides=overrides, text=options["text"], encoder=options["encoder"]
        )
        if not as_json:
            _print_data(prepared)
        folder = _training_folder(output, options["resume"], prepared, settings)
        classifier, stopped = _train(prepared, settings, folder, options["detectors"])
        save_classifier(classifier, output)
        if not stopped:
            shutil.rmtree(folder)
        _evaluate(classifier, options["test"], output, report, as_json)


def _show_bad_rows(rows: list[Any]) -> None:
    bad_rows = BadRows("left out")
    for row in rows:
        bad_rows(row)
    bad_rows.finish()


def _override(given: str) -> tuple[str, str]:
    name, _, kind = given.rpartition("=")
    if not name or kind not in KINDS:
        raise click.BadParameter(f"expected COL={'|'.join(KINDS)}. Received: {given}", param_hint="--column")
    return name, kind


def _print_data(prepared: Any) -> None:
    from keras_sngp_cli.descriptions import column_table, split_sentence

    print_table(column_table(prepared.inputs), of_words=True)
    click.echo(split_sentence(prepared) + "\n")


def _training_folder(output: Path, resume: bool, prepared: Any, settings: Any) -> Path:
    """Where the training keeps what it needs to go on; emptied unless it is to go on."""
    folder = output.with_name(f"{output.name}.training")
    record = folder / "training.json"
    now = json.dumps({**vars(settings), "columns": prepared.inputs.to_json(), "rows": len(prepared.labels)})
    if resume and not record.exists():
        raise ValueError(f"Expected a training to go on with in {folder}. Received: none; leave out --resume")
    if resume and record.read_text() != now:
        raise ValueError("--resume needs the data and options that the training began with. Received: others")
    if not resume and folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(exist_ok=True)
    record.write_text(now)
    return folder


def _train(prepared: Any, settings: Any, folder: Path, detectors: tuple[str, ...]) -> tuple[Any, bool]:
    from keras_sngp.own_data import train

    epochs = settings.epochs_for(len(prepared.split.training))
    with _progress(epochs) as progress, _stop_on_interrupt(progress):
        classifier = train(prepared, settings, folder=folder, callbacks=(progress,), detectors=detectors)
    if progress.stopped:
        say("Stopped; the best network so far is kept. --resume goes on.")
    return classifier, progress.stopped


@contextlib.contextmanager
def _progress(epochs: int) -> Iterator[Any]:
    from keras_sngp.own_data.training_callbacks import TrainingProgress

    with progress_bars("{task.fields[state]}") as bars:
        task = bars.add_task("Training", total=epochs, state="")

        def show(epoch: int, loss: float) -> None:
            bars.update(task, completed=epoch, state=f"validation loss {loss:.4f}")

        yield TrainingProgress(show)


@contextlib.contextmanager
def _stop_on_interrupt(progress: Any) -> Iterator[None]:
    def stop(*_: Any) -> None:
        if progress.stopped:
            raise KeyboardInterrupt
        progress.stop()
        say("Stopping after this batch; Ctrl-C again to give up.")

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _evaluate(classifier: Any, test: Path | None, output: Path, report: Path, as_json: bool) -> None:
    from keras_sngp.own_data.evaluation import evaluation_of, figures_of, figures_table, predict_labelled_rows
    from keras_sngp.report.evaluation_report import write_report

    held_out = classifier.held_out
    figures = {"held out": figures_of(held_out.probabilities, held_out.labels)}
    rows = (held_out.probabilities, held_out.variance, held_out.labels)
    if test is not None:
        rows = predict_labelled_rows(classifier, test)
        figures["test"] = figures_of(rows[0], rows[2])
    table = figures_table(f"Best epoch {classifier.training['best_epoch']}", figures)
    evaluation = evaluation_of(classifier, output.stem, *rows)
    check_writable(report, "--report")
    write_report({output.stem: evaluation}, report)
    if as_json:
        click.echo(json.dumps({"training": classifier.training, **figures}, indent=2))
    else:
        print_table(table)
    say(f"Classifier: {output}\nReport: {report / 'report.html'}")
