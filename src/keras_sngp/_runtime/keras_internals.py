"""Everything that this package takes from Keras beyond its public interface, in one place.

| what Keras has | what it is used for |
|---|---|
| `type(keras.Model(inputs, outputs))` | the class of functional models, which has no public name |
| `Layer._flatten_layers` | the layers of a model, wherever they are nested |
| `KerasTensor._keras_history` | the operation that made a tensor of a functional model |
| `Operation._inbound_nodes` | the calls of a layer in a functional model, and what they took |
| `Model._jax_state`, `Model.state_sync` or `jax_state_sync` | on JAX, the weights that `fit` has taken out of a model |
| `Model.metrics_variables` | the rest of what `fit` takes out |
| `Model.make_predict_function`, `predict_function`, `train_function` | whether `compile` asked for new programs |
| `Model.distribute_strategy` | on TensorFlow, the strategy that a model was made in |

`tests/_runtime/test_keras_internals.py` states what is relied on, and that no other file relies on more.
`make test-keras` runs it on the oldest Keras allowed and on the newest pre-release.
"""

import contextlib
import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import keras


class MadeBy(NamedTuple):
    """Where a tensor of a functional model comes from: an operation, and the numbers of its call and output."""

    operation: Any
    call: int
    output: int


@functools.cache
def functional_class() -> type[keras.Model]:
    """The class of the models that `keras.Model(inputs, outputs)` makes.

    Before Keras 3.14 such a model needs a layer between its inputs and outputs.
    """
    inputs = keras.Input((1,), name="inputs")
    return type(keras.Model(inputs, keras.layers.Identity(name="outputs")(inputs), name="smallest"))


def layers_of(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """A layer or model and all layers inside it, wherever they are nested."""
    return list(layer._flatten_layers())


def layers_inside(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """All layers inside a layer or model, wherever they are nested."""
    return list(layer._flatten_layers(include_self=False))


def made_by(tensor: keras.KerasTensor) -> MadeBy:
    """The operation that made a tensor of a functional model."""
    return MadeBy(*tensor._keras_history)


def inputs_of_calls(operation: Any) -> list[list[keras.KerasTensor]]:
    """What an operation took at each of its calls in functional models."""
    return [node.input_tensors for node in operation._inbound_nodes]


def distribution_strategy(model: keras.Model) -> Any:
    """The strategy of `tf.distribute` that a model was made in; None on other backends."""
    return getattr(model, "distribute_strategy", None)


def prediction_program(model: keras.Model) -> Any:
    """What Keras runs for a batch in `predict`; another object once `compile` has changed the model's settings."""
    model.make_predict_function()
    return model.predict_function


def training_program(model: keras.Model) -> Any:
    """What Keras runs for a batch in `fit`: None before training, and again after `compile`."""
    return model.train_function


@contextlib.contextmanager
def weights_kept_on_error(model: keras.Model) -> Iterator[None]:
    """Leaves the model with its latest weights when the block raises, as it does on other backends.

    With JAX, Keras takes the weights out of a model while it runs. Without this, an error inside `fit`, `evaluate` or
    `predict`, such as bad input, an exception in a generator or Ctrl-C, would leave a model without weights. Does
    nothing on other backends.
    """
    if keras.backend.backend() != "jax":
        yield
        return
    before = [(variable, variable.value) for variable in _all_variables(model)]
    _forget_earlier_run(model)
    try:
        yield
    except BaseException:
        for variable, value in before:
            if not value.is_deleted():
                variable.assign(value)
        _write_back_latest_weights(model)
        raise


def _write_back_latest_weights(model: keras.Model) -> None:
    """Keras 3.16 calls `state_sync` what was `jax_state_sync`."""
    sync = getattr(model, "state_sync", None) or model.jax_state_sync
    sync()


def _forget_earlier_run(model: keras.Model) -> None:
    """Keras keeps the weights that `predict_on_batch` returned, which training since then may have deleted."""
    if getattr(model, "_jax_state", None) is not None:
        model._jax_state = None


def _all_variables(model: keras.Model) -> list[keras.Variable]:
    optimizer = getattr(model, "optimizer", None)
    return [*model.variables, *model.metrics_variables, *(optimizer.variables if optimizer else [])]
