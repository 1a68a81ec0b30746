"""Errors of the library as one line, without a traceback."""

import contextlib
from collections.abc import Iterator

import click


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """Turns errors that the user can do something about into a message and exit code 1."""
    try:
        yield
    except BrokenPipeError:
        raise
    except MemoryError as error:
        raise click.ClickException("The data do not fit into memory.") from error
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
