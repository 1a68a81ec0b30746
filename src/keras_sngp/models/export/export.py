"""Trained models as programs that run without Keras, with their uncertainty."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from keras_sngp._runtime.files import atomic_folder
from keras_sngp.layers.spectral_normalization import refine_changed
from keras_sngp.models.export.formats import (
    WRITERS,
    missing_packages,
    needed_packages,
    require_packages,
    writing_backend,
)
from keras_sngp.models.export.other_backend import export_with
from keras_sngp.models.export.program import make_program
from keras_sngp.models.predictive_distribution import require_posterior

FORMATS = tuple(WRITERS)
FORMATS_BY_WAY_OF_ONNX = ("onnx", "openvino")
BROADEST_ONNX_BACKEND = "jax"
SUFFIXES = {"litert": ".tflite", "openvino": ".xml"}


def export_model(
    model: keras.Model,
    filepath: str | os.PathLike[str],
    format: str = "tf_saved_model",
    *,
    input_signature: Any = None,
    converter_options: Mapping[str, Any] | None = None,
    verbose: bool = False,
) -> None:
    r"""Writes a model as a program that gives probabilities, logits and variance without Keras.

    The program takes the model's inputs, by name and in any number of rows, and returns three named outputs, in
    one forward pass and with the numbers of `predict_distribution`:

    - `probabilities` `(batch, classes)`: `softmax(m / (T sqrt(1 + lambda v)))`, the mean-field approximation;
    - `logits` `(batch, classes)`: the posterior mean `m`;
    - `variance` `(batch,)`, or `(batch, classes)` with a covariance a class: the posterior variance `v`.

    Formats and the packages they need besides Keras, on each backend:

    | format | result | JAX | TensorFlow | PyTorch |
    |---|---|---|---|---|
    | `"tf_saved_model"` | a folder | tensorflow | tensorflow | tensorflow |
    | `"onnx"` | a file | onnx, jax2onnx, Keras 3.15 | onnx, tf2onnx | onnx |
    | `"litert"` | a `.tflite` file | tensorflow | tensorflow | tensorflow |
    | `"openvino"` | `.xml` and `.bin` | openvino and those of ONNX | likewise | likewise |

    From PyTorch, TensorFlow programs are made by a second Python process, which loads the saved model with the
    TensorFlow backend. Likewise, JAX makes ONNX programs of models that the converters of PyTorch (layer
    normalisation) or TensorFlow (exact GELU) cannot express. Layers of your own must then be registered, in a module
    that can be imported.

    The spectral norms of `SpectralNormalization` layers are settled once (`refine`). The program still scales their
    kernels at each call, unless its runtime does so once; `keras_sngp.fold(model)` does it beforehand.

    Args:
        model: A Keras model with one `RandomFeatureGaussianProcess` layer, whose posterior is fitted.
        filepath: What to write. An earlier export there is replaced, once the new one is complete.
        format: `"tf_saved_model"`, `"onnx"`, `"litert"` or `"openvino"`.
        input_signature: As in `keras.Model.export`; by default read from the model.
        converter_options: Options of the format's converter, by name: those of `keras.Model.export` (for ONNX
            `{"opset_version": 18}`), attributes of `tf.lite.TFLiteConverter` for LiteRT, arguments of
            `openvino.save_model` for OpenVINO.
        verbose: Whether to print where the program was saved.

    Raises:
        ValueError: an unknown format, no fitted posterior, layers that a converter cannot express, a wrong suffix.
        ImportError: a package that the format needs is not installed.
        FileExistsError: a folder is there already, and it is no SavedModel.

    Example:

    >>> export_model(model, folder / "moons")
    >>> sorted(path.name for path in (folder / "moons").iterdir())
    ['assets', 'fingerprint.pb', 'saved_model.pb', 'variables']

    >>> import tensorflow as tf  # doctest: +SKIP
    >>> program = tf.saved_model.load("moons")  # doctest: +SKIP
    >>> program.serve(x)["variance"]  # doctest: +SKIP

    Reference: the formula of the probabilities is that of Liu et al. 2020, arXiv:2006.10108, section 3.1.
    """
    path, options = Path(filepath), dict(converter_options or {})
    _check_format(format, path)
    require_posterior(model)
    refine_changed(model)
    backend = writing_backend(format)
    require_packages(format, needed_packages(format, backend))
    with atomic_folder(path) as temporary:
        if backend != keras.backend.backend():
            export_with(backend, model, temporary, format, input_signature, options)
        else:
            _write(model, temporary, format, input_signature, options)
    if verbose:
        print(f"Saved the program in format {format!r} at {str(path)!r}.")


def _write(model: keras.Model, path: Path, format: str, input_signature: Any, options: Mapping[str, Any]) -> None:
    try:
        WRITERS[format](*make_program(model, input_signature), path, options)
    except Exception as error:
        if format not in FORMATS_BY_WAY_OF_ONNX or keras.backend.backend() == BROADEST_ONNX_BACKEND:
            raise
        if missing := missing_packages(("jax", *needed_packages(format, BROADEST_ONNX_BACKEND))):
            raise ValueError(
                f"The ONNX converter of the {keras.backend.backend()} backend cannot write this model. The one of JAX "
                f"may: pip install {' '.join(missing)}. Received: {type(error).__name__}: {str(error)[:500]}"
            ) from error
        export_with(BROADEST_ONNX_BACKEND, model, path, format, input_signature, options)


def _check_format(format: str, path: Path) -> None:
    if format not in FORMATS:
        raise ValueError(f"`format` must be one of {', '.join(FORMATS)}. Received: {format!r}")
    suffix = SUFFIXES.get(format, path.suffix)
    if path.suffix != suffix:
        raise ValueError(f"`filepath` must end in {suffix} for the format {format!r}. Received: {str(path)!r}")
    if not path.is_dir():
        return
    if format != "tf_saved_model":
        raise FileExistsError(
            f"`filepath` must be a file for the format {format!r}. Received: the folder {str(path)!r}"
        )
    if any(path.iterdir()) and not (path / "saved_model.pb").exists():
        raise FileExistsError(
            f"Only a SavedModel or an empty folder is replaced. Received: {str(path)!r}, a folder with other files"
        )
