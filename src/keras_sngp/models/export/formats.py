"""Writers of exported programs, one a format; which packages each backend needs, imported when they are used."""

import importlib
import importlib.util
import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras

from keras_sngp.models.export.onnx_files import finish
from keras_sngp.models.export.program import OUTPUTS, ExportedProgram

ONNX_CONVERTERS = {"jax": ("jax2onnx",), "tensorflow": ("tf2onnx",)}

# What converters say of their own and of Keras' code, about which a user can do nothing.
WARNINGS_OF_CONVERTERS = (
    "The `native_serialization` parameter is deprecated",
    "In the future `np.object` will be defined",
    "You are using the legacy TorchScript-based ONNX export",
    "The feature will be removed. Please remove usage of this function",
    "Converting a tensor to a Python",
)


def writing_backend(format: str) -> str:
    """The backend that writes a format: the present one, but for TensorFlow programs from PyTorch."""
    present = keras.backend.backend()
    return "tensorflow" if present == "torch" and format in ("tf_saved_model", "litert") else present


def needed_packages(format: str, backend: str) -> tuple[str, ...]:
    """Packages besides Keras that write a format with a backend."""
    onnx = ("onnx", *ONNX_CONVERTERS.get(backend, ()))
    return {"onnx": onnx, "openvino": (*onnx, "openvino")}.get(format, ("tensorflow",))


def missing_packages(needed: tuple[str, ...]) -> list[str]:
    """Those that are not installed."""
    return [name for name in needed if importlib.util.find_spec(name) is None]


def require_packages(format: str, needed: tuple[str, ...]) -> None:
    """Raises an ImportError that says what to install, if some of the needed packages are missing."""
    if missing := missing_packages(needed):
        raise ImportError(
            f"Exporting to {format!r} with the {keras.backend.backend()} backend needs {', '.join(needed)}: "
            f"run `pip install {' '.join(missing)}`. Received: an environment without {', '.join(missing)}"
        )


def write_saved_model(program: ExportedProgram, signature: list[Any], path: Path, options: Mapping[str, Any]) -> None:
    """A TensorFlow SavedModel, with the endpoint `serve` and the signature `serving_default`."""
    _export(program, signature, path, "tf_saved_model", options)


def write_onnx(program: ExportedProgram, signature: list[Any], path: Path, options: Mapping[str, Any]) -> None:
    """One ONNX file."""
    _export(program, signature, path, "onnx", options)
    finish(path, OUTPUTS)


def write_litert(program: ExportedProgram, signature: list[Any], path: Path, options: Mapping[str, Any]) -> None:
    """A LiteRT (TensorFlow Lite) file, by way of a SavedModel."""
    lite = importlib.import_module("tensorflow").lite
    with tempfile.TemporaryDirectory() as folder:
        write_saved_model(program, signature, Path(folder, "saved_model"), {})
        converter = lite.TFLiteConverter.from_saved_model(str(Path(folder, "saved_model")))
        for name, value in options.items():
            if not hasattr(converter, name):
                raise ValueError(f"Options for LiteRT are attributes of tf.lite.TFLiteConverter. Received: {name!r}")
            setattr(converter, name, value)
        path.write_bytes(converter.convert())


def write_openvino(program: ExportedProgram, signature: list[Any], path: Path, options: Mapping[str, Any]) -> None:
    """OpenVINO's `.xml` and `.bin`, by way of ONNX, with weights as they are unless `compress_to_fp16=True`."""
    openvino = importlib.import_module("openvino")
    with tempfile.TemporaryDirectory() as folder:
        write_onnx(program, signature, Path(folder, "program.onnx"), {})
        network = openvino.Core().read_model(str(Path(folder, "program.onnx")))
        openvino.save_model(network, str(path), **{"compress_to_fp16": False, **options})


WRITERS: dict[str, Callable[[ExportedProgram, list[Any], Path, Mapping[str, Any]], None]] = {
    "tf_saved_model": write_saved_model,
    "onnx": write_onnx,
    "litert": write_litert,
    "openvino": write_openvino,
}


def _export(
    program: ExportedProgram, signature: list[Any], path: Path, format: str, options: Mapping[str, Any]
) -> None:
    with warnings.catch_warnings():
        for message in WARNINGS_OF_CONVERTERS:
            warnings.filterwarnings("ignore", message)
        program.export(str(path), format=format, input_signature=signature, verbose=False, **options)
