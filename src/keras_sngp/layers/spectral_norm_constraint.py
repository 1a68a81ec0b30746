"""A bound on kernels that cannot be reached from outside, such as those inside a transformer block."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from keras_sngp._runtime.files import register
from keras_sngp._runtime.keras_internals import layers_of
from keras_sngp._runtime.ops import Tensor
from keras_sngp.layers.convolution_operators import SEPARABLE_CONVOLUTIONS
from keras_sngp.layers.leading_singular_vector import lanczos, norm
from keras_sngp.layers.linear_operators import (
    LINEAR_LAYERS,
    MatrixOperator,
    any_size_operator_of,
    matrix_operator,
    scaled_variable,
)
from keras_sngp.layers.spectral_normalization import check_norm_multiplier

LANCZOS_STEPS = 24
RECURRENT_CELLS = (keras.layers.SimpleRNNCell, keras.layers.GRUCell, keras.layers.LSTMCell)


@register
class SpectralNormConstraint(keras.constraints.Constraint):
    r"""Scales a kernel down to a spectral norm of `norm_multiplier` after each step of a Keras optimizer.

    .. math:: W \leftarrow W \cdot \min(1, c / \sigma(W))

    Unlike `SpectralNormalization`, which rescales the kernel on its way into the layer, a constraint changes the
    kernel itself, and only where the optimizer is one of Keras's. It needs no state: the norm is found anew each time
    by Lanczos iteration, to better than 1 %.

    Args:
        norm_multiplier: The bound `c`, above 0.
        operator: The kernel's `MatrixOperator`, or its fields; by default the matrix from all axes but the last to the
            last.
        first: Another constraint, applied before.

    Example:

    >>> constraint = SpectralNormConstraint(0.9)
    >>> kernel = keras.ops.convert_to_numpy(constraint(np.eye(4, 3, dtype="float32") * 5))
    >>> round(float(np.linalg.norm(kernel, ord=2)), 3)
    0.9
    """

    def __init__(
        self,
        norm_multiplier: float = 0.95,
        operator: MatrixOperator | Mapping[str, Any] | None = None,
        first: str | keras.constraints.Constraint | Mapping[str, Any] | None = None,
    ) -> None:
        self.norm_multiplier = check_norm_multiplier(norm_multiplier)
        self.operator = MatrixOperator(**operator) if isinstance(operator, Mapping) else operator
        self.first = keras.constraints.get(first)

    def __call__(self, w: Tensor) -> Tensor:
        if self.first is not None:
            w = self.first(w)
        scale = self.norm_multiplier / ops.maximum(self.spectral_norm(w), self.norm_multiplier)
        return ops.convert_to_tensor(w) * ops.cast(scale, w.dtype)

    def spectral_norm(self, kernel: Tensor) -> Tensor:
        """The norm that is bounded, a scalar."""
        operator = self.operator or matrix_operator(kernel.shape)
        kernel = ops.stop_gradient(ops.cast(kernel, "float32"))

        def normal_operator(vector: Tensor) -> Tensor:
            vector = ops.reshape(vector, operator.input_shape)
            return ops.reshape(operator.adjoint(kernel, operator.apply(kernel, vector)), (-1,))

        start = np.random.default_rng(0).normal(size=operator.blocks * operator.inputs)
        vector = lanczos(normal_operator, _like(kernel, start / np.linalg.norm(start)), LANCZOS_STEPS)
        stretched = operator.apply(kernel, ops.reshape(vector, operator.input_shape))
        return operator.norm_factor * norm(stretched)

    def get_config(self) -> dict[str, Any]:
        return {
            "norm_multiplier": self.norm_multiplier,
            "operator": None if self.operator is None else dataclasses.asdict(self.operator),
            "first": keras.constraints.serialize(self.first),
        }


def _like(kernel: Tensor, vector: npt.NDArray[np.floating]) -> Tensor:
    """The vector as a tensor that is traced if the kernel is."""
    return ops.cast(vector, "float32") + 0 * ops.sum(kernel)


@dataclasses.dataclass(frozen=True)
class ConstrainedKernel:
    """A kernel under a constraint, and its spectral norm before and after the constraint was first applied."""

    name: str
    norm_before: float
    norm_after: float


def constrain_kernels(layer: keras.layers.Layer, norm_multiplier: float = 0.95) -> list[ConstrainedKernel]:
    """Puts a `SpectralNormConstraint` on every kernel inside a layer, and applies it once.

    For layers made of layers that `SpectralNormalization` cannot wrap from outside: attention, transformer blocks,
    recurrent cells. Kernels of dense layers, convolutions (bounded for every image size) and recurrent cells are found;
    frozen ones are left alone. Trains with Keras optimizers only.

    Args:
        layer: A built layer. Constraints that its kernels have already are applied before ours.
        norm_multiplier: The bound.

    Returns:
        What was constrained, in the order of the layer's parts.

    Raises:
        ValueError: a kernel that cannot be bounded; none is constrained then.

    Example:

    >>> attention = keras.layers.MultiHeadAttention(num_heads=2, key_dim=4)
    >>> _ = attention(np.ones((1, 5, 8)), np.ones((1, 5, 8)))
    >>> [kernel.name for kernel in constrain_kernels(attention, 0.9)]
    ['query', 'key', 'value', 'attention_output']
    """
    return [
        _constrain(name, variable, operator, check_norm_multiplier(norm_multiplier))
        for name, variable, operator in kernels_within(layer)
    ]


def has_kernels_within(layer: keras.layers.Layer) -> bool:
    """Whether a layer has parts with kernels, frozen or not."""
    return any(isinstance(part, (*LINEAR_LAYERS, *RECURRENT_CELLS)) for part in layers_of(layer))


def _constrain(
    name: str, variable: keras.Variable, operator: MatrixOperator, norm_multiplier: float
) -> ConstrainedKernel:
    earlier = variable.constraint
    if isinstance(earlier, SpectralNormConstraint):
        earlier = earlier.first
    constraint = SpectralNormConstraint(norm_multiplier, operator, first=earlier)
    variable.constraint = constraint
    before = float(ops.convert_to_numpy(constraint.spectral_norm(variable.value)))
    variable.assign(constraint(variable.value))
    after = float(ops.convert_to_numpy(constraint.spectral_norm(variable.value)))
    return ConstrainedKernel(name, before, after)


def kernels_within(layer: keras.layers.Layer) -> list[tuple[str, keras.Variable, MatrixOperator]]:
    """The name, weight and operator of each trainable kernel in a layer.

    Raises:
        ValueError: one of them cannot be bounded.
    """
    found = [kernel for part in layers_of(layer) for kernel in _kernels_of(part, part.name)]
    return [(name, kernel, operator) for name, kernel, operator in found if kernel.trainable]


def _kernels_of(part: keras.layers.Layer, name: str) -> list[tuple[str, keras.Variable, MatrixOperator]]:
    if isinstance(part, RECURRENT_CELLS):
        kernels = (part.kernel, part.recurrent_kernel)
        return [(f"{name}/{kernel.name}", kernel, matrix_operator(kernel.shape)) for kernel in kernels]
    if isinstance(part, SEPARABLE_CONVOLUTIONS):
        raise ValueError(
            "A constraint sees one kernel at a time, and a separable convolution has two: wrap it in "
            f"SpectralNormalization where the layer is made. Received: {name!r}"
        )
    if isinstance(part, LINEAR_LAYERS):
        return [(name, scaled_variable(part), any_size_operator_of(part))]
    return []
