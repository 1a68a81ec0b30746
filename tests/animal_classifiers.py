"""A table of animals, and copies of a classifier's file with other contents."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa

from keras_sngp.own_data import classifier_file


def make_table(rows, seed):
    """Three kinds of animals; their weight and coat say which."""
    generator = np.random.default_rng(seed)
    kinds = generator.integers(0, 3, rows)
    return pa.table(
        {
            "weight": 10.0 * kinds + generator.normal(size=rows),
            "coat": np.array(["fur", "wool", "feathers"])[np.where(generator.random(rows) < 0.9, kinds, 0)],
            "noise": generator.normal(size=rows),
            "animal": np.array(["cat", "sheep", "emu"])[kinds],
        }
    )


def changed(saved: Path, change) -> Path:
    """A copy whose files were changed, with a manifest that fits them."""
    with zipfile.ZipFile(saved) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    del parts[classifier_file.MANIFEST]
    change(parts)
    files = {name: {"size": len(part), "sha256": classifier_file._hash(part)} for name, part in parts.items()}
    manifest = {"format": classifier_file.FORMAT, "version": classifier_file.VERSION, "files": files}
    path = saved.with_name("changed.sngp")
    with zipfile.ZipFile(path, "w") as file:
        for name, part in {classifier_file.MANIFEST: json.dumps(manifest).encode(), **parts}.items():
            file.writestr(name, part)
    return path
