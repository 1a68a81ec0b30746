"""NPZ files of NumPy arrays."""

import zipfile
from pathlib import Path

import numpy as np

from keras_sngp.deferral import Expert
from keras_sngp.report.column_names import find_columns
from keras_sngp.report.label_numbers import LabelNumbers
from keras_sngp.report.output_blocks import block_probabilities
from keras_sngp.report.prediction_table import ColumnWishes, PredictionTable

CLASS_NAMES = "class_names"


def read_npz(path: Path, name: str, wishes: ColumnWishes) -> PredictionTable:
    """Reads predictions from an NPZ file: probabilities or logits `(rows, classes)`, labels, and so on by name."""
    if not zipfile.is_zipfile(path):
        raise ValueError("Expected a whole NPZ file, as numpy.savez writes it. Received: something else, or cut off")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return _read(arrays, name, wishes)
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise ValueError(f"Expected a whole NPZ file of arrays. Received: {error}") from error


def _read(arrays: np.lib.npyio.NpzFile, name: str, wishes: ColumnWishes) -> PredictionTable:
    columns = find_columns([key for key in arrays.files if key != CLASS_NAMES], wishes)
    outputs = _outputs(arrays, columns.outputs)
    probabilities = block_probabilities(outputs, columns.logits, 0)
    class_names = [str(k) for k in arrays[CLASS_NAMES]] if CLASS_NAMES in arrays.files else list(columns.class_names)
    class_names = class_names or [str(k) for k in range(probabilities.shape[1])]
    if len(class_names) != probabilities.shape[1]:
        raise ValueError(
            f"Expected a name for each of {probabilities.shape[1]} classes in {CLASS_NAMES!r}. "
            f"Received: {len(class_names)}"
        )
    read = _Arrays(arrays, len(probabilities))
    labels = None
    if columns.label:
        labels = LabelNumbers(class_names, "labels").of(read.vector(columns.label))
    variance = None
    if columns.variance:
        variance = arrays[columns.variance]
        variance = read.numbers(columns.variance, variance.mean(axis=1) if variance.ndim == 2 else variance)
    uncertainty = read.numbers(columns.uncertainty, arrays[columns.uncertainty]) if columns.uncertainty else None
    expert = None
    if columns.expert:
        expert = _expert(read, arrays, columns.expert, class_names)
    return PredictionTable(name, class_names, probabilities, labels, variance, uncertainty, expert)


def _outputs(arrays: np.lib.npyio.NpzFile, names: tuple[str, ...]) -> np.ndarray:
    outputs = arrays[names[0]] if len(names) == 1 else np.column_stack([arrays[name] for name in names])
    outputs = outputs[:, None] if outputs.ndim == 1 else outputs
    if outputs.ndim != 2 or outputs.dtype.kind not in "iuf" or 0 in outputs.shape:
        raise ValueError(
            f"Expected numbers (rows, classes) with at least one row in {names[0]!r}. "
            f"Received: shape {outputs.shape}, dtype {outputs.dtype}"
        )
    return outputs if outputs.dtype in (np.float32, np.float64) else outputs.astype("float64")


class _Arrays:
    """Arrays that must have as many rows as the outputs."""

    def __init__(self, arrays: np.lib.npyio.NpzFile, rows: int):
        self._arrays = arrays
        self._rows = rows

    def vector(self, name: str, values: np.ndarray | None = None) -> np.ndarray:
        values = self._arrays[name] if values is None else values
        if values.shape != (self._rows,):
            raise ValueError(
                f"Expected one value for each of {self._rows} rows in {name!r}. Received: shape {values.shape}"
            )
        return values

    def numbers(self, name: str, values: np.ndarray) -> np.ndarray:
        values = self.vector(name, values)
        if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
            raise ValueError(f"Expected finite numbers in {name!r}. Received: dtype {values.dtype}, or NaN")
        return values.astype("float64")


def _expert(read: _Arrays, arrays: np.lib.npyio.NpzFile, names: tuple[str, ...], class_names: list[str]) -> Expert:
    values = arrays[names[0]] if len(names) == 1 else np.column_stack([arrays[name] for name in names])
    if values.ndim == 1:
        answers = LabelNumbers(class_names, "expert's answers").of(read.vector(names[0], values))
        return Expert.from_answers(answers, len(class_names))
    expected = (read._rows, len(class_names))
    if values.shape != expected:
        raise ValueError(f"Expected votes of the shape {expected} in {names[0]!r}. Received: shape {values.shape}")
    return Expert.from_votes(values)
