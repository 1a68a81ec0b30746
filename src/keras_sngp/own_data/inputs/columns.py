"""How one column of a table becomes numbers for a network, learned from training data."""

import dataclasses
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import skew

from keras_sngp._tables.cells import Mask, Numbers, as_numbers, as_words, canonical_words

UNFAMILIAR = 10.0
MOST_CATEGORIES = 200
FAR = 100.0
ROOM = 0.1
SKEWED = 3.0
SMALLEST_UNIT = 1e-12


@dataclasses.dataclass(frozen=True)
class EncodedColumn:
    """The cells of a column as a network takes them.

    Attributes:
        values: `(rows, width)`.
        notes: What is unlike the training data, and where.
        bad: Where a cell cannot be read.
    """

    values: npt.NDArray[np.float32]
    notes: dict[str, Mask]
    bad: Mask


@dataclasses.dataclass(frozen=True)
class NumberColumn:
    r"""A column of numbers.

    .. math:: z = (t(x) - \text{center}) / \text{spread}, \qquad t(x) = \mathrm{sign}(x) \log(1 + |x| / \text{unit})

    where `unit` is given, and `t(x) = x` otherwise. Beside `z` a second number tells that the cell is missing: 1, or
    10 if that never happened in the training data, which is far from all of it.

    Attributes:
        name: The column.
        center: Mean of `t(x)`; also put in for what is missing.
        spread: Standard deviation of `t(x)`.
        low: Smallest number of the training data.
        high: Largest.
        unit: Where the logarithm begins, for columns with a long tail; None for others.
        missing_seen: Whether cells of the training data were missing.
    """

    kind: ClassVar[str] = "number"
    width: ClassVar[int] = 2

    name: str
    center: float
    spread: float
    low: float
    high: float
    unit: float | None
    missing_seen: bool

    @classmethod
    def learn(cls, name: str, column: pa.ChunkedArray) -> "NumberColumn":
        values, _ = as_numbers(column)
        known = values[np.isfinite(values)]
        if not known.size:
            raise ValueError(
                f"Column {name!r} must hold numbers to be used as one. Received: none in {len(values)} rows"
            )
        low, high = float(known.min()), float(known.max())
        missing_seen = known.size < values.size
        if low == high:
            return cls(name, low, 1.0, low, high, None, missing_seen)
        unit = _unit_of_long_tail(known)
        moved = _moved(known, unit)
        return cls(name, float(moved.mean()), float(moved.std()) or 1.0, low, high, unit, missing_seen)

    def read(self, column: pa.ChunkedArray) -> EncodedColumn:
        values, bad = as_numbers(column)
        missing = np.isnan(values)
        with np.errstate(over="ignore"):
            places = (_moved(values, self.unit) - self.center) / self.spread
        encoded = np.empty((len(values), self.width), "float32")
        encoded[:, 0] = np.where(missing, 0, np.clip(places, -FAR, FAR))
        encoded[:, 1] = missing * (1 if self.missing_seen else UNFAMILIAR)
        room = ROOM * (self.high / 2 - self.low / 2) * 2
        notes = {
            f"{self.name} not a number": bad,
            f"{self.name} out of range": (values < self.low - room) | (values > self.high + room),
        }
        if not self.missing_seen:
            notes[f"{self.name} missing"] = missing & ~bad
        return EncodedColumn(encoded, notes, bad)


@dataclasses.dataclass(frozen=True)
class CategoryColumn:
    """A column of words, one-hot; further places are for a missing word, for one of the many rare ones that were not
    kept, and, with 10 instead of 1, for one that the training data do not have.

    Attributes:
        name: The column.
        values: The words, the most frequent first.
        missing_seen: Whether cells of the training data were missing.
        rare_seen: Whether the training data have more words than were kept.
    """

    kind: ClassVar[str] = "category"

    name: str
    values: tuple[str, ...]
    missing_seen: bool
    rare_seen: bool

    @classmethod
    def learn(cls, name: str, column: pa.ChunkedArray) -> "CategoryColumn":
        words = as_words(column)
        counts = pc.value_counts(words.drop_null())
        found = sorted(zip(counts.field("counts").to_pylist(), counts.field("values").to_pylist(), strict=True))
        kept = sorted(found, key=lambda pair: (-pair[0], pair[1]))[:MOST_CATEGORIES]
        return cls(name, tuple(word for _, word in kept), words.null_count > 0, len(found) > len(kept))

    @property
    def width(self) -> int:
        return len(self.values) + 3

    def read(self, column: pa.ChunkedArray) -> EncodedColumn:
        words = as_words(column)
        places = pc.fill_null(pc.index_in(words, pa.array(canonical_words(self.values), pa.string())), -1)
        places = places.to_numpy(zero_copy_only=False).astype(np.intp)
        missing = words.is_null().to_numpy(zero_copy_only=False)
        known = places >= 0
        unseen = ~known & ~missing
        encoded = np.zeros((len(places), self.width), "float32")
        encoded[np.flatnonzero(known), places[known]] = 1
        missing_place, rare_place, unfamiliar_place = range(len(self.values), self.width)
        notes = {}
        for mask, seen, place, note in (
            (missing, self.missing_seen, missing_place, "missing"),
            (unseen, self.rare_seen, rare_place, "unseen"),
        ):
            encoded[mask, place if seen else unfamiliar_place] = 1 if seen else UNFAMILIAR
            if not seen:
                notes[f"{self.name} {note}"] = mask
        return EncodedColumn(encoded, notes, np.zeros(len(places), bool))


Column = NumberColumn | CategoryColumn
KINDS: dict[str, type[NumberColumn] | type[CategoryColumn]] = {
    NumberColumn.kind: NumberColumn,
    CategoryColumn.kind: CategoryColumn,
}


def column_to_json(column: Column) -> dict[str, Any]:
    return {"kind": column.kind, **dataclasses.asdict(column)}


def _unit_of_long_tail(values: Numbers) -> float | None:
    largest = float(np.abs(values).max())
    parts = values / largest
    if abs(skew(parts)) < SKEWED and largest < 1e100:
        return None
    return max(float(np.median(np.abs(parts[parts != 0]))), SMALLEST_UNIT) * largest


def _moved(values: Numbers, unit: float | None) -> Numbers:
    if unit is None:
        return values
    with np.errstate(over="ignore"):
        return np.sign(values) * np.log1p(np.abs(values) / unit)
