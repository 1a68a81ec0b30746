"""Pooling in ONNX files from JAX, whose converter pools over all axes, which runtimes refuse."""

import importlib
import math
from typing import Any

import numpy as np

MOST_SPATIAL_AXES = 3


def pool_over_images_alone(graph: Any) -> None:
    """Replaces pooling over `(1, 1, rows, ..., channels)` by pooling over images with channels first.

    The converter writes a maximum as MaxPool, and a sum as Conv with a kernel of ones, both with a window of 1 along
    rows and channels.
    """
    constants = {tensor.name: tensor for tensor in graph.initializer}
    nodes = []
    for node in graph.node:
        window = _window(node, constants)
        nodes.extend([node] if window is None else _pooling(graph, node, window))
    del graph.node[:]
    graph.node.extend(nodes)


def _window(node: Any, constants: dict[str, Any]) -> list[int] | None:
    """The window of a node that pools over too many axes, or None."""
    if node.op_type == "MaxPool":
        window = list(_attributes(node)["kernel_shape"])
    elif node.op_type == "Conv" and node.input[1] in constants:
        kernel = importlib.import_module("onnx").numpy_helper.to_array(constants[node.input[1]])
        if kernel.shape[:2] != (1, 1) or not (kernel == 1).all():
            return None
        window = list(kernel.shape[2:])
    else:
        return None
    return window if len(window) > MOST_SPATIAL_AXES and window[0] == window[-1] == 1 else None


def _attributes(node: Any) -> dict[str, Any]:
    onnx = importlib.import_module("onnx")
    return {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}


def _pooling(graph: Any, node: Any, window: list[int]) -> list[Any]:
    onnx = importlib.import_module("onnx")
    make, rank = onnx.helper.make_node, len(window)
    given, last, name = _attributes(node), rank - 1, node.output[0]
    pads = list(given.get("pads", [0] * 2 * rank))
    settings: dict[str, Any] = {
        "kernel_shape": window[1:-1],
        "strides": list(given.get("strides", [1] * rank))[1:-1],
        "pads": pads[1:last] + pads[rank + 1 : -1],
    }
    maximum = node.op_type == "MaxPool"
    if not maximum:
        settings["count_include_pad"] = 1
    outer, size = f"{name}_outer_axes", f"{name}_window_size"
    graph.initializer.extend(
        [
            onnx.numpy_helper.from_array(np.array([0, 1], "int64"), outer),
            onnx.numpy_helper.from_array(np.array(1 if maximum else math.prod(window), "float32"), size),
        ]
    )
    names = [f"{name}_{step}" for step in ("images", "first", "pooled", "scaled", "last")]
    channels_first, channels_last = [0, last, *range(1, last)], [0, *range(2, rank), 1]
    return [
        make("Squeeze", [node.input[0], outer], [names[0]]),
        make("Transpose", [names[0]], [names[1]], perm=channels_first),
        make("MaxPool" if maximum else "AveragePool", [names[1]], [names[2]], **settings),
        make("Mul", [names[2], size], [names[3]]),
        make("Transpose", [names[3]], [names[4]], perm=channels_last),
        make("Unsqueeze", [names[4], outer], [name]),
    ]
