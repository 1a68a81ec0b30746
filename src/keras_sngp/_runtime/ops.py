"""Operations that Keras has on every backend, where one backend does better or differs.

On JAX a CPU takes longer for XLA's own cosine and random bits than for a small network's training step.
"""

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import keras
from keras import ops

# Each backend has a tensor class of its own, and Keras comes without types: there is no more that mypy could check.
Tensor: TypeAlias = Any
Shape: TypeAlias = tuple[int | None, ...]

# sin(pi t) = t P(t^2) for |t| <= 1/2, fitted for the smallest largest error, 4e-9.
SINE = (3.14159258004474, -5.167706878927048, 2.5500313772896623, -0.5980451741702101, 0.07722012903771613)


def is_traced(tensor: Tensor) -> bool:
    """True while a graph is being recorded, when a tensor has a shape but no values to look at.

    Each backend refuses with an error of its own: JAX with a TypeError, TensorFlow with a
    NotImplementedError, PyTorch's shape-only device with a RuntimeError, Keras with a ValueError.
    """
    try:
        keras.ops.convert_to_numpy(tensor[:0])
    except (TypeError, NotImplementedError, RuntimeError, ValueError, AttributeError):
        return True
    return False


def cosine(x: Tensor) -> Tensor:
    """`cos(x)`; on JAX by a polynomial, within 4e-7 of the cosine of an `x` that is off by its own rounding.

    .. math:: \\cos x = 1 - 2 \\sin^2(\\pi t), \\qquad t = x / 2\\pi - \\mathrm{round}(x / 2\\pi)
    """
    if keras.backend.backend() != "jax":
        return ops.cos(x)
    turns = x * (0.5 / math.pi)
    turns = turns - ops.round(turns)
    square = turns * turns
    series = SINE[-1]
    for coefficient in SINE[-2::-1]:
        series = series * square + coefficient
    sine = turns * series
    return 1 - 2 * sine * sine


def dropout(
    inputs: Tensor,
    rate: float,
    seed_generator: keras.random.SeedGenerator,
    noise_shape: Sequence[int | None] | None = None,
) -> Tensor:
    """Dropout of `inputs` by the next seed of a `keras.random.SeedGenerator`; arguments as those of `Dropout`."""
    if keras.backend.backend() != "jax":
        return keras.random.dropout(inputs, rate, noise_shape=noise_shape, seed=seed_generator)
    if rate == 1:
        return ops.zeros_like(inputs)
    lengths = zip(noise_shape or inputs.shape, inputs.shape, strict=True)
    hashes = _hashes_of_positions([own or given for own, given in lengths], seed_generator.next())
    kept = hashes < _uint32(min(round((1 - rate) * 2**32), 2**32 - 1))
    return ops.where(kept, inputs / ops.cast(1 - rate, inputs.dtype), ops.zeros_like(inputs))


def _hashes_of_positions(shape: Sequence[int], seed: Tensor) -> Tensor:
    positions = ops.reshape(ops.arange(math.prod(shape), dtype="uint32"), shape)
    key = _mixed(seed[0] + _uint32(0x9E3779B9))
    call_key = _mixed(seed[1] ^ key)
    return _mixed(_mixed(positions ^ key) + call_key)


def _mixed(x: Tensor) -> Tensor:
    x = (x ^ (x >> _uint32(16))) * _uint32(0x7FEB352D)
    x = (x ^ (x >> _uint32(15))) * _uint32(0x846CA68B)
    return x ^ (x >> _uint32(16))


def _uint32(number: int) -> Tensor:
    return ops.convert_to_tensor(number, dtype="uint32")
