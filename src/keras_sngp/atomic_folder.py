"""Folders, and results of several files, that are either whole or as they were."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike) -> Iterator[Path]:
    """Gives `path`'s name in a temporary folder beside it, for results of several files.

    If the block succeeds, all that it wrote in the temporary folder takes its place beside `path`; what was there
    under the same names goes.

    Raises:
        FileNotFoundError: the folder to write into is not there.

    Example:

    >>> with atomic_folder(folder / "network.xml") as temporary:
    ...     _ = temporary.write_text("<net/>")
    ...     _ = temporary.with_suffix(".bin").write_bytes(b"weights")
    >>> sorted(path.name for path in folder.iterdir())
    ['network.bin', 'network.xml']
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"The folder to write into must be there. Received: {str(path)!r}")
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.", suffix=".partial") as temporary:
        new, old = Path(temporary, "new"), Path(temporary, "old")
        new.mkdir()
        old.mkdir()
        yield new / path.name
        for written in sorted(new.iterdir()):
            _move(written, path.with_name(written.name), old)


def _move(written: Path, target: Path, old: Path) -> None:
    # A file can be replaced in one step, a folder with something in it cannot.
    aside = target.is_dir()
    if aside:
        target.replace(old / target.name)
    try:
        written.replace(target)
    except OSError:
        if aside:
            (old / target.name).replace(target)
        raise
