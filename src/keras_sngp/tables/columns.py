"""How one column of a table becomes numbers for a network, learned from training data."""

import dataclasses
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import skew

from keras_sngp.tables.cells import Mask, Numbers, as_numbers, as_words

UNFAMILIAR = 10.0
MOST_CATEGORIES = 200
FAR = 100.0
ROOM = 0.1
SKEWED = 3.0
SMALLEST_UNIT = 1e-12

Notes = Iterator[tuple[str, Mask]]


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
        unit = _unit_of_long_tail(known)
        moved = _moved(known, unit)
        spread = float(moved.std())
        low, high = float(known.min()), float(known.max())
        return cls(name, float(moved.mean()), spread or 1.0, low, high, unit, known.size < values.size)

    def encode(self, column: pa.ChunkedArray) -> npt.NDArray[np.float32]:
        values, _ = as_numbers(column)
        missing = np.isnan(values)
        with np.errstate(over="ignore"):
            places = (_moved(values, self.unit) - self.center) / self.spread
        encoded = np.empty((len(values), self.width), "float32")
        encoded[:, 0] = np.where(missing, 0, np.clip(places, -FAR, FAR))
        encoded[:, 1] = missing * (1 if self.missing_seen else UNFAMILIAR)
        return encoded

    def notes(self, column: pa.ChunkedArray) -> Notes:
        """What is unlike the training data, and where."""
        values, bad = as_numbers(column)
        room = ROOM * (self.high / 2 - self.low / 2) * 2
        yield f"{self.name} not a number", bad
        yield f"{self.name} out of range", (values < self.low - room) | (values > self.high + room)
        if not self.missing_seen:
            yield f"{self.name} missing", np.isnan(values) & ~bad

    def bad(self, column: pa.ChunkedArray) -> Mask:
        """Where a cell cannot be read."""
        return as_numbers(column)[1]


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

    def encode(self, column: pa.ChunkedArray) -> npt.NDArray[np.float32]:
        places, missing = self._places(column)
        encoded = np.zeros((len(places), self.width), "float32")
        known = places >= 0
        encoded[np.flatnonzero(known), places[known]] = 1
        unseen = ~known & ~missing
        missing_place, rare_place, unfamiliar_place = range(len(self.values), self.width)
        encoded[missing, missing_place if self.missing_seen else unfamiliar_place] = (
            1 if self.missing_seen else UNFAMILIAR
        )
        encoded[unseen, rare_place if self.rare_seen else unfamiliar_place] = 1 if self.rare_seen else UNFAMILIAR
        return encoded

    def notes(self, column: pa.ChunkedArray) -> Notes:
        """What is unlike the training data, and where."""
        places, missing = self._places(column)
        if not self.rare_seen:
            yield f"{self.name} unseen", (places < 0) & ~missing
        if not self.missing_seen:
            yield f"{self.name} missing", missing

    def bad(self, column: pa.ChunkedArray) -> Mask:
        """Where a cell cannot be read: nowhere, every word can."""
        return np.zeros(len(column), bool)

    def _places(self, column: pa.ChunkedArray) -> tuple[npt.NDArray[np.intp], Mask]:
        words = as_words(column)
        places = pc.fill_null(pc.index_in(words, pa.array(self.values, pa.string())), -1)
        return places.to_numpy(zero_copy_only=False).astype(np.intp), words.is_null().to_numpy(zero_copy_only=False)


Column = NumberColumn | CategoryColumn
KINDS: dict[str, type[NumberColumn] | type[CategoryColumn]] = {
    NumberColumn.kind: NumberColumn,
    CategoryColumn.kind: CategoryColumn,
}


def column_to_json(column: Column) -> dict[str, Any]:
    return {"kind": column.kind, **dataclasses.asdict(column)}


def _unit_of_long_tail(values: Numbers) -> float | None:
    largest = np.abs(values).max()
    if largest == 0 or values.min() == values.max():
        return None
    if abs(skew(values / largest)) < SKEWED and largest < 1e100:
        return None
    return max(float(np.median(np.abs(values[values != 0]))), float(largest) * SMALLEST_UNIT)


def _moved(values: Numbers, unit: float | None) -> Numbers:
    if unit is None:
        return values
    with np.errstate(over="ignore"):
        return np.sign(values) * np.log1p(np.abs(values) / unit)
