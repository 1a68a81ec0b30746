"""CIFAR images from the Parquet files in which Hugging Face keeps image data sets."""

import io
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
from PIL import Image


def load_images(*files: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images `(rows, 32, 32, 3)` as uint8 and their labels `(rows,)`, in the order of the files."""
    images, labels = [], []
    for file in files:
        table = parquet.read_table(file, columns=["image", "label"])
        for image in table.column("image"):
            images.append(np.asarray(Image.open(io.BytesIO(image["bytes"].as_py())).convert("RGB")))
        labels.append(table.column("label").to_numpy())
    return np.stack(images), np.concatenate(labels)


def load_class_names(file: Path) -> list[str]:
    """Class names in the order of the labels."""
    metadata = parquet.read_schema(file).metadata or {}
    return json.loads(metadata[b"label_names"]) if b"label_names" in metadata else []
