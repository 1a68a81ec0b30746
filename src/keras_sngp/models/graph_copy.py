"""Copies of functional and Sequential models in which some layers are replaced, with the weights carried over."""

import functools
from collections.abc import Callable
from typing import Any

import keras

from keras_sngp._runtime.keras_internals import functional_class


def is_graph(model: Any) -> bool:
    """True for Sequential models and for functional ones that do not override `call`."""
    return isinstance(model, keras.Sequential) or (
        isinstance(model, keras.Model) and type(model).call is functional_class().call
    )


def copy_graph(model: keras.Model, replacement: Callable[[Any, str], Any | None]) -> keras.Model:
    """A functional model that computes the same with weights of its own, but for the layers that are replaced.

    Nested functional and Sequential models are copied in the same way. A layer used in several places stays shared.
    The copy is not compiled.

    Args:
        model: A built functional or Sequential model.
        replacement: Given a layer and its path, returns the layer to put in its place, or None to copy it as it is.
            A path is the layer's name after those of the models it is nested in, with slashes.

    Raises:
        ValueError: a Sequential model without a known input shape, or a layer that cannot be copied.
    """
    copies: dict[int, Any] = {}
    late: list[tuple[Any, Any]] = []

    def copy(operation: Any, within: str) -> Any:
        if id(operation) not in copies:
            copies[id(operation)] = make_copy(operation, f"{within}{operation.name}")
        return copies[id(operation)]

    def make_copy(operation: Any, path: str) -> Any:
        if is_graph(operation):
            return copy_whole(operation, f"{path}/")
        new = replacement(operation, path)
        if new is None:
            new = _copy_without_weights(operation)
            late.append((operation, new))
        return new

    def copy_whole(graph: keras.Model, within: str) -> keras.Model:
        return keras.models.clone_model(
            _uncompiled(graph), clone_function=functools.partial(copy, within=within), call_function=_call
        )

    whole = copy_whole(model, "")
    for original, new in late:
        if new is not original:
            copy_weights(original, new)
    return whole


def inputs_and_outputs(model: keras.Model) -> tuple[Any, Any]:
    """The symbolic inputs and outputs of a functional or Sequential model.

    Raises:
        ValueError: a Sequential model without a known input shape.
    """
    if not isinstance(model, keras.Sequential):
        return model.input, model.output
    if not model.built or not model.inputs:
        raise ValueError(
            f"A Sequential model must know its input shape: start it with a keras.Input. Received: {model.name!r}"
        )
    return model.inputs[0], model.outputs[0]


def layer_at(model: keras.Model, path: str) -> keras.layers.Layer:
    """The layer of a nested model at a path."""
    for name in path.split("/"):
        model = model.get_layer(name)
    return model


def copy_with_weights(layer: keras.layers.Layer) -> keras.layers.Layer:
    """A copy of one built layer, with weights of its own."""
    new = _copy_without_weights(layer)
    new.build_from_config(layer.get_build_config())
    copy_weights(layer, new)
    return new


def copy_weights(original: Any, new: Any) -> None:
    """Gives a layer the weights of another one of the same make.

    Raises:
        ValueError: they do not have the same number of weights.
    """
    if not isinstance(original, keras.layers.Layer):
        return
    if len(original.variables) != len(new.variables):
        raise ValueError(
            f"Layer {original.name!r} ({type(original).__name__}) made {len(new.variables)} weights when copied. "
            f"Received: {len(original.variables)}"
        )
    for source, target in zip(original.variables, new.variables, strict=True):
        target.assign(keras.ops.copy(source.value))


def _call(layer: Any, *args: Any, **kwargs: Any) -> Any:
    return layer(args[0]) if isinstance(layer, keras.layers.Identity) else layer(*args, **kwargs)


def _uncompiled(model: keras.Model) -> keras.Model:
    return keras.Model(*inputs_and_outputs(model), name=model.name)


def _copy_without_weights(operation: Any) -> Any:
    if not isinstance(operation, keras.layers.Layer) or isinstance(operation, keras.layers.Lambda):
        return operation
    try:
        return type(operation).from_config(operation.get_config())
    except Exception as error:
        raise ValueError(
            f"Layer {operation.name!r} cannot be copied: its class {type(operation).__name__} must have `get_config` "
            f"and `from_config` that fit its constructor. Received: {type(error).__name__}: {error}"
        ) from error
