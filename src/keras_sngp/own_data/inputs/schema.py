"""Which columns of a table a classifier looks at, and how."""

import dataclasses
import difflib
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from keras_sngp._runtime.json_checks import checked_fields
from keras_sngp._tables.cells import is_cell_type
from keras_sngp.own_data.inputs.columns import KINDS, Column, column_to_json
from keras_sngp.own_data.inputs.encoded_rows import EncodedRows


@dataclasses.dataclass(frozen=True)
class TableSchema:
    """The columns that were learned from training data, and why others were left out.

    Attributes:
        columns: The columns that are used.
        ignored: Why each other column is not, by its name.

    Example:

    >>> from keras_sngp.own_data.inputs import infer_schema
    >>> schema = infer_schema(pa.table({"age": [20, 30, 40], "job": ["cook", "nurse", "cook"]}))
    >>> [column.kind for column in schema.columns], schema.width
    (['number', 'category'], 7)
    >>> unlike = schema.read(pa.table({"age": [25, 500], "job": ["pilot", "cook"]}))
    >>> unlike.values.shape, unlike.reasons
    ((2, 7), ['job unseen', 'age out of range'])
    """

    kind: ClassVar[str] = "table"

    columns: tuple[Column, ...]
    ignored: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def width(self) -> int:
        """How many numbers a row becomes."""
        return sum(column.width for column in self.columns)

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.width,)

    def check(self, names: list[str]) -> None:
        """Raises a ValueError if a table with these columns lacks one that is used."""
        missing = [name for name in self.names if name not in names]
        if missing:
            raise ValueError(
                f"Expected the columns the classifier was trained on. Missing: {', '.join(map(repr, missing))}."
                + _perhaps_renamed(missing, [name for name in names if name not in self.names])
            )

    def read(self, table: pa.Table) -> EncodedRows:
        """The rows as numbers `(rows, width)`, and what is odd about them."""
        self.check(table.column_names)
        columns = [column.read(_cells(table, column.name)) for column in self.columns]
        reasons = [""] * table.num_rows
        for column in columns:
            for note, mask in column.notes.items():
                for row in np.flatnonzero(mask):
                    reasons[row] = f"{reasons[row]}; {note}" if reasons[row] else note
        values = np.concatenate([column.values for column in columns], axis=1)
        return EncodedRows(values, reasons, np.logical_or.reduce([column.bad for column in columns]))

    def to_json(self) -> dict[str, Any]:
        columns = [column_to_json(column) for column in self.columns]
        return {"kind": self.kind, "columns": columns, "ignored": self.ignored}

    def arrays(self) -> dict[str, np.ndarray]:
        return {}

    @classmethod
    def from_json(cls, content: Any, arrays: dict[str, np.ndarray] | None = None) -> "TableSchema":
        """Reads what `to_json` gave, and refuses anything else with a ValueError."""
        fields = checked_fields(content, {"kind": str, "columns": list, "ignored": dict}, "the columns")
        columns = []
        for entry in fields["columns"]:
            kind = KINDS.get(str(entry.get("kind"))) if isinstance(entry, dict) else None
            if kind is None:
                raise ValueError(f"Each column must be of one of the kinds {', '.join(KINDS)}. Received: {entry!r:.80}")
            columns.append(_column_from_json(kind, entry))
        if not columns:
            raise ValueError("Expected at least one column that is used. Received: none")
        return cls(tuple(columns), fields["ignored"])


def _column_from_json(kind: type[Column], entry: dict[str, Any]) -> Column:
    types = {field.name: field.type for field in dataclasses.fields(kind)}
    fields = checked_fields({name: value for name, value in entry.items() if name != "kind"}, types, "a column")
    values: dict[str, Any] = {k: tuple(value) if isinstance(value, list) else value for k, value in fields.items()}
    return kind(**values)


def _cells(table: pa.Table, name: str) -> pa.ChunkedArray:
    column = table[name]
    if not is_cell_type(column.type):
        raise ValueError(f"Expected numbers or words in column {name!r}. Received: {column.type}")
    return column


def _perhaps_renamed(missing: list[str], others: list[str]) -> str:
    close = {name: difflib.get_close_matches(name, others, 1) for name in missing}
    pairs = [f"{name!r} may now be {matches[0]!r}" for name, matches in close.items() if matches]
    return f" {', '.join(pairs)}." if pairs else f" Received: {', '.join(map(repr, others)) or 'no others'}"
