"""Files that are either whole or not there."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[Path]:
    """Gives a temporary name in the same folder, and moves the file into place if the block succeeds.

    Example:

    >>> with atomic_write(folder / "results.json") as temporary:
    ...     _ = temporary.write_text("{}")
    >>> [path.name for path in folder.iterdir()]
    ['results.json']
    """
    path = Path(path)
    temporary = path.with_name(f".{os.getpid()}.partial.{path.name}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def save_atomically(save: Callable[..., Any], path: str | os.PathLike, overwrite: bool = True, **options: Any) -> None:
    """Runs one of Keras's `save` methods so that the file is either whole or as it was.

    Raises:
        FileExistsError: the file is there and `overwrite` is False.
    """
    if not overwrite and Path(path).exists():
        raise FileExistsError(f"With overwrite=False the path must be free. Received: {path}, which exists")
    with atomic_write(path) as temporary:
        save(temporary, **options)
