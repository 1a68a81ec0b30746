"""Folders of image files, one subfolder a class, as a table."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from PIL import Image

from keras_sngp._tables.blocks import Block

FILE, IMAGE, LABEL = "file", "image", "label"
FILES_PER_BLOCK = 1_000


def read_image_folder(folder: Path) -> tuple[list[str], Iterator[Block]]:
    """The names of the columns, and all images in order of their paths: `file`, `image` as bytes, `label`.

    The label is the name of the first subfolder, missing for files beside the subfolders.

    Raises:
        ValueError: there are no image files.
    """
    suffixes = set(Image.registered_extensions())
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
    if not files:
        raise ValueError("Expected a folder with image files, those of each class in a subfolder. Received: none")
    return [FILE, IMAGE, LABEL], _blocks(folder, files)


def _blocks(folder: Path, files: list[Path]) -> Iterator[Block]:
    for start in range(0, len(files), FILES_PER_BLOCK):
        some = files[start : start + FILES_PER_BLOCK]
        parts = [path.relative_to(folder).parts for path in some]
        columns = {
            FILE: pa.array(["/".join(names) for names in parts]),
            IMAGE: pa.array([path.read_bytes() for path in some], pa.binary()),
            LABEL: pa.array([names[0] if len(names) > 1 else None for names in parts], pa.string()),
        }
        yield Block(pa.table(columns), start + 1)
