"""How long a user waits for the command's help, and for the import once Keras is there."""

import statistics
import subprocess
import sys
from pathlib import Path

from measuring import main, seconds

COMMAND = Path(sys.executable).with_name("keras-sngp")
IMPORT = "import keras, time; t = time.perf_counter(); import keras_sngp; print(time.perf_counter() - t)"


def start() -> dict[str, float]:
    helped = seconds(lambda: subprocess.run([COMMAND, "--help"], check=True, stdout=subprocess.DEVNULL), repeats=5)
    imports = [float(subprocess.check_output([sys.executable, "-c", IMPORT], text=True)) for _ in range(5)]
    return {"help": helped, "import over Keras": statistics.median(imports)}


main({"start": start})
