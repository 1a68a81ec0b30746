"""Predictions of one batch on JAX without Keras's bookkeeping of every variable, which outlasts a small network."""

import inspect
from typing import Any

import keras


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
    model.make_predict_function()
    keras_program, variables = model.predict_function, model.variables
    program = getattr(model, "_batch_program", None)
    if program is None or program.keras_program is not keras_program or not _same(program.variables, variables):
        _build_layers(model, x)
        program = model._batch_program = _BatchProgram(model, keras_program)
    return program


def _build_layers(model: keras.Model, x: Any) -> None:
    if not all(layer.built for layer in model._flatten_layers(include_self=False)):
        with keras.StatelessScope():
            model(x)


def _same(some: list[keras.Variable], others: list[keras.Variable]) -> bool:
    return len(some) == len(others) and all(one is other for one, other in zip(some, others, strict=True))


class _BatchProgram:
    def __init__(self, model, keras_program):
        import jax

        self.model = model
        self.keras_program = keras_program
        self.variables = model.variables
        self.options = {"training": False} if "training" in inspect.signature(model.call).parameters else {}
        self.compiled = jax.jit(self._outputs_and_changes)

    def __call__(self, x):
        outputs, changes = self.compiled([variable.value for variable in self.variables], x)
        for number, value in changes.items():
            self.variables[number].assign(value)
        return outputs

    def _outputs_and_changes(self, values, x):
        with keras.StatelessScope(list(zip(self.variables, values, strict=True))) as scope:
            outputs = self.model(x, **self.options)
        after = [scope.get_current_value(variable) for variable in self.variables]
        return outputs, {number: new for number, new in enumerate(after) if new is not values[number]}
