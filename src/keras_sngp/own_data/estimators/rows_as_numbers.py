"""Rows as scikit-learn's users have them, in arrays or in data frames, as numbers for a network."""

import dataclasses
from typing import Any, Self

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.utils import assert_all_finite, check_array, check_consistent_length, column_or_1d
from sklearn.utils.validation import validate_data

from keras_sngp._tables.blocks import BadRow
from keras_sngp.own_data.inputs import TableSchema, infer_schema

Numbers = npt.NDArray[np.float64]
Encoded = npt.NDArray[np.float32]
Labels = npt.NDArray[Any]


@dataclasses.dataclass(frozen=True)
class ArrayRows:
    """Arrays of finite numbers, standardised.

    Attributes:
        center: Mean of each column.
        spread: Standard deviation, or 1 where that is 0.
    """

    center: Numbers
    spread: Numbers

    @staticmethod
    def check_training(estimator: Any, X: Any, y: Any) -> tuple[Numbers, Labels]:
        """Rows and labels that passed scikit-learn's checks, which set the estimator's number and names of features."""
        rows, labels = validate_data(estimator, X, y, dtype="float64")
        return rows, labels

    @staticmethod
    def check(estimator: Any, X: Any) -> Numbers:
        rows: Numbers = validate_data(estimator, X, dtype="float64", reset=False)
        return rows

    @classmethod
    def learn(cls, x: Numbers, weights: Numbers) -> Self:
        center = np.average(x, axis=0, weights=weights)
        spread = np.sqrt(np.average((x - center) ** 2, axis=0, weights=weights))
        return cls(center, np.where(spread > 0, spread, 1.0))

    @property
    def width(self) -> int:
        return len(self.center)

    def encode(self, x: Numbers) -> Encoded:
        return np.clip((x - self.center) / self.spread, -1e6, 1e6).astype("float32")


@dataclasses.dataclass(frozen=True)
class FrameRows:
    """Data frames of numbers, words, dates and missing cells, by the schema that is learned from them.

    Attributes:
        names: All columns in order, by which an array in place of a frame is understood.
        schema: The columns that are used, and how.
    """

    names: tuple[str, ...]
    schema: TableSchema

    @staticmethod
    def check_training(estimator: Any, X: Any, y: Any) -> tuple[pa.Table, Labels]:
        X, y = validate_data(estimator, X, y, skip_check_array=True)
        table, labels = _table_of_frame(X), column_or_1d(y, warn=True)
        assert_all_finite(labels, input_name="y")
        check_consistent_length(table, labels)
        return table, labels

    def check(self, estimator: Any, X: Any) -> pa.Table:
        X = validate_data(estimator, X, skip_check_array=True, reset=False)
        return _table_of_frame(X) if is_data_frame(X) else self._table_of_array(X)

    @classmethod
    def learn(cls, table: pa.Table, weights: Numbers) -> Self:
        """Columns of a categorical type are categories, whatever is in them. The weights do not matter."""
        categories = {field.name: "category" for field in table.schema if pa.types.is_dictionary(field.type)}
        return cls(tuple(table.column_names), infer_schema(table, categories))

    @property
    def width(self) -> int:
        return self.schema.width

    def encode(self, table: pa.Table) -> Encoded:
        rows = self.schema.read(table)
        if rows.bad.any():
            first = int(rows.bad.argmax())
            raise ValueError(f"Expected rows that can be read. Received: {BadRow(first + 1, rows.reasons[first])}")
        return rows.values

    def _table_of_array(self, X: Any) -> pa.Table:
        array = check_array(X, dtype=None, ensure_all_finite=False)
        return pa.table({name: _as_arrow(name, cells) for name, cells in zip(self.names, array.T, strict=True)})


def is_data_frame(X: Any) -> bool:
    """Whether it is a table of pandas, polars, pyarrow or another library that narwhals knows."""
    return nw.dependencies.is_into_dataframe(X)


def _table_of_frame(X: Any) -> pa.Table:
    frame = nw.from_native(X, eager_only=True)
    if not len(frame):
        raise ValueError("Expected at least one row. Received: a data frame of 0 rows")
    return pa.table({str(name): _as_arrow(str(name), frame.get_column(name)) for name in frame.columns})


def _as_arrow(name: str, cells: nw.Series[Any] | npt.NDArray[Any]) -> pa.Array:
    try:
        return cells.to_arrow() if isinstance(cells, nw.Series) else pa.array(cells, from_pandas=True)
    except pa.ArrowException as error:
        raise ValueError(f"Expected cells of one type in column {name!r}. Received: {error}") from error
