"""Spectral norms found without keras_sngp's own operators: ARPACK on float64 layers, with PyTorch's adjoint.

    KERAS_BACKEND=torch python benchmarks/architectures/operator_norms.py FOLDER

reads `row.json` and `folded.keras` there, and prints the largest norm of a bounded layer and of a constrained kernel.
"""

import json
import sys
from pathlib import Path

import keras
import networks  # noqa: F401
import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, svds

import keras_sngp as sngp  # noqa: F401

TOLERANCE = 1e-3


def layer_norm(layer: keras.layers.Layer) -> float:
    """Largest singular value of a plain layer on one input of the size it sees, by its forward and backward pass."""
    config = {**layer.get_config(), "dtype": "float64", "activation": None, "use_bias": False}
    shape = (1, *(n or 1 for n in layer.input.shape[1:]))
    exact = type(layer).from_config(config)
    exact.build(shape)
    kernels = [weight for weight in layer.weights if weight is not getattr(layer, "bias", None)]
    for weight, value in zip(exact.weights, kernels, strict=True):
        weight.assign(value)

    def forward(vector):
        return exact(torch.as_tensor(np.asarray(vector, "float64").reshape(shape)))

    probe = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    output = exact(probe)

    def adjoint(vector):
        direction = torch.as_tensor(np.asarray(vector, "float64").reshape(output.shape))
        return torch.autograd.grad(output, probe, direction, retain_graph=True)[0].numpy().ravel()

    with torch.enable_grad():
        operator = LinearOperator(
            (output.numel(), probe.numel()),
            matvec=lambda vector: forward(vector).detach().numpy().ravel(),
            rmatvec=adjoint,
            dtype="float64",
        )
        if min(operator.shape) < 3:
            return float(np.linalg.norm(operator @ np.eye(operator.shape[1]), ord=2))
        return float(svds(operator, k=1, tol=TOLERANCE, return_singular_vectors=False, random_state=0)[0])


def kernel_norms(layer: keras.layers.Layer) -> list[float]:
    """Norms of the kernels in an attention layer, as matrices from input width to output width."""
    kernels = [weight for weight in layer.trainable_weights if weight.name == "kernel"]
    matrices = [
        kernel.numpy().reshape(-1, kernel.shape[-1])
        if "output" in kernel.path
        else kernel.numpy().reshape(kernel.shape[0], -1)
        for kernel in kernels
    ]
    return [float(np.linalg.norm(matrix.astype("float64"), ord=2)) for matrix in matrices]


def layer_at(model: keras.Model, path: str) -> keras.layers.Layer:
    for name in path.split("/"):
        model = model.get_layer(name)
    return model


def main(folder: Path) -> None:
    row = json.loads((folder / "row.json").read_text())
    backbone = keras.models.load_model(folder / "folded.keras").backbone
    bounded = [layer_norm(layer_at(backbone, name)) for name in row["bounded_layers"]]
    constrained = [norm for name in row["constrained_layers"] for norm in kernel_norms(layer_at(backbone, name))]
    print(json.dumps({"bounded": max(bounded), "by constraint": max(constrained, default=None)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
