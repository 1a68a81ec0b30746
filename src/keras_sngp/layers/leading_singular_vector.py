"""The unit vector that a linear map stretches most, from a vector near it.

All functions take `normal_operator`, the map `v -> A v` with `A = W^T W`, and vectors `(n,)`.

Reference: Golub and Van Loan, "Matrix Computations", sections 8.2 (power iteration) and 10.1 (Lanczos).
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from keras import ops

from keras_sngp._runtime.ops import Tensor, is_traced

NormalOperator: TypeAlias = Callable[[Tensor], Tensor]
Vector: TypeAlias = npt.NDArray[np.floating]

SQUARINGS = 12
SMALLEST_NORM = 1e-12
ROUNDING = 1e-4


def power_iteration(normal_operator: NormalOperator, start: Tensor, steps: int) -> Tensor:
    """`v <- A v / ||A v||`, `steps` times. A vector that the map takes to 0 stays as it is."""
    vector = start
    for _ in range(steps):
        vector = normalised(normal_operator(vector), otherwise=start)
    return vector


def lanczos(normal_operator: NormalOperator, start: Tensor, steps: int) -> Tensor:
    """The best vector in the span of `start, A start, ..., A^steps start`.

    Where that span stops growing, another direction is taken up, so that nothing stays unseen. Inside a compiled
    function it is a loop of the graph; outside, the basis is kept in NumPy, which saves copies of it.
    """
    return (_lanczos_in_graph if is_traced(start) else _lanczos_on_host)(normal_operator, start, steps)


def norm(tensor: Tensor) -> Tensor:
    """Euclidean norm, with a finite gradient at 0."""
    return ops.sqrt(ops.sum(ops.square(tensor)) + SMALLEST_NORM**2)


def normalised(vector: Tensor, otherwise: Tensor) -> Tensor:
    """The vector at length 1, or `otherwise` where it is 0."""
    length = norm(vector)
    return ops.where(length > 2 * SMALLEST_NORM, vector / length, otherwise)


# BLAS reads past small arrays and may raise the flag for what it finds there, though it uses none of it.
@np.errstate(invalid="ignore")
def _lanczos_on_host(normal_operator: NormalOperator, start: Tensor, steps: int) -> Tensor:
    first: Vector = ops.convert_to_numpy(start)
    basis, images = np.empty((2, steps + 1, first.size), dtype="float32")
    direction: Vector | None = first
    for step in range(steps + 1):
        basis[step] = direction
        images[step] = ops.convert_to_numpy(normal_operator(ops.convert_to_tensor(direction)))
        direction = _unit_vector_outside(basis[: step + 1], images[step])
        if direction is None:
            direction = _unit_vector_outside(basis[: step + 1], _arbitrary_vector(first.size, step))
        if direction is None:
            direction = np.zeros_like(first)
    projected = basis @ images.T
    if not np.isfinite(projected).all():
        return start
    vector = np.linalg.eigh(projected)[1][:, -1] @ basis
    length = np.linalg.norm(vector)
    return ops.convert_to_tensor(vector / length if length > 2 * SMALLEST_NORM else first)


def _unit_vector_outside(basis: Vector, vector: Vector) -> Vector | None:
    """The part of a vector orthogonal to the basis, at unit length; None where only rounding is left."""
    rest = vector
    for _ in range(2):
        rest = rest - (basis @ rest) @ basis
    length = np.linalg.norm(rest)
    return np.divide(rest, length) if length > ROUNDING * np.linalg.norm(vector) else None


def _arbitrary_vector(size: int, step: int) -> Vector:
    """A vector without any pattern that a kernel could miss; other in each step."""
    index = np.arange(size) % 4093
    vector: Vector = np.cos(0.618034 * index * index + step).astype("float32")
    return vector


def _lanczos_in_graph(normal_operator: NormalOperator, start: Tensor, steps: int) -> Tensor:
    size = start.shape[0]
    first = ops.reshape(start, (1, size))
    unfilled = ops.zeros((steps, size))
    basis = ops.concatenate([first, unfilled])
    images = ops.concatenate([ops.reshape(normal_operator(start), (1, size)), unfilled])
    index = ops.cast(ops.arange(size) % 4093, "float32")[None]

    def extend(step: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        basis, images = state
        last_image = ops.slice(images, (step, 0), (1, size))
        arbitrary = ops.cos(0.618034 * index * index + ops.cast(step, "float32"))
        unseen = _unit_row_outside(basis, arbitrary, otherwise=0.0)
        direction = _unit_row_outside(basis, last_image, otherwise=unseen)
        image = ops.reshape(normal_operator(direction[0]), (1, size))
        return (
            ops.slice_update(basis, (step + 1, 0), direction),
            ops.slice_update(images, (step + 1, 0), image),
        )

    basis, images = ops.fori_loop(0, steps, extend, (basis, images))
    mixture = _leading_eigenvector(ops.matmul(basis, ops.transpose(images)))
    return normalised(ops.matmul(mixture, basis), otherwise=start)


def _unit_row_outside(basis: Tensor, row: Tensor, otherwise: Tensor) -> Tensor:
    rest = row
    for _ in range(2):
        rest = rest - ops.matmul(ops.matmul(rest, ops.transpose(basis)), basis)
    length = norm(rest)
    return ops.where(length > ROUNDING * norm(row), rest / length, otherwise)


def _leading_eigenvector(matrix: Tensor) -> Tensor:
    """Unit eigenvector of the largest eigenvalue of a small symmetric matrix with none below 0."""

    def square(_: Tensor, state: tuple[Tensor]) -> tuple[Tensor]:
        (power,) = state
        power = power / ops.maximum(norm(power), SMALLEST_NORM)
        return (ops.matmul(power, power),)

    (power,) = ops.fori_loop(0, SQUARINGS, square, (matrix,))
    column = ops.take(power, ops.argmax(ops.diagonal(power)), axis=1)
    return column / ops.maximum(norm(column), SMALLEST_NORM)
