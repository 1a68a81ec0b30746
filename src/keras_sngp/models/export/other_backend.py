"""Programs that the present backend cannot write: a second Python process with another backend does it."""

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from keras_sngp._runtime.keras_internals import layers_of

MODEL, REQUEST = "model.keras", "request.pickle"


def export_with(
    backend: str,
    model: keras.Model,
    path: Path,
    format: str,
    input_signature: Any,
    converter_options: Mapping[str, Any],
) -> None:
    """Saves the model, and has a process with another backend load and export it.

    Raises:
        RuntimeError: the process failed; with its last words.
    """
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder, MODEL))
        modules = {type(layer).__module__ for layer in layers_of(model)}
        request = {
            "modules": sorted(name for name in modules if name != "__main__" and not name.startswith("keras.")),
            "arguments": {
                "filepath": str(path.resolve()),
                "format": format,
                "input_signature": input_signature,
                "converter_options": converter_options,
            },
        }
        Path(folder, REQUEST).write_bytes(pickle.dumps(request))
        environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            [sys.executable, "-m", "keras_sngp.models.export", folder],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(
            f"Exporting to {format!r} needs the model to load with the {backend} backend, where it failed. "
            f"Received: {done.stderr[-2000:]}"
        )
