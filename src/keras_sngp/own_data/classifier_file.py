"""A classifier as one zip file, which is checked before anything in it is used, and runs no code of its own."""

import dataclasses
import hashlib
import importlib.metadata
import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from keras_sngp._runtime.files import atomic_write, network_to_bytes
from keras_sngp._runtime.json_checks import checked_fields
from keras_sngp.metrics.detectors import Detector
from keras_sngp.own_data.architecture import architecture_from_json, architecture_to_json, make_network
from keras_sngp.own_data.classifier import Classifier, HeldOut
from keras_sngp.own_data.detection import check_scores, detectors_from_arrays, detectors_to_arrays
from keras_sngp.own_data.inputs import Inputs, inputs_from_json

FORMAT, VERSION = "keras-sngp classifier", 2
# Version 1 had no detectors, and no scores of held-out rows but Dempster-Shafer.
READABLE_VERSIONS = (1, VERSION)
MANIFEST, DESCRIPTION, NETWORK = "manifest.json", "classifier.json", "network.keras"
INPUTS, HELD_OUT, DETECTORS = "inputs.npz", "held_out.npz", "detectors.npz"
CONTENTS = (DESCRIPTION, INPUTS, NETWORK, HELD_OUT)
OPTIONAL = (DETECTORS,)
SCORE = "score/"
NETWORK_WEIGHTS = "model.weights.h5"
MOST_DESCRIPTION = 64 << 20
MOST_UNPACKED = 8 << 30
DESCRIPTION_FIELDS = {
    "inputs": dict,
    "class_names": tuple[str, ...],
    "label": str,
    "architecture": dict,
    "training": dict,
    "versions": dict,
}
PACKAGES = ("keras-sngp", "keras", "numpy", "pyarrow")


def save_classifier(classifier: Classifier, path: Path) -> None:
    """Writes a classifier to one file, which appears only once it is whole."""
    parts = {
        DESCRIPTION: json.dumps(_description(classifier), indent=1, allow_nan=False).encode(),
        INPUTS: _array_bytes(classifier.inputs.arrays()),
        NETWORK: network_to_bytes(classifier.network),
        HELD_OUT: _array_bytes(_held_out_arrays(classifier.held_out)),
    }
    if classifier.detectors:
        parts[DETECTORS] = _array_bytes(detectors_to_arrays(classifier.detectors))
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "files": {name: {"size": len(part), "sha256": _hash(part)} for name, part in parts.items()},
    }
    with atomic_write(path) as temporary, zipfile.ZipFile(temporary, "w") as file:
        for name, part in {MANIFEST: json.dumps(manifest, indent=1).encode(), **parts}.items():
            file.writestr(name, part)


def load_classifier(path: Path) -> Classifier:
    """Reads a classifier, refusing with a ValueError whatever `save_classifier` would not have written.

    The network is built from a few numbers and gets the weights of the file, each of the shape that it must have;
    nothing in the file decides what code runs.
    """
    description, parts = _read(path)
    try:
        inputs = inputs_from_json(description["inputs"], _arrays(parts[INPUTS]))
        architecture = architecture_from_json(description["architecture"])
        class_names = tuple(description["class_names"])
        if (inputs.input_shape, len(class_names)) != (architecture.input_shape, architecture.num_classes):
            raise ValueError("the network does not fit the columns and classes")
        network = make_network(architecture)
        _load_weights(network, parts[NETWORK])
        held_out = _held_out(parts[HELD_OUT], len(class_names))
        detectors = _detectors(parts, network, len(class_names))
    except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is not a classifier that can be used. Received: {error}") from error
    return Classifier(
        inputs, class_names, description["label"], architecture, network, held_out, description["training"], detectors
    )


def describe_file(path: Path) -> tuple[dict[str, Any], Inputs]:
    """What a file says about its classifier, and what that looks at; the network is not built."""
    description, parts = _read(path)
    inputs = inputs_from_json(description["inputs"], _arrays(parts[INPUTS]))
    return {**description, "bytes": {name: len(part) for name, part in parts.items()}}, inputs


def _description(classifier: Classifier) -> dict[str, Any]:
    return {
        "inputs": classifier.inputs.to_json(),
        "class_names": list(classifier.class_names),
        "label": classifier.label,
        "architecture": architecture_to_json(classifier.architecture),
        "training": classifier.training,
        "versions": {package: importlib.metadata.version(package) for package in PACKAGES},
    }


