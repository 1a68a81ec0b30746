"""Clocks and memory meters for modules that run in the environment of whatever they measure."""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

Works = dict[str, Callable[[], dict[str, float]]]


def main(works: Works) -> None:
    """Runs the work named on the command line and prints its measures as the last line."""
    print(json.dumps(works[sys.argv[1]]()))


def seconds(call: Callable[[], object], repeats: int = 7) -> float:
    """Median time of a call, after one that does not count."""
    call()
    return statistics.median(once(call) for _ in range(repeats))


def once(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def peak_megabytes_more(call: Callable[[], object]) -> float:
    """By how much the peak of this process's memory during a call is above its memory before."""
    Path("/proc/self/clear_refs").write_text("5")  # The peak so far is forgotten.
    before = _status("VmRSS")
    call()
    return (_status("VmHWM") - before) / 1024


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{field}:")).split()[1])
