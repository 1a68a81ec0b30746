"""Finds the files of public data sets: in a local folder first, at the public source second."""

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

ENVIRONMENT_VARIABLE = "KERAS_SNGP_DATA"

Content = TypeVar("Content")


@dataclasses.dataclass(frozen=True)
class PublicFile:
    """A file at its public source, with its hash as `algorithm:hexadecimal digits`."""

    name: str
    url: str
    hash: str


def local_or_download(
    data_set: str,
    names: Sequence[str],
    public: PublicFile | None,
    data_dir: str | os.PathLike | None = None,
    system_folders: Sequence[str] = (),
) -> Path:
    """The path of the first of `names` found in a folder, or of the file downloaded.

    Looks in `data_dir`; without one, in the folder that KERAS_SNGP_DATA names, and then in `system_folders`. Within a
    folder, in its sub-folder `data_set` first. A download is kept in the cache folder of the user only when its hash is
    right.

    Raises:
        FileNotFoundError: `data_dir` is given and holds no such file, or there is no public file to download.
        ImportError: A download needs the package pooch, which is missing.
        OSError: The download failed; nothing is kept of it.
        ValueError: What was downloaded has another hash; nothing is kept of it.
    """
    places = [Path(data_dir)] if data_dir is not None else [*_folder_of_the_environment(), *map(Path, system_folders)]
    candidates = [folder / name for place in places for folder in (place / data_set, place) for name in names]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    if data_dir is not None or public is None:
        looked = (
            ", ".join(map(str, candidates)) or f"nowhere, as no data_dir is given and {ENVIRONMENT_VARIABLE} is unset"
        )
        raise FileNotFoundError(f"{data_set} needs one of these files: {', '.join(names)}. Looked for: {looked}")
    return _download(public)


def _folder_of_the_environment() -> Iterator[Path]:
    if folder := os.environ.get(ENVIRONMENT_VARIABLE):
        yield Path(folder)


def _download(public: PublicFile) -> Path:
    try:
        import pooch
    except ImportError as error:
        raise ImportError(
            f"Downloading {public.name} needs pooch: pip install 'keras-sngp[data]'. Or put the file in a folder and "
            f"name that by data_dir or the environment variable {ENVIRONMENT_VARIABLE}"
        ) from error
    folder = pooch.os_cache("keras-sngp")
    try:
        return Path(pooch.retrieve(public.url, public.hash, fname=public.name, path=folder))
    except OSError as error:
        raise OSError(
            f"{public.name} could not be downloaded from {public.url}. Put it in a folder and name that by data_dir or "
            f"the environment variable {ENVIRONMENT_VARIABLE}. Received: {error}"
        ) from None


def read_checked(path: Path, expected: str, read: Callable[[Path], Content]) -> Content:
    """What `read` makes of a file, any failure being told as a ValueError with the path and what was expected."""
    try:
        return read(path)
    except Exception as error:
        raise ValueError(f"{path} must hold {expected}. Received: {type(error).__name__}: {error}") from error


def require(condition: bool, received: str) -> None:
    """Within `read_checked`: says what was received instead."""
    if not condition:
        raise ValueError(received)
