"""What is exported: the computation from a model's inputs to probabilities, logits and variance."""

from typing import Any

import keras
from keras import ops

from keras_sngp._runtime.ops import Shape, Tensor
from keras_sngp.layers import call_notes
from keras_sngp.models.posterior_pass import gaussian_process_layers
from keras_sngp.models.predictive_distribution import logits_and_variance

OUTPUTS = ("logits", "probabilities", "variance")


class ExportedProgram(keras.Model):
    """A model with the outputs `OUTPUTS`, in the order in which every format keeps them: the alphabet's.

    Its weights do not change, so it takes the spectral norms of layers that were refined before.
    """

    def __init__(self, model: keras.Model) -> None:
        super().__init__(name=f"{model.name}_program", autocast=False)
        self.model = model

    def call(self, inputs: Any) -> dict[str, Tensor]:
        # TensorFlow wraps the dicts of what it saves, which a functional model takes for another structure.
        inputs = {**inputs} if isinstance(inputs, dict) else inputs
        with call_notes.cached_norms():
            logits, variance = logits_and_variance(self.model, inputs)
        (layer,) = gaussian_process_layers(self.model)
        adjusted = layer.shrink_by_variance(logits, variance)
        if adjusted.shape[-1] == 1:
            adjusted = ops.concatenate([ops.zeros_like(adjusted), adjusted], axis=-1)
        return {"logits": logits, "probabilities": ops.softmax(adjusted), "variance": variance}


def make_program(model: keras.Model, input_signature: Any = None) -> tuple[ExportedProgram, list[Any]]:
    """The program of a model and the specs of its arguments, with any number of rows.

    Args:
        model: A built Keras model with one fitted Gaussian process layer.
        input_signature: As in `keras.Model.export`: a list with one structure of `keras.InputSpec`, for models whose
            inputs cannot be read from the model.
    """
    program = ExportedProgram(model)
    signature = [input_specs(model)] if input_signature is None else list(input_signature)
    program(*keras.tree.map_structure(lambda spec: keras.KerasTensor(spec.shape, spec.dtype), signature))
    return program, signature


def input_specs(model: keras.Model) -> Any:
    """Named specs of a model's inputs, in the structure in which the model takes them.

    Inputs in a dict are named by its keys, others as in the model, or `inputs`.
    """
    for part in (model, getattr(model, "backbone", model)):
        inputs = getattr(part, "inputs", None)
        if inputs:
            structure = inputs[0] if isinstance(part, keras.Sequential) else part.input
            return _named(structure, lambda tensor, name: _spec(tensor.shape, tensor.dtype, name or tensor.name))
    shapes = model.get_build_config()["input_shape"]
    return _named(shapes, lambda shape, name: _spec(shape, model.input_dtype, name or "inputs"))


def _spec(shape: Shape, dtype: str, name: str) -> keras.InputSpec:
    return keras.InputSpec(shape=(None, *shape[1:]), dtype=dtype, name=name)


def _named(structure: Any, make: Any, name: str | None = None) -> Any:
    if isinstance(structure, dict):
        return {key: _named(value, make, key) for key, value in structure.items()}
    if isinstance(structure, list | tuple) and not _is_shape(structure):
        return [_named(value, make, name and f"{name}_{i}") for i, value in enumerate(structure)]
    return make(structure, name)


def _is_shape(structure: list[Any] | tuple[Any, ...]) -> bool:
    return all(isinstance(length, int | None) for length in structure)
