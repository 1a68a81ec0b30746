"""Options that several subcommands share; Keras is imported only when a command starts to work."""

import importlib.util
import io
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import click

BACKENDS = ("jax", "tensorflow", "torch")
FILE = click.Path(path_type=Path)
SHARE = click.FloatRange(0, 1)
OPEN_SHARE = click.FloatRange(0, 1, min_open=True, max_open=True)
SEED = click.IntRange(0, 2**31 - 1)
# The scores of a file of predictions, and of a classifier; tests hold them against keras_sngp.metrics.scores.
PREDICTION_SCORES = ("max_probability", "entropy", "margin", "variance", "given")
DETECTORS = (
    "knn",
    "mahalanobis",
    "relative_mahalanobis",
    "mahalanobis++",
    "relative_mahalanobis++",
    "vim",
    "fdbd",
    "nnguide",
    "scale",
    "ash",
    "react",
    "gaussian_mixture",
)
# A file of answers has a column for each of these that decided.
COLUMN_SCORES = ("out_of_domain", "max_logit", "energy", "gen", "dempster_shafer", *DETECTORS)
CLASSIFIER_SCORES = ("entropy", "max_probability", *COLUMN_SCORES)

Command = Callable[..., Any]

backend_option = click.option(
    "--backend",
    type=click.Choice(BACKENDS),
    help="Keras backend.  [default: KERAS_BACKEND, or the first one installed]",
)


def json_option(what: str) -> Callable[[Command], Command]:
    """`--json`, with what is printed."""
    return click.option("--json", "as_json", is_flag=True, help=f"Print {what} as JSON.")


def policy_options(command: Command) -> Command:
    """`--budget` and `--accuracy`: what the deferral policy is to do."""
    budget = click.option("--budget", type=SHARE, help="Defer at most this share.  [default: 0.05]")
    accuracy = click.option("--accuracy", type=OPEN_SHARE, help="Answer with this accuracy, and defer the rest.")
    return budget(accuracy(command))


def check_one_of(options: dict[str, Any], *names: str) -> None:
    """Raises a UsageError if several of some options are given."""
    given = [f"--{name}" for name in names if options[name] is not None]
    if len(given) > 1:
        allowed = f"{', '.join(f'--{name}' for name in names[:-1])} and --{names[-1]}"
        raise click.UsageError(f"Pass one of {allowed}. Received: {' and '.join(given)}")


def source_of(data: Path) -> Any:
    """The path, or standard input for `-`."""
    if data != Path("-"):
        return data
    stream: Any = sys.stdin.buffer
    return stream if hasattr(stream, "peek") else io.BufferedReader(stream)


def check_writable(folder: Path, option: str = "--output") -> None:
    """Makes the folder, and refuses one that cannot be written to before any work is done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise click.BadParameter(
            f"expected a folder that can be written to. Received: {folder} ({error.strerror})", param_hint=option
        ) from error


def import_keras_sngp(backend: str | None) -> ModuleType:
    """Imports keras_sngp on the backend asked for, that of KERAS_BACKEND, or the first one installed.

    Raises:
        click.ClickException: the backend is unknown or not installed.
    """
    if backend is None and "KERAS_BACKEND" not in os.environ:
        backend = next((name for name in BACKENDS if importlib.util.find_spec(name)), None)
    if backend is not None:
        os.environ["KERAS_BACKEND"] = backend
    # TensorFlow's start-up notes would break up the progress display.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import keras_sngp
    except ImportError as error:
        raise click.ClickException(str(error)) from error
    return keras_sngp
