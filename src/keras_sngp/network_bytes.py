"""A network as the bytes of a `.keras` file."""

import tempfile
from pathlib import Path

import keras

FILE = "network.keras"


def network_to_bytes(network: keras.Model) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, FILE)
        network.save(path)
        return path.read_bytes()


def network_from_bytes(content: bytes) -> keras.Model:
    """Only for bytes of one's own: the configuration in them says which classes are made."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, FILE)
        path.write_bytes(content)
        return keras.saving.load_model(path)
