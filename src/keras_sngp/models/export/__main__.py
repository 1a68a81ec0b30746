"""The second process of an export: `python -m keras_sngp.models.export FOLDER`, with the request in the folder."""

import importlib
import pickle
import sys
from pathlib import Path

import keras

from keras_sngp.models.export.export import export_model
from keras_sngp.models.export.other_backend import MODEL, REQUEST


def run_request(folder: Path) -> None:
    """Exports the model of a request."""
    request = pickle.loads((folder / REQUEST).read_bytes())
    for name in request["modules"]:
        importlib.import_module(name)
    export_model(keras.saving.load_model(folder / MODEL), **request["arguments"])


if __name__ == "__main__":
    run_request(Path(sys.argv[1]))
