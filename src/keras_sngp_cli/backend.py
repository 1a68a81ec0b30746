"""Which of Keras's backends a command runs on."""

import importlib.util
import os
from types import ModuleType

import click

BACKENDS = ("jax", "tensorflow", "torch")


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
