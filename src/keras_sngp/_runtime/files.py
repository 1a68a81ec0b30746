"""Files and folders, whole or as they were, and the names by which Keras finds our objects in them."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import keras

PACKAGE = "keras_sngp"
NETWORK_FILE = "network.keras"

Registered = TypeVar("Registered")


def register(thing: Registered) -> Registered:
    """Registers a class or function with Keras under the constant name `keras_sngp>Name`."""
    registered: Registered = keras.saving.register_keras_serializable(package=PACKAGE)(thing)
    return registered


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
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


def save_atomically(
    save: Callable[..., Any], path: str | os.PathLike[str], overwrite: bool = True, **options: Any
) -> None:
    """Runs one of Keras's `save` methods so that the file is either whole or as it was.

    Raises:
        FileExistsError: the file is there and `overwrite` is False.
    """
    if not overwrite and Path(path).exists():
        raise FileExistsError(f"With overwrite=False the path must be free. Received: {path}, which exists")
    with atomic_write(path) as temporary:
        save(temporary, **options)


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
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


def network_to_bytes(network: keras.Model) -> bytes:
    """A network as the bytes of a `.keras` file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, NETWORK_FILE)
        network.save(path)
        return path.read_bytes()


def network_from_bytes(content: bytes) -> keras.Model:
    """Only for bytes of one's own: the configuration in them says which classes are made."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, NETWORK_FILE)
        path.write_bytes(content)
        return keras.saving.load_model(path)
