"""Clocks and memory meters for scripts that run in the environment of whatever they measure; NumPy at most."""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

DATA = Path(__file__).parents[2] / "build" / "speed" / "two-moons.npz"
BATCH_SIZE, EPOCHS, LEARNING_RATE = 128, 100, 1e-4
LAYERS, UNITS, DROPOUT, BOUND, FEATURES = 6, 128, 0.1, 0.9, 1024
SAMPLES, MEMBERS = 10, 10
STEADY_EPOCHS, SETTLING_EPOCHS = 30, 5


def main(works: dict[str, Callable[[], dict[str, float]]]) -> None:
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


def epoch_times(callback_class: type) -> "object":
    """A Keras callback, of Keras or tf_keras, that notes how long each epoch takes in `seconds`."""

    class EpochTimes(callback_class):
        def __init__(self):
            super().__init__()
            self.seconds = []

        def on_epoch_begin(self, epoch, logs=None):
            self.started = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            self.seconds.append(time.perf_counter() - self.started)

    return EpochTimes()


def step_seconds(epochs: list[float], rows: int, batch_size: int = BATCH_SIZE) -> float:
    """Median time of a training step, once the first epochs have compiled what there is to compile."""
    return statistics.median(epochs[SETTLING_EPOCHS:]) / -(-rows // batch_size)
