"""Time and peak memory of `keras-sngp report` on many rows.

    python benchmarks/report_memory.py --rows 1000000 --ending parquet

Writes random predictions of ten classes to a temporary file, runs the command on it in a process of its own, and prints
what it took as JSON.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as arrow_parquet

CLASSES = 10
ROWS_A_BLOCK = 100_000


def write_predictions(path: Path, rows: int) -> None:
    """Overconfident predictions and labels, in single precision, block by block."""
    generator = np.random.default_rng(0)
    writer = None
    for start in range(0, rows, ROWS_A_BLOCK):
        size = min(ROWS_A_BLOCK, rows - start)
        logits = 2 * generator.normal(size=(size, CLASSES))
        labels = (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)
        probabilities = np.exp(1.5 * logits)
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        columns = {f"prob_{k}": probabilities[:, k].astype("float32") for k in range(CLASSES)}
        table = pa.table({**columns, "label": labels})
        if writer is None:
            kind = arrow_csv.CSVWriter if path.suffix == ".csv" else arrow_parquet.ParquetWriter
            writer = kind(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--ending", choices=("parquet", "csv"), default="parquet")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"predictions.{options.ending}"
        write_predictions(path, options.rows)
        code = "from keras_sngp_cli.main import main; main()"
        command = [sys.executable, "-c", code, "report", str(path), "--expert", "0.95", "--output", folder]
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds = time.perf_counter() - started
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        figures = {
            "rows": options.rows,
            "classes": CLASSES,
            "file_megabytes": round(path.stat().st_size / 1e6, 1),
            "seconds": round(seconds, 1),
            "processor_seconds": round(used.ru_utime + used.ru_stime, 1),
            "peak_megabytes": round(used.ru_maxrss * 1024 / 1e6),
            "processors": os.cpu_count(),
        }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
