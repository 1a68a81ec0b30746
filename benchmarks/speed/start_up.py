"""How long a user waits for the command's help and for the import."""

import subprocess
import sys
from pathlib import Path

from measuring import main, seconds

COMMAND = Path(sys.executable).with_name("keras-sngp")


def start() -> dict[str, float]:
    def run(*command: str) -> float:
        return seconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL), repeats=5)

    library, keras = (run(sys.executable, "-c", f"import {name}") for name in ("keras_sngp", "keras"))
    return {"help": run(str(COMMAND), "--help"), "import": library, "import over Keras": library - keras}


main({"start": start})
