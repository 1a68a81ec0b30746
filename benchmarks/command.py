"""The command in a process of its own, with what it takes."""

import os
import subprocess
import sys
import time
from pathlib import Path

COMMAND = (sys.executable, "-c", "from keras_sngp_cli.main import main; main()")


def output_of(*arguments: str | Path) -> str:
    return subprocess.run([*COMMAND, *map(str, arguments)], check=True, text=True, stdout=subprocess.PIPE).stdout


def seconds_and_megabytes(*arguments: str | Path) -> tuple[float, float]:
    """Seconds, and the largest resident memory."""
    started = time.perf_counter()
    process = subprocess.Popen([*COMMAND, *map(str, arguments)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"Expected the command to succeed. Received: status {status}")
    return time.perf_counter() - started, usage.ru_maxrss * 1024 / 1e6
