"""Cells of any Arrow column as numbers or as words, each in one canonical form whatever file they come from."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

MISSING_WORDS = ("", "?", "NA", "N/A", "NaN", "nan", "NULL", "null")
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
# A whole number written with decimals, midnight written with a date, and what CSV and Parquet each say for true.
WHOLE_NUMBER = r"^(-?(?:0|[1-9]\d*))\.0+$"
MIDNIGHT = r"^(\d{4}-\d{2}-\d{2})[T ]00:00(?::00(?:\.0+)?)?Z?$"
FRACTION_OF_ZERO = r"^(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2})\.0+(Z?)$"
SPELLINGS = {"true": "True", "TRUE": "True", "false": "False", "FALSE": "False", "-0": "0"}

Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def is_number_type(kind: pa.DataType) -> bool:
    """Whether an Arrow type holds numbers, yes or no, or times."""
    return bool(
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


def as_texts(column: pa.ChunkedArray | pa.Array, missing_words: Sequence[str] = MISSING_WORDS) -> pa.Array:
    """Each cell as text without blanks around it; null where it is missing.

    Args:
        column: The cells.
        missing_words: Texts that stand for nothing.
    """
    texts = pc.utf8_trim_whitespace(_plain(column).cast(pa.string()))
    return pc.if_else(pc.is_in(texts, pa.array(missing_words, pa.string())), None, texts)


def as_words(column: pa.ChunkedArray | pa.Array, missing_words: Sequence[str] = MISSING_WORDS) -> pa.Array:
    """Each cell as text in its canonical form; null where it is missing.

    One value has one form, whether a CSV file spells it `1`, `1.0` or ` 1 `, or a Parquet file has it as a whole
    number, as a number that missing cells turned into a decimal one, as a time or as a boolean: no blanks around it, a
    whole number without decimals (but `007` stays), a date without midnight, `True` and `False`.

    Args:
        column: The cells.
        missing_words: Texts that stand for nothing.
    """
    encoded = as_texts(column, missing_words).dictionary_encode()
    return _canonical(encoded.dictionary).take(encoded.indices)


def canonical_words(words: Sequence[str]) -> list[str]:
    """The canonical form of each word; see `as_words`."""
    return [word or "" for word in as_words(pa.array(words, pa.string()), missing_words=()).to_pylist()]


def as_numbers(column: pa.ChunkedArray | pa.Array) -> tuple[Numbers, Mask]:
    """Each cell as a number, NaN where it is missing or no finite number; and where it is the latter.

    Times are seconds since 1970.
    """
    array = _plain(column)
    if not is_number_type(array.type):
        return _parsed(array)
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


def _canonical(words: pa.Array) -> pa.Array:
    for pattern, form in ((WHOLE_NUMBER, r"\1"), (MIDNIGHT, r"\1"), (FRACTION_OF_ZERO, r"\1\2")):
        words = pc.replace_substring_regex(words, pattern, form)
    spelled = pc.index_in(words, pa.array(list(SPELLINGS)))
    return pc.coalesce(pa.array(list(SPELLINGS.values())).take(spelled), words)


def _parsed(array: pa.Array) -> tuple[Numbers, Mask]:
    words = as_texts(array)
    missing = words.is_null().to_numpy(zero_copy_only=False)
    try:
        # Arrow knows no plus sign, and knows infinity, which counts as unreadable.
        values = words.cast(pa.float64()).to_numpy(zero_copy_only=False).astype("float64")
        bad = np.zeros(len(words), bool)
    except pa.ArrowInvalid:
        readable = pc.fill_null(pc.match_substring_regex(words, NUMBER), False)
        numbers = pc.if_else(readable, pc.utf8_ltrim(words, "+"), None).cast(pa.float64())
        values = numbers.to_numpy(zero_copy_only=False).astype("float64")
        bad = ~(missing | readable.to_numpy(zero_copy_only=False))
    infinite = ~missing & ~bad & ~np.isfinite(values)
    return np.where(infinite, np.nan, values), bad | infinite
