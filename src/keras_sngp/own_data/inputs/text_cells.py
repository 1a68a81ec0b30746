"""Cells of a column as texts."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from keras_sngp._tables.cells import Mask, as_texts, is_cell_type
from keras_sngp.own_data.inputs.encoded_rows import EncodedRows


def check_text_column(name: str, names: list[str]) -> None:
    """Raises a ValueError if a table with these columns lacks the texts."""
    if name not in names:
        raise ValueError(f"Expected texts in a column {name!r}. Received: {', '.join(map(repr, names))}")


def texts_of(table: pa.Table, name: str) -> tuple[list[str], Mask]:
    """The texts, a missing one empty, and where they are missing."""
    check_text_column(name, table.column_names)
    if not is_cell_type(table[name].type):
        raise ValueError(f"Expected texts in column {name!r}. Received: {table[name].type}")
    texts = as_texts(table[name])
    return [text or "" for text in texts.to_pylist()], texts.is_null().to_numpy(zero_copy_only=False)


def read_texts(table: pa.Table, name: str, encode: Callable[[list[str]], npt.NDArray[np.float32]]) -> EncodedRows:
    """The encoded texts; a row without one is bad."""
    texts, missing = texts_of(table, name)
    return EncodedRows(encode(texts), [f"{name} missing" if odd else "" for odd in missing], missing.copy())
