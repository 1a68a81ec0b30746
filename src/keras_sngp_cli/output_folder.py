"""Where a command writes to."""

import tempfile
from pathlib import Path

import click


def check_writable(folder: Path) -> None:
    """Makes the folder, and refuses one that cannot be written to before any work is done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise click.BadParameter(
            f"expected a folder that can be written to. Received: {folder} ({error.strerror})",
            param_hint="--output",
        ) from error
