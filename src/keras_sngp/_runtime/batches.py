"""Running models batch by batch: checked inputs, programs that are compiled once, nothing lost on an error.

On JAX a batch runs without Keras's bookkeeping of every variable, which takes longer than a small network.
"""

import dataclasses
import inspect
from typing import Any

import keras
import numpy as np

from keras_sngp._runtime.devices import EvenBatches, jax_processes, parts_of_a_batch, strategy_scope
from keras_sngp._runtime.input_checks import check_inputs, is_array_like
from keras_sngp._runtime.keras_internals import (
    layers_inside,
    prediction_program,
    training_program,
    weights_kept_on_error,
)
from keras_sngp._runtime.ops import Tensor

ROWS_PER_BATCH = 1024
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
    batch_size = (batch_size or ROWS_PER_BATCH) if is_array_like(x) else None
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


def predict_on_batch(model: keras.Model, x: Any) -> Any:
    """What `model.predict_on_batch` gives; on JAX as arrays that may still be computed.

    On JAX only variables that the program changes are written back.
    """
    if keras.backend.backend() != "jax" or _is_run_in_a_special_way(model):
        return model.predict_on_batch(x)
    return _program_of(model, x)(x)


def _is_run_in_a_special_way(model: keras.Model) -> bool:
    has_own_step = type(model).predict_step is not keras.Model.predict_step
    return model.run_eagerly or not model.jit_compile or has_own_step or keras.distribution.distribution() is not None


def _program_of(model: keras.Model, x: Any) -> "_BatchProgram":
    """Made anew where Keras would, as after `compile`, and where the model has got other variables."""
    keras_program, variables = prediction_program(model), model.variables
    program = getattr(model, "_batch_program", None)
    if program is None or program.keras_program is not keras_program or not _same(program.variables, variables):
        _build_layers(model, x)
        program = model._batch_program = _BatchProgram(model, keras_program)
    return program


def _build_layers(model: keras.Model, x: Any) -> None:
    if not all(layer.built for layer in layers_inside(model)):
        with keras.StatelessScope():
            model(x)


def _same(some: list[keras.Variable], others: list[keras.Variable]) -> bool:
    return len(some) == len(others) and all(one is other for one, other in zip(some, others, strict=True))


class _BatchProgram:
    def __init__(self, model: keras.Model, keras_program: Any) -> None:
        import jax

        self.model = model
        self.keras_program = keras_program
        self.variables = model.variables
        self.options = {"training": False} if "training" in inspect.signature(model.call).parameters else {}
        self.compiled = jax.jit(self._outputs_and_changes)

    def __call__(self, x: Any) -> Any:
        outputs, changes = self.compiled([variable.value for variable in self.variables], x)
        for number, value in changes.items():
            self.variables[number].assign(value)
        return outputs

    def _outputs_and_changes(self, values: list[Tensor], x: Any) -> tuple[Any, dict[int, Tensor]]:
        with keras.StatelessScope(list(zip(self.variables, values, strict=True))) as scope:
            outputs = self.model(x, **self.options)
        after = [scope.get_current_value(variable) for variable in self.variables]
        return outputs, {number: new for number, new in enumerate(after) if new is not values[number]}


@dataclasses.dataclass(frozen=True)
class _CachedView:
    """Not a list or dictionary, in which Keras would track a model held by its own part in a circle."""

    view: keras.Model
    made_for: tuple[Any, Any]


def cached_view(model: keras.Model, view_class: type[keras.Model]) -> keras.Model:
    """`view_class(model)`, the one made before unless `compile` or another distribution asks for new programs."""
    name = f"_cached{view_class.__name__}"
    made_for = (training_program(model), keras.distribution.distribution())
    kept = getattr(model, name, None)
    if kept is None or any(one is not other for one, other in zip(kept.made_for, made_for, strict=True)):
        with strategy_scope(model):
            kept = _CachedView(view_class(model), made_for)
        setattr(model, name, kept)
    return kept.view
