"""Rows a second and memory of `keras-sngp predict` on a large CSV file: docs/scale.md.

KERAS_BACKEND=jax python -m benchmarks.own_data.predict_many_rows --data-dir FOLDER

Repeats the Adult test rows, numbered, until there are as many as asked for, hands them to the command, and checks the
answers row for row: the numbers are in order, and a repeated row gets the answer it had before. Then it kills the
command half way through and looks at what is left.
"""

import argparse
import importlib.metadata
import json
import os
import subprocess
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow_csv

from benchmarks.command import COMMAND, output_of, seconds_and_megabytes
from benchmarks.data import adult

RESULTS = Path(__file__).with_name("many_rows.json")
TOLERANCE = 1e-5
BYTES_READ_AGAIN = 1 << 24


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data-dir", type=Path, help="folder of the Adult data; downloaded without it")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--work-dir", type=Path, default=Path("build/own_data"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    options.work_dir.mkdir(parents=True, exist_ok=True)
    model, data, answers = (options.work_dir / name for name in ("adult.sngp", "many-rows.csv", "answers.csv"))
    people = adult.load(options.data_dir)
    arrow_csv.write_csv(people.train, options.work_dir / "train.csv")
    output_of("train", options.work_dir / "train.csv", "--label", adult.LABEL, "--output", model)
    test = people.test.drop_columns([adult.LABEL])
    write_repeated(test, options.rows, data)
    predict = ("predict", model, data, "--output", answers, "--id", "row")
    seconds, megabytes = seconds_and_megabytes(*predict)
    figures = {
        "backend": os.environ["KERAS_BACKEND"],
        "cores": os.cpu_count(),
        "rows": options.rows,
        "input_gigabytes": round(data.stat().st_size / 1e9, 2),
        "seconds": round(seconds),
        "rows_a_second": round(options.rows / seconds),
        "peak_megabytes": round(megabytes),
        "answers_in_order": count_answers(answers, test.num_rows),
        "left_after_a_kill": left_after_kill(predict, answers, seconds / 2),
        "versions": {name: importlib.metadata.version(name) for name in ("keras", "keras-sngp", "pyarrow")},
    }
    print(json.dumps(figures, indent=2))
    options.results.write_text(json.dumps(figures, indent=2) + "\n")


def write_repeated(table: pa.Table, rows: int, path: Path) -> None:
    schema = table.schema.insert(0, pa.field("row", pa.int64()))
    with arrow_csv.CSVWriter(path, schema) as writer:
        for start in range(0, rows, len(table)):
            part = table.slice(0, rows - start)
            writer.write_table(part.add_column(0, "row", pa.array(range(start, start + len(part)))))


def count_answers(path: Path, period: int) -> int:
    """How many rows are there, each in its place and with the answer its first copy has."""
    place, first = 0, None
    read_options = arrow_csv.ReadOptions(block_size=BYTES_READ_AGAIN)
    for batch in arrow_csv.open_csv(path, read_options=read_options):
        numbers = batch["row"].to_numpy()
        if not (numbers == range(place, place + len(numbers))).all():
            raise ValueError(f"Expected the rows in order from {place}. Received: {numbers}")
        probabilities = batch["prob_>50K"].to_numpy()
        if first is None:
            first = probabilities[:period]
        if abs(probabilities - first[numbers % period]).max() > TOLERANCE:
            raise ValueError(f"Expected a repeated row to get the same answer. Received: others from row {place} on")
        place += len(numbers)
    return place


def left_after_kill(arguments: tuple[str | Path, ...], answers: Path, after: float) -> list[str]:
    """Names of the files under the final name once the command was killed."""
    answers.unlink()
    process = subprocess.Popen([*COMMAND, *map(str, arguments)])
    time.sleep(after)
    if process.poll() is not None:
        raise RuntimeError("Expected the command to be at work still. Received: it had ended")
    process.kill()
    process.wait()
    return [answers.name] if answers.exists() else []


if __name__ == "__main__":
    main()
