"""Cells of a column as texts."""

import pyarrow as pa

from keras_sngp.tables.cells import Mask, as_words, is_cell_type


def check_text_column(name: str, names: list[str]) -> None:
    """Raises a ValueError if a table with these columns lacks the texts."""
    if name not in names:
        raise ValueError(f"Expected texts in a column {name!r}. Received: {', '.join(map(repr, names))}")


def texts_of(table: pa.Table, name: str) -> list[str]:
    """The texts; a missing one is empty."""
    return [text or "" for text in _words(table, name).to_pylist()]


def missing_texts(table: pa.Table, name: str) -> Mask:
    """Where there is no text."""
    return _words(table, name).is_null().to_numpy(zero_copy_only=False)


def reasons_of_texts(table: pa.Table, name: str) -> list[str]:
    return [f"{name} missing" if missing else "" for missing in missing_texts(table, name)]


def _words(table: pa.Table, name: str) -> pa.Array:
    check_text_column(name, table.column_names)
    if not is_cell_type(table[name].type):
        raise ValueError(f"Expected texts in column {name!r}. Received: {table[name].type}")
    return as_words(table[name])
