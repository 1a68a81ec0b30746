"""Class names, and the numbers of the labels in a column."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from keras_sngp._tables.cells import as_words, is_cell_type

MOST_CLASSES = 10_000
UNKNOWN = -1


def class_names_of(column: pa.ChunkedArray, name: str) -> tuple[str, ...]:
    """The different labels in order; numbers by size.

    Raises:
        ValueError: fewer than two, or so many that they are no classes.
    """
    if not is_cell_type(column.type):
        raise ValueError(f"Expected labels in column {name!r}. Received: {column.type}")
    names = pc.unique(as_words(column).drop_null()).to_pylist()
    if not 2 <= len(names) <= min(MOST_CLASSES, max(2, len(column) // 2)):
        raise ValueError(
            f"Expected at least two classes in column {name!r}, and no more than half as many as rows. "
            f"Received: {len(names)} in {len(column)} rows" + (f", such as {names[0]!r}" if names else "")
        )
    return tuple(sorted(names, key=_number_or_word))


def label_numbers(column: pa.ChunkedArray, class_names: tuple[str, ...]) -> npt.NDArray[np.intp]:
    """Class numbers `(rows,)`; -1 where the label is missing or another word."""
    places = pc.index_in(as_words(column), pa.array(class_names, pa.string()))
    return pc.fill_null(places, UNKNOWN).to_numpy(zero_copy_only=False).astype(np.intp)


def _number_or_word(name: str) -> tuple[int, float, str]:
    try:
        return 0, float(name), name
    except ValueError:
        return 1, 0.0, name
