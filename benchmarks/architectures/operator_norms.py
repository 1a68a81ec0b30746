"""Spectral norms found without keras_sngp's own operators: ARPACK on float64 layers, with PyTorch's adjoint.

    KERAS_BACKEND=torch python -m benchmarks.architectures.operator_norms FOLDER

reads `bounded.json` and `folded.keras` there, and prints the largest norm of a bounded layer and of a kernel.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, svds

import benchmarks.architectures.networks  # noqa: F401

TOLERANCE = 1e-3


def layer_norm(layer: keras.layers.Layer) -> float:
    """Largest singular value of a plain layer on one input of the size it sees, by its forward and backward pass."""
    shape = (1, *(n or 1 for n in layer.input.shape[1:]))
    exact = type(layer).from_config({**layer.get_config(), "dtype": "float64", "activation": None, "use_bias": False})
    exact.build(shape)
    kernels = [weight for weight in layer.weights if weight is not getattr(layer, "bias", None)]
    for weight, value in zip(exact.weights, kernels, strict=True):
        weight.assign(value)
    zeros = torch.zeros(shape, dtype=torch.float64)
    output, adjoint = torch.func.vjp(exact, zeros)

    def apply(function: Callable, vector: np.ndarray, like: torch.Tensor) -> np.ndarray:
        return function(torch.from_numpy(vector.reshape(like.shape))).detach().numpy().ravel()

    operator = LinearOperator(
        (output.numel(), zeros.numel()),
        matvec=lambda vector: apply(exact, vector, zeros),
        rmatvec=lambda vector: apply(lambda direction: adjoint(direction)[0], vector, output),
        dtype="float64",
    )
    if min(operator.shape) < 3:
        return float(np.linalg.norm(operator @ np.eye(operator.shape[1]), ord=2))
    return float(svds(operator, k=1, tol=TOLERANCE, return_singular_vectors=False, random_state=0)[0])


def kernel_norms(layer: keras.layers.Layer) -> list[float]:
    """Norms of the kernels in an attention layer, as matrices from input width to output width."""
    kernels = [weight for weight in layer.trainable_weights if weight.name == "kernel"]
    shapes = [(-1, kernel.shape[-1]) if "output" in kernel.path else (kernel.shape[0], -1) for kernel in kernels]
    matrices = [kernel.numpy().reshape(shape) for kernel, shape in zip(kernels, shapes, strict=True)]
    return [float(np.linalg.norm(matrix.astype("float64"), ord=2)) for matrix in matrices]


def layer_at(model: keras.Model, path: str) -> keras.layers.Layer:
    for name in path.split("/"):
        model = model.get_layer(name)
    return model


def main(folder: Path) -> None:
    names = json.loads((folder / "bounded.json").read_text())
    backbone = keras.models.load_model(folder / "folded.keras").backbone
    bounded = [layer_norm(layer_at(backbone, name)) for name in names["layers"]]
    constrained = [norm for name in names["constrained"] for norm in kernel_norms(layer_at(backbone, name))]
    print(json.dumps({"norm, bounded": max(bounded), "norm, by constraint": max(constrained, default=None)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
