"""`predict` for models that belong to us and to others, with checked inputs and nothing lost on an error."""

from typing import Any

import keras

from keras_sngp.input_checks import check_inputs, is_array_like
from keras_sngp.jax_weights import weights_kept_on_error

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
    batch_size = (batch_size or ROWS_A_BATCH) if is_array_like(x) else None
    with weights_kept_on_error(model):
        return model.predict(x, batch_size=batch_size, verbose=verbose)
