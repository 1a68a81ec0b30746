"""Us and others at the same work, in turn: docs/speed.md, benchmarks/speed/results.json.

    python -m benchmarks.speed.run                             # all, an hour and a half on two cores
    python -m benchmarks.speed.run --only grid --rounds 1

Each measurement is a process of its own. In each round all subjects of a work have their turn, so that whatever else
the machine does meets all alike.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.results import read_results, write_results
from benchmarks.speed.environments import FOLDER, REQUIREMENTS, ROOT, python_of, versions_of
from benchmarks.speed.moons import DATA
from benchmarks.speed.tables import RESULTS, goal_rows
from benchmarks.speed.works import OURS, WHOLE, WORKS, Subject, Work
from benchmarks.tables import fill_pages
from keras_sngp import two_moons

PACKAGES = ("keras-sngp", "keras", "jax", "tensorflow", "torch", "tf-keras", "numpy", *REQUIREMENTS)


def _command(subject: Subject, work: str, output: Path) -> list[Any]:
    python = python_of(subject.environment)
    if work == "moons" and subject.module == "ours_two_moons":
        return [Path(python).with_name("keras-sngp"), "moons", "--output", output]
    return [python, "-m", f"benchmarks.speed.{subject.module}", work, output]


def measure(subject: Subject, work: str) -> Any:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": subject.backend}
    output = FOLDER / "moons" / subject.environment
    output.mkdir(parents=True, exist_ok=True)
    command = _command(subject, work, output)
    started = time.perf_counter()
    ended = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    taken = time.perf_counter() - started
    if ended.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{ended.stderr[-3000:]}")
    return {WHOLE: taken} if work == "moons" else json.loads(ended.stdout.splitlines()[-1])


def measured(work: Work, rounds: int) -> dict[str, list[dict]]:
    """Records of a work, as they are in the results: when it was measured, and what."""
    for subject in work.subjects.values():
        python_of(subject.environment)
    before, measures, growth = os.getloadavg()[0], [], []
    for number in range(rounds):
        for name, subject in work.subjects.items():
            found = measure(subject, work.name)
            print(f"{work.name}, {name}, {number + 1} of {rounds}: {found}", flush=True)
            if work.name == "growth":
                growth = [{"work": work.name, **record} for record in found]
            else:
                measures.append({"work": work.name, "subject": name, "round": number, **found})
    load = {"load before": before, "load after": os.getloadavg()[0]}
    when = {"work": work.name, "date": datetime.date.today().isoformat(), **load}
    return {"works": [when], "measures": measures, "growth": growth}


def merged(results: dict[str, Any], work: Work, new: dict[str, list[dict]]) -> dict[str, Any]:
    """The results with the records of a work in place of its older ones, in the order of the page."""
    order = {one.name: place for place, one in enumerate(WORKS)}
    kept = {part: [one for one in results.get(part, []) if one["work"] != work.name] for part in new}
    parts = {part: sorted([*kept[part], *new[part]], key=lambda one: order[one["work"]]) for part in new}
    return {"machine": machine(), **parts}


def machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "processor": platform.machine(),
        "python": platform.python_version(),
        "versions": {name: versions_of(name, PACKAGES) for name in (OURS, *REQUIREMENTS)},
    }


def write_data() -> None:
    DATA.parent.mkdir(parents=True, exist_ok=True)
    x, y = two_moons.make_training_data()
    np.savez(DATA, x=x, y=y, grid=two_moons.make_testing_grid())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [work.name for work in WORKS]
    parser.add_argument("--only", choices=names, action="append", help="this work; the others stay as they are")
    parser.add_argument("--rounds", type=int, help="how often, in place of what works.py says")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the file; for another one no page is filled")
    options = parser.parse_args()
    write_data()
    results = read_results(options.results)
    for work in WORKS:
        if work.name in (options.only or names):
            results = merged(results, work, measured(work, options.rounds or work.rounds))
            write_results(options.results, results)
    for row in goal_rows(results):
        print("".join(f"{cell:<50}" if column == 0 else f"{cell:>26}" for column, cell in enumerate(row)))
    if options.results == RESULTS:
        fill_pages()


if __name__ == "__main__":
    main()