def _array_bytes(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _hash(part: bytes) -> str:
    return hashlib.sha256(part).hexdigest()


def _read(path: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    if not zipfile.is_zipfile(path):
        state = "something else, or a file that was cut off" if path.exists() else "no such file"
        raise ValueError(f"Expected a classifier made by `keras-sngp train` in {path}. Received: {state}")
    try:
        with zipfile.ZipFile(path) as file:
            names = _checked_members(file)
            manifest = _manifest(file.read(MANIFEST), names)
            parts = {name: _checked_part(file, name, manifest["files"][name]) for name in names}
        description = checked_fields(json.loads(parts[DESCRIPTION]), DESCRIPTION_FIELDS, "the description")
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
        raise ValueError(f"{path} is not a classifier that can be used. Received: {error}") from error
    return description, parts


def _checked_members(file: zipfile.ZipFile) -> list[str]:
    names = file.namelist()
    expected = [*CONTENTS, *(name for name in OPTIONAL if name in names)]
    if sorted(names) != sorted([MANIFEST, *expected]):
        raise ValueError(f"files {', '.join(map(repr, sorted(names)))[:200]} where others were expected")
    sizes = {member.filename: member.file_size for member in file.infolist()}
    if sum(sizes.values()) > MOST_UNPACKED or max(sizes[MANIFEST], sizes[DESCRIPTION]) > MOST_DESCRIPTION:
        raise ValueError(f"files of an absurd size: {sizes}")
    return expected


def _manifest(content: bytes, names: list[str]) -> dict[str, Any]:
    manifest = json.loads(content)
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ValueError("a zip file of something else")
    if manifest.get("version") not in READABLE_VERSIONS:
        raise ValueError(
            f"version {manifest.get('version')!r} of the format where at most {VERSION} was expected; "
            "a newer keras-sngp may have made it"
        )
    files = checked_fields(manifest.get("files"), dict.fromkeys(names, dict), "the list of files")
    for name in names:
        checked_fields(files[name], {"size": int, "sha256": str}, name)
    return manifest


def _checked_part(file: zipfile.ZipFile, name: str, expected: dict[str, Any]) -> bytes:
    if file.getinfo(name).file_size != expected["size"]:
        raise ValueError(f"{name} of another size than was written")
    part = file.read(name)
    if _hash(part) != expected["sha256"]:
        raise ValueError(f"{name} that was changed after it was written")
    return part


def _load_weights(network: Any, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(io.BytesIO(content)) as file:
        if file.getinfo(NETWORK_WEIGHTS).file_size > MOST_UNPACKED:
            raise ValueError("weights of an absurd size")
        weights = Path(folder, NETWORK_WEIGHTS)
        weights.write_bytes(file.read(NETWORK_WEIGHTS))
        with h5py.File(weights, "r") as arrays:
            _check_self_contained(arrays)
        network.load_weights(weights)
    for weight in network.weights:
        if not np.isfinite(keras.ops.convert_to_numpy(weight)).all():
            raise ValueError(f"weights that are not finite in {weight.path}")


def _check_self_contained(group: h5py.Group) -> None:
    """HDF5 may refer to data in other files, which a stranger's file must not."""
    for name in group:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise ValueError(f"weights that refer to other places: {name!r}")
        item = group[name]
        if isinstance(item, h5py.Group):
            _check_self_contained(item)
        elif item.external or item.is_virtual:
            raise ValueError(f"weights in other files: {name!r}")


def _arrays(content: bytes) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)


def _held_out_arrays(held_out: HeldOut) -> dict[str, np.ndarray]:
    arrays = {field.name: getattr(held_out, field.name) for field in dataclasses.fields(held_out)}
    return arrays | {f"{SCORE}{name}": values for name, values in arrays.pop("scores").items()}


def _held_out(content: bytes, num_classes: int) -> HeldOut:
    arrays = _arrays(content)
    scores = {name.removeprefix(SCORE): arrays.pop(name) for name in list(arrays) if name.startswith(SCORE)}
    held_out = HeldOut(**arrays, scores=scores)
    rows = len(held_out.labels)
    check_scores(scores, rows)
    of_rows = {held_out.variance.shape, held_out.dempster_shafer.shape}
    if held_out.probabilities.shape != (rows, num_classes) or of_rows != {(rows,)}:
        raise ValueError("held-out rows of shapes that do not belong together")
    return held_out


def _detectors(parts: dict[str, bytes], network: Any, num_classes: int) -> dict[str, Detector]:
    if DETECTORS not in parts:
        return {}
    return detectors_from_arrays(_arrays(parts[DETECTORS]), network.backbone.output_shape[-1], num_classes)
