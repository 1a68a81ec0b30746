"""`predict` for models that belong to us and to others, with checked inputs and nothing lost on an error."""

from typing import Any

import keras
import numpy as np

from keras_sngp.input_checks import check_inputs, is_array_like
from keras_sngp.jax_batch_program import predict_on_batch
from keras_sngp.jax_weights import weights_kept_on_error
from keras_sngp.sharing_rows import EvenBatches, jax_processes, parts_of_a_batch

ROWS_A_BATCH = 1024
BATCHES_AT_ONCE = 2


def predict_in_batches(
    model: keras.Model,
    x: Any,
    batch_size: int | None,
    verbose: str | int,
    shape_of: keras.Model | None = None,
) -> Any:
    """What `model.predict` gives, on whatever it takes.

    Arrays go batch by batch, which takes a tenth of the time for a row and leaves the weights in the model. JAX begins
    a batch before it has finished the one before.

    Args:
        model: The model to run.
        x: Arrays, or a data set that comes in batches.
        batch_size: Rows a batch for arrays; None for 1024.
        verbose: As in `keras.Model.predict`.
        shape_of: The model that knows the input's shape, where it is not `model` itself.

    Raises:
        ValueError: arrays that are empty, not finite, or of another shape than the model was built for.
    """
    check_inputs(x, shape_of or model)
    rows = None
    batch_size = (batch_size or ROWS_A_BATCH) if is_array_like(x) else None
    if batch_size and (parts := parts_of_a_batch(model)):
        _check_one_process()
        x = EvenBatches(x, None, batch_size, parts)
        rows, batch_size = x.rows, None
    if batch_size and _are_arrays(x):
        return _predict_arrays(model, x, batch_size, verbose)
    with weights_kept_on_error(model):
        outputs = model.predict(x, batch_size=batch_size, verbose=verbose)
    return keras.tree.map_structure(lambda output: output[:rows], outputs)


def _check_one_process() -> None:
    if jax_processes() > 1:
        raise ValueError(
            "Predictions are made by each process alone: save the model, call "
            f"keras.distribution.set_distribution(None) and load it. Received: one model in {jax_processes()} processes"
        )


def _are_arrays(x: Any) -> bool:
    """Whether no conversion is needed that is Keras's to do, as of data frames and lists."""
    return all(isinstance(leaf, np.ndarray) and leaf.dtype.kind in "fiub" for leaf in keras.tree.flatten(x))


def _predict_arrays(model: keras.Model, x: Any, batch_size: int, verbose: str | int) -> Any:
    rows = len(keras.tree.flatten(x)[0])
    starts = range(0, rows, batch_size)
    bar = keras.utils.Progbar(len(starts), verbose=int(verbose == "auto" or verbose)) if verbose else None
    parts: list[Any] = []
    running: list[tuple[Any, int]] = []
    for number, start in enumerate(starts):
        running.append(_begin_rows(model, x, np.arange(start, min(start + batch_size, rows)), batch_size))
        if len(running) == BATCHES_AT_ONCE:
            parts.append(_finished(*running.pop(0)))
        if bar:
            bar.update(number + 1)
    parts += [_finished(*last) for last in running]
    return parts[0] if len(parts) == 1 else keras.tree.map_structure(lambda *outputs: np.concatenate(outputs), *parts)


def _begin_rows(model: keras.Model, x: Any, places: np.ndarray, batch_size: int) -> tuple[Any, int]:
    """Fills a short batch up to the next power of two, so that few sizes are compiled, whatever the number of rows."""
    rows = len(places)
    if keras.backend.backend() != "torch":
        filled = min(batch_size, 1 << (rows - 1).bit_length())
        places = np.append(places, np.repeat(places[-1], filled - rows))
    return predict_on_batch(model, keras.tree.map_structure(lambda array: _in_keras_precision(array[places]), x)), rows


def _finished(outputs: Any, rows: int) -> Any:
    return keras.tree.map_structure(lambda output: np.array(output)[:rows], outputs)


def _in_keras_precision(array: np.ndarray) -> np.ndarray:
    return array.astype(keras.config.floatx(), copy=False) if array.dtype.kind == "f" else array
