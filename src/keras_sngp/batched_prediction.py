"""`predict` for models that belong to us and to others, with checked inputs and nothing lost on an error."""

from typing import Any

import keras

from keras_sngp.input_checks import check_inputs, is_array_like
from keras_sngp.jax_weights import weights_kept_on_error
from keras_sngp.sharing_rows import EvenBatches, jax_processes, parts_of_a_batch

ROWS_A_BATCH = 1024


def predict_in_batches(
    model: keras.Model,
    x: Any,
    batch_size: int | None,
    verbose: str | int,
    shape_of: keras.Model | None = None,
) -> Any:
    """Runs `model.predict` on whatever it takes.

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
    with weights_kept_on_error(model):
        outputs = model.predict(x, batch_size=batch_size, verbose=verbose)
    return keras.tree.map_structure(lambda output: output[:rows], outputs)


def _check_one_process() -> None:
    if jax_processes() > 1:
        raise ValueError(
            "Predictions are made by each process alone: save the model, call "
            f"keras.distribution.set_distribution(None) and load it. Received: one model in {jax_processes()} processes"
        )
