"""Cells of any Arrow column as numbers or as words."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

MISSING_WORDS = ("", "?", "NA", "N/A", "NaN", "nan", "NULL", "null")
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"

Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def is_number_type(kind: pa.DataType) -> bool:
    """Whether an Arrow type holds numbers, yes or no, or times."""
    return (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_temporal(kind)
    )


def is_cell_type(kind: pa.DataType) -> bool:
    """Whether cells of an Arrow type are single values, not lists, structures or bytes."""
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    texts = pa.types.is_string(plain) or pa.types.is_large_string(plain) or pa.types.is_string_view(plain)
    return texts or pa.types.is_null(plain) or is_number_type(plain)


def as_words(column: pa.ChunkedArray) -> pa.Array:
    """Each cell as text without blanks around it; null where it is missing. A whole number has no decimal point."""
    array = _plain(column)
    if pa.types.is_floating(array.type):
        array = pc.replace_substring_regex(array.cast(pa.string()), r"\.0$", "")
    words = pc.utf8_trim_whitespace(array.cast(pa.string()))
    return pc.if_else(pc.is_in(words, pa.array(MISSING_WORDS)), None, words)


def as_numbers(column: pa.ChunkedArray) -> tuple[Numbers, Mask]:
    """Each cell as a number, NaN where it is missing or no finite number; and where it is the latter.

    Times are seconds since 1970.
    """
    array = _plain(column)
    if not is_number_type(array.type):
        return _parsed(as_words(array))
    if pa.types.is_time(array.type) or pa.types.is_duration(array.type):
        array = array.cast(pa.int32() if pa.types.is_time32(array.type) else pa.int64())
    elif pa.types.is_temporal(array.type):
        array = array.cast(pa.timestamp("ms"), safe=False).cast(pa.int64())
        array = pc.divide(array.cast(pa.float64()), 1000.0)
    values = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype("float64")
    infinite = np.isinf(values)
    return np.where(infinite, np.nan, values), infinite


def _plain(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _parsed(words: pa.Array) -> tuple[Numbers, Mask]:
    readable = pc.fill_null(pc.match_substring_regex(words, NUMBER), False)
    missing = words.is_null().to_numpy(zero_copy_only=False)
    numbers = pc.if_else(readable, words, None).cast(pa.float64())
    values = numbers.to_numpy(zero_copy_only=False).astype("float64")
    infinite = np.isinf(values)
    bad = infinite | ~(missing | readable.to_numpy(zero_copy_only=False))
    return np.where(infinite, np.nan, values), bad
