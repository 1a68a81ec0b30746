"""Us and others at the same work, in turn: docs/speed.md, benchmarks/speed/results.json.

    python benchmarks/speed/run.py                             # all, an hour and a half on two cores
    python benchmarks/speed/run.py --only grid --rounds 1

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

import numpy as np
from environments import FOLDER, OURS, REQUIREMENTS, python_of, versions_of
from growth_picture import draw
from measuring import DATA
from speed_page import PAGE, RESULTS, render, show
from works import WHOLE, WORKS, Subject, Work

from keras_sngp import two_moons

HERE = Path(__file__).parent
PACKAGES = ("keras-sngp", "keras", "jax", "tensorflow", "torch", "tf-keras", "numpy", *REQUIREMENTS)


def measure(subject: Subject, work: str) -> dict[str, float]:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **subject.variables}
    argument = str(FOLDER / "moons" / subject.environment) if work == "moons" else work
    command = [str(python_of(subject.environment)), str(HERE / subject.script), argument]
    started = time.perf_counter()
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    taken = time.perf_counter() - started
    if ended.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{ended.stderr[-3000:]}")
    if work == "moons":
        return {WHOLE: taken}
    return json.loads(ended.stdout.splitlines()[-1])


def measure_rounds(work: Work, rounds: int) -> dict:
    """What each subject measured, a list over rounds."""
    for subject in work.subjects.values():
        python_of(subject.environment)
    load = [os.getloadavg()[0]]
    found: dict[str, list] = {name: [] for name in work.subjects}
    for number in range(rounds):
        for name, subject in work.subjects.items():
            found[name].append(measure(subject, work.name))
            print(f"{work.name}, {name}, {number + 1} of {rounds}: {found[name][-1]}", flush=True)
    load.append(os.getloadavg()[0])
    return {"date": datetime.date.today().isoformat(), "load": load, "subjects": found}


def machine() -> dict:
    environments = (OURS, *REQUIREMENTS)
    return {
        "cores": os.cpu_count(),
        "processor": platform.machine(),
        "python": platform.python_version(),
        "versions": {name: versions_of(name, PACKAGES) for name in environments},
    }


def write_data() -> None:
    DATA.parent.mkdir(parents=True, exist_ok=True)
    x, y = two_moons.make_training_data()
    np.savez(DATA, x=x, y=y, grid=two_moons.make_testing_grid())


def main() -> None:
    names = [work.name for work in WORKS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=names, action="append", help="this work; the others stay as they are")
    parser.add_argument("--rounds", type=int, help="how often, in place of what works.py says")
    arguments = parser.parse_args()
    write_data()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"works": {}}
    for work in WORKS:
        if work.name in (arguments.only or names):
            measured = measure_rounds(work, arguments.rounds or work.rounds)
            results["machine"] = machine()
            works = {**results["works"], work.name: measured}
            results["works"] = {name: works[name] for name in names if name in works}
            RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    print(show(results))
    PAGE.write_text(render(results))
    if "growth" in results["works"]:
        draw(results)


if __name__ == "__main__":
    main()
