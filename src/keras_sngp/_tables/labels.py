"""Labels of a column as class numbers."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from keras_sngp._tables.cells import as_texts, as_words, canonical_words, is_cell_type

UNKNOWN = -1
MOST_CLASSES = 10_000
MOST_NAMES_SHOWN = 20
BOOLEANS = {"False": 0, "True": 1}

Labels = npt.NDArray[np.intp]


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


def label_numbers(column: pa.ChunkedArray | pa.Array, class_names: Sequence[str]) -> Labels:
    """Class numbers `(rows,)` by the names of the classes; -1 where the label is missing or another word."""
    names, words = canonical_words(class_names), as_words(column, missing_words=("",))
    if len(set(names)) < len(names):
        # Classes that differ in spelling alone are told apart by it.
        names, words = list(class_names), as_texts(column, missing_words=("",))
    places = pc.index_in(words, pa.array(names, pa.string()))
    numbers: Labels = pc.fill_null(places, UNKNOWN).to_numpy(zero_copy_only=False).astype(np.intp)
    return numbers


def checked_label_numbers(
    column: pa.ChunkedArray | pa.Array, class_names: Sequence[str], first_row: int = 1, what: str = "labels"
) -> Labels:
    """Class numbers `(rows,)` by the names of the classes, or as numbers from 0 where no class is named by a number.

    Args:
        column: The labels.
        class_names: One for each class.
        first_row: Number of the first row, for errors.
        what: What the labels are, for errors.

    Raises:
        ValueError: a label is neither.

    Example:

    >>> checked_label_numbers(pa.array(["dog", "cat"]), ["cat", "dog"]).tolist()
    [1, 0]
    >>> checked_label_numbers(pa.array([1.0, 0.0]), ["cat", "dog"]).tolist()
    [1, 0]
    """
    if not is_cell_type(column.type):
        raise ValueError(f"Expected {what} of one value each. Received: {column.type}")
    numbers = label_numbers(column, class_names)
    if (numbers == UNKNOWN).any():
        words = as_words(column, missing_words=("",)).dictionary_encode()
        by_position = np.array([_position(word, class_names) for word in [*words.dictionary.to_pylist(), None]])
        places = words.indices.fill_null(len(words.dictionary)).to_numpy(zero_copy_only=False)
        numbers = np.where(numbers == UNKNOWN, by_position[places], numbers)
    if (numbers == UNKNOWN).any():
        row = int(np.argmax(numbers == UNKNOWN))
        shown = as_words(column)[row].as_py()
        names = ", ".join(class_names[:MOST_NAMES_SHOWN]) + (", ..." if len(class_names) > MOST_NAMES_SHOWN else "")
        positions = "" if _named_by_numbers(class_names) else f" or numbers from 0 to {len(class_names) - 1}"
        raise ValueError(
            f"The {what} must be classes ({names}){positions}. "
            f"Received: {'nothing' if shown is None else repr(shown)} in row {first_row + row}"
        )
    return numbers


def _named_by_numbers(class_names: Sequence[str]) -> bool:
    """With classes named 1, 2, 3 a label 1 is the first of them, and never the second by position."""
    return all(name.isdigit() for name in class_names)


def _position(word: str | None, class_names: Sequence[str]) -> int:
    """The class that a number stands for in any spelling: by its name where classes are named by numbers."""
    if word is None:
        return UNKNOWN
    try:
        number = float(BOOLEANS.get(word, word))
    except ValueError:
        return UNKNOWN
    two_classes = len(class_names) == 2 and (set(class_names) == {"0", "1"} or not _named_by_numbers(class_names))
    named_so = set(canonical_words(class_names)) & set(BOOLEANS)
    if not number.is_integer() or (word in BOOLEANS and (named_so or not two_classes)):
        return UNKNOWN
    if _named_by_numbers(class_names):
        name = str(int(number))
        return list(class_names).index(name) if name in class_names else UNKNOWN
    return int(number) if 0 <= number < len(class_names) else UNKNOWN


def _number_or_word(name: str) -> tuple[int, float, str]:
    try:
        return 0, float(name), name
    except ValueError:
        return 1, 0.0, name
