"""Time and peak memory of `keras-sngp report` on many rows: python -m benchmarks.report_memory --rows 1000000

Writes random predictions of ten classes to a temporary file, runs the command on it in a process of its own, and prints
what it took as JSON.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as arrow_parquet
from scipy.special import softmax

from benchmarks.command import seconds_and_megabytes

CLASSES = 10
ROWS_PER_BLOCK = 100_000
WRITERS = {"csv": arrow_csv.CSVWriter, "parquet": arrow_parquet.ParquetWriter}


def write_predictions(path: Path, rows: int) -> None:
    """Overconfident predictions and labels, in single precision, block by block."""
    generator, names = np.random.default_rng(0), [f"prob_{number}" for number in range(CLASSES)]
    schema = pa.schema([*((name, pa.float32()) for name in names), ("label", pa.int64())])
    with WRITERS[path.suffix[1:]](path, schema) as writer:
        for start in range(0, rows, ROWS_PER_BLOCK):
            logits = 2 * generator.normal(size=(min(ROWS_PER_BLOCK, rows - start), CLASSES))
            labels = (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)
            probabilities = softmax(1.5 * logits, axis=1).astype("float32")
            writer.write_table(pa.table([*probabilities.T, labels], schema=schema))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--ending", choices=WRITERS, default="parquet")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"predictions.{options.ending}"
        write_predictions(path, options.rows)
        seconds, megabytes = seconds_and_megabytes("report", path, "--expert", "0.95", "--output", folder)
        figures = {
            "rows": options.rows,
            "classes": CLASSES,
            "file_megabytes": round(path.stat().st_size / 1e6, 1),
            "seconds": round(seconds, 1),
            "peak_megabytes": round(megabytes),
            "processors": os.cpu_count(),
        }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
