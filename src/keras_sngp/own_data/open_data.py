"""Files and streams of tables, and folders of images, as blocks."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from keras_sngp._tables.blocks import BadRow
from keras_sngp._tables.image_folder import read_image_folder
from keras_sngp._tables.open_table import Opened, open_table


@contextlib.contextmanager
def open_data(source: Path | io.BufferedReader) -> Iterator[Opened]:
    """Opens a folder of images, see `read_image_folder`, or whatever `open_table` opens."""
    if isinstance(source, Path) and source.is_dir():
        yield read_image_folder(source)
    else:
        with open_table(source) as opened:
            yield opened


def read_data(source: Path | io.BufferedReader) -> tuple[pa.Table, list[BadRow]]:
    """All rows of what `open_data` opens, and those among them that could not be read."""
    with open_data(source) as (names, blocks):
        found = list(blocks)
    if not found:
        raise ValueError(f"Expected at least one row. Received: the columns {', '.join(map(repr, names))} alone")
    return pa.concat_tables(block.table for block in found), [row for block in found for row in block.bad]
