"""Adult: census income above or below 50,000 dollars, 14 mixed columns (Becker and Kohavi 1996, CC BY 4.0)."""

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.data.local_or_download import PublicFile, local_or_download, read_checked, require

if TYPE_CHECKING:
    import pyarrow as pa

SOURCE = "https://archive.ics.uci.edu/ml/machine-learning-databases/adult/"
FILES = {
    "train": PublicFile(
        "adult.data",
        f"{SOURCE}adult.data",
        "sha256:5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d",
    ),
    "test": PublicFile(
        "adult.test",
        f"{SOURCE}adult.test",
        "sha256:a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05",
    ),
}
ROWS = {"train": 32_561, "test": 16_281}
LABEL = "income"
LABELS = ("<=50K", ">50K")
COLUMNS = {
    "age": "int64",
    "workclass": "string",
    "fnlwgt": "int64",
    "education": "string",
    "education_num": "int64",
    "marital_status": "string",
    "occupation": "string",
    "relationship": "string",
    "race": "string",
    "sex": "string",
    "capital_gain": "int64",
    "capital_loss": "int64",
    "hours_per_week": "int64",
    "native_country": "string",
    LABEL: "string",
}


@dataclasses.dataclass(frozen=True)
class Adult:
    """Tables with the label in the column `income`, `<=50K` or `>50K`; missing values are null."""

    train: "pa.Table"
    test: "pa.Table"


def load(data_dir: str | os.PathLike | None = None) -> Adult:
    """Reads `train.csv.gz` and `test.csv.gz`, or the published `adult.data` and `adult.test`, or downloads the latter.

    Example:

        census = benchmarks.data.adult.load("my-data")
        census.train.column("age")

    Raises:
        ValueError: A file is truncated, or has other columns or labels.
        FileNotFoundError, OSError: A file is missing; see `local_or_download`.
    """
    return Adult(*(_load_part(part, data_dir) for part in ("train", "test")))


def _load_part(part: str, data_dir: str | os.PathLike | None) -> "pa.Table":
    path = local_or_download("adult", [f"{part}.csv.gz", FILES[part].name], FILES[part], data_dir)
    expected = f"{ROWS[part]:,} rows of Adult with the columns {', '.join(COLUMNS)}"
    return read_checked(path, expected, lambda file: _read(file, ROWS[part]))


def _read(path: Path, rows: int) -> "pa.Table":
    table = _read_published(path) if path.name.startswith("adult.") else _read_csv(path)
    require(table.column_names == list(COLUMNS), f"the columns {', '.join(table.column_names)}")
    require(table.num_rows == rows, f"{table.num_rows:,} rows")
    labels = set(table.column(LABEL).to_pylist())
    require(labels == set(LABELS), f"the labels {sorted(map(str, labels))}")
    return table


def _read_csv(path: Path, **options) -> "pa.Table":
    import pyarrow as pa
    from pyarrow import csv

    types = {name: pa.type_for_alias(alias) for name, alias in COLUMNS.items()}
    conversion = csv.ConvertOptions(column_types=types, strings_can_be_null=True, null_values=["", "?"])
    return csv.read_csv(path, convert_options=conversion, **options)


def _read_published(path: Path) -> "pa.Table":
    """`adult.data` has no header and a blank last line, `adult.test` a comment first, both a blank after each comma,
    and the labels of `adult.test` end in a full stop."""
    import pyarrow as pa
    from pyarrow import csv

    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [line.rstrip(".").replace(", ", ",") for line in lines if line and not line.startswith("|")]
    return _read_csv(
        pa.BufferReader("\n".join(rows).encode()), read_options=csv.ReadOptions(column_names=list(COLUMNS))
    )
