"""ONNX files as all converters should write them."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_sngp.models.export.onnx_pooling import pool_over_images_alone


def finish(path: Path, names: Sequence[str]) -> None:
    """Names a file's outputs in their order and the first dimension of inputs and outputs `batch`; mends its pooling.

    Raises:
        ValueError: the file is no valid program for a batch of any size.
    """
    onnx = importlib.import_module("onnx")
    model = onnx.load(str(path))
    graph = model.graph
    given = {value.name: name for value, name in zip(graph.output, names, strict=True)}
    taken = {name: f"{name}_inside" for name in names if name not in given}
    _rename(graph, {**taken, **given})
    del graph.value_info[:]
    pool_over_images_alone(graph)
    for value in (*graph.input, *graph.output):
        _name_batch(value)
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise ValueError(f"The model has operations that ONNX lacks, on this backend. Received: {error}") from error
    onnx.save(model, str(path))


def _rename(graph: Any, names: dict[str, str]) -> None:
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
        for attribute in node.attribute:
            for part in (attribute.g, *attribute.graphs):
                _rename(part, names)
    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = names.get(value.name, value.name)


def _name_batch(value: Any) -> None:
    dimensions = value.type.tensor_type.shape.dim
    if not dimensions:
        return
    if dimensions[0].HasField("dim_value"):
        raise ValueError(
            "The converter fixed the number of rows, since a layer of the model uses it as a number. Export on "
            f"another backend. Received: {dimensions[0].dim_value} rows of {value.name!r}"
        )
    dimensions[0].dim_param = "batch"
