"""Random features: a finite map whose inner products approximate a kernel."""

import math
import numbers
import random
from typing import Any, cast

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from keras_sngp._runtime.files import register
from keras_sngp._runtime.ops import Shape, Tensor, cosine

KERNEL_TYPES = ("gaussian", "laplacian", "linear")
MOST_ROWS_FOR_THE_MEDIAN = 128


@register
class RandomFeatures(keras.layers.Layer):
    r"""Maps inputs to features whose inner product is a kernel of the inputs.

    .. math:: \phi(x) = a s \cos(W x / l + b), \qquad \phi(x)^T \phi(x') \approx a^2 s^2 \tfrac{M}{2}\, k(x, x')

    with `W` and `b` drawn once and never trained, `b` uniform on [0, 2 pi), `M` features, amplitude `a`, and
    `s = sqrt(2 / M)` when scaled (then the inner product is `a^2` times the kernel), 1 otherwise.

    | `kernel_type` | kernel `k(x, x')` | rows of `W` |
    |---|---|---|
    | `"gaussian"` | `exp(-||x - x'||_2^2 / (2 l^2))` | standard normal |
    | `"laplacian"` | `exp(-||x - x'||_1 / l)` | standard Cauchy |
    | `"linear"` | `x . x' / l^2` | none: `phi(x) = a x / l`, neither random nor scaled |

    The error of the approximation falls as `1 / sqrt(M)`.

    Args:
        num_features: Number of features `M`, at least 1. Not used by the linear kernel.
        kernel_type: `"gaussian"`, `"laplacian"` or `"linear"`.
        length_scale: The length scale `l` above 0, or `"auto"`: the median distance between the rows of
            the first training batch that has distances (Euclidean, or 1-norm for `"laplacian"`), then frozen.
            Until that batch it is the square root of the input width (the width for `"laplacian"`).
        scaled: Whether features carry the factor `sqrt(2 / M)`.
        amplitude: The amplitude `a` above 0.
        orthogonal: Draw the rows of `W` in orthogonal blocks, with the same lengths in distribution.
            Lowers the error of the Gaussian kernel; only for `"gaussian"`.
        seed: Integer seed of `W` and `b`. The same seed gives the same features on every backend.
        activity_regularizer: Penalty on the features, as in every Keras layer.
        name: The layer's name.
        dtype: Dtype or dtype policy.
        trainable: Taken for the sake of Keras's configurations; no weight of the layer is trained.

    Call arguments:
        inputs: `(batch, width)`.

    Returns:
        Features `(batch, num_features)`, in float32 or wider whatever the mixed-precision policy.

    Example:

    >>> features = RandomFeatures(4096, length_scale=2.0, seed=0)
    >>> phi = keras.ops.convert_to_numpy(features(np.array([[0.0, 0.0], [2.0, 0.0]])))
    >>> bool(abs(phi[0] @ phi[1] - np.exp(-1 / 2)) < 0.05)
    True

    Reference:
        Rahimi and Recht 2007, "Random Features for Large-Scale Kernel Machines", algorithm 1;
        orthogonal features: Yu et al. 2016, arXiv:1610.09072, section 3.
    """

    def __init__(
        self,
        num_features: int,
        kernel_type: str = "gaussian",
        length_scale: float | str = 1.0,
        scaled: bool = True,
        amplitude: float = 1.0,
        orthogonal: bool = False,
        seed: int | None = None,
        *,
        activity_regularizer: str | keras.regularizers.Regularizer | None = None,
        name: str | None = None,
        dtype: str | keras.DTypePolicy | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(
            activity_regularizer=activity_regularizer, name=name, dtype=dtype, trainable=trainable, autocast=False
        )
        if not isinstance(num_features, int | np.integer) or num_features < 1:
            raise ValueError(
                "The number of random features (`num_inducing` of a Gaussian process layer) must be "
                f"an integer of at least 1. Received: {num_features!r}"
            )
        if kernel_type not in KERNEL_TYPES:
            raise ValueError(f"The kernel type must be one of {', '.join(KERNEL_TYPES)}. Received: {kernel_type!r}")
        if length_scale != "auto" and not _is_positive(length_scale):
            raise ValueError(
                f"The kernel's length scale must be a finite number above 0 or 'auto'. Received: {length_scale!r}"
            )
        if not _is_positive(amplitude):
            raise ValueError(f"The kernel's amplitude must be a finite number above 0. Received: {amplitude!r}")
        if orthogonal and kernel_type != "gaussian":
            raise ValueError(f"Orthogonal random features exist for the 'gaussian' kernel. Received: {kernel_type!r}")
        self.num_features = int(num_features)
        self.kernel_type = kernel_type
        self.length_scale = length_scale if length_scale == "auto" else float(length_scale)
        self.scaled = scaled
        self.amplitude = float(amplitude)
        self.orthogonal = orthogonal
        self.seed = seed

    def build(self, input_shape: Shape) -> None:
        width = cast(int, input_shape[-1])
        automatic = self.length_scale == "auto"
        first_scale = float(width) if self.kernel_type == "laplacian" else math.sqrt(width)
        self.current_length_scale = self._constant(
            "length_scale", np.array(first_scale if automatic else self.length_scale, dtype=float)
        )
        if automatic:
            self.length_scale_is_set = self._constant("length_scale_is_set", np.array(0.0))
        if self.kernel_type != "linear":
            generator = np.random.default_rng(_drawn_seed() if self.seed is None else self.seed)
            self.directions = self._constant("directions", self._draw_directions(generator, width))
            self.phases = self._constant("phases", generator.uniform(0, 2 * math.pi, self.num_features))

    def _constant(self, name: str, value: npt.NDArray[np.floating]) -> keras.Variable:
        return self.add_weight(
            name=name,
            shape=value.shape,
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(value, dtype=dtype),
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
        )

    def _draw_directions(self, generator: np.random.Generator, width: int) -> npt.NDArray[np.floating]:
        shape = (width, self.num_features)
        if self.kernel_type == "laplacian":
            return generator.standard_cauchy(shape)
        directions = generator.normal(size=shape)
        if not self.orthogonal:
            return directions
        blocks = [
            np.linalg.qr(generator.normal(size=(width, width)))[0] for _ in range(math.ceil(self.num_features / width))
        ]
        lengths: npt.NDArray[np.floating] = np.linalg.norm(directions, axis=0)
        orthonormal: npt.NDArray[np.floating] = np.concatenate(blocks, axis=1)[:, : self.num_features]
        return orthonormal * lengths

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        inputs = ops.cast(inputs, self.variable_dtype)
        scaled_inputs = inputs / self._length_scale(inputs, training)
        factor = self.amplitude
        if self.kernel_type == "linear":
            features = scaled_inputs
        else:
            features = cosine(ops.matmul(scaled_inputs, self.directions) + self.phases)
            factor *= math.sqrt(2 / self.num_features) if self.scaled else 1.0
        return features if factor == 1 else factor * features

    def _length_scale(self, inputs: Tensor, training: bool | None) -> Tensor:
        if training and self.length_scale == "auto":
            median = ops.cond(
                self.length_scale_is_set.value > 0,
                lambda: ops.zeros_like(self.current_length_scale.value),
                lambda: self._median_distance(ops.stop_gradient(inputs)),
            )
            self.current_length_scale.assign(ops.where(median > 0, median, self.current_length_scale.value))
            self.length_scale_is_set.assign(ops.where(median > 0, 1.0, self.length_scale_is_set.value))
        return self.current_length_scale.value

    def _median_distance(self, inputs: Tensor) -> Tensor:
        rows = inputs[:MOST_ROWS_FOR_THE_MEDIAN]
        rows = rows - ops.mean(rows, axis=0)
        if self.kernel_type == "laplacian":
            distances = ops.sum(ops.abs(rows[:, None] - rows[None]), axis=-1)
        else:
            squares = ops.sum(ops.square(rows), axis=-1)
            products = ops.matmul(rows, ops.transpose(rows))
            distances = ops.sqrt(ops.relu(squares[:, None] + squares[None] - 2 * products))
        count = ops.shape(rows)[0]
        off_diagonal = distances * (1 - ops.eye(count, dtype=distances.dtype))
        zeros_first = ops.sort(ops.reshape(off_diagonal, (-1,)))
        return ops.take(zeros_first, (count * count + count) // 2 - 1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        width = input_shape[-1] if self.kernel_type == "linear" else self.num_features
        return (*input_shape[:-1], width)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_features": self.num_features,
            "kernel_type": self.kernel_type,
            "length_scale": self.length_scale,
            "scaled": self.scaled,
            "amplitude": self.amplitude,
            "orthogonal": self.orthogonal,
            "seed": self.seed,
        }


def _is_positive(number: object) -> bool:
    """Whether it is a finite number above 0."""
    return isinstance(number, numbers.Real) and 0 < float(number) < math.inf


def _drawn_seed() -> int:
    """A seed from the generator that `keras.utils.set_random_seed` seeds, as Keras's initialisers draw theirs."""
    return random.randint(0, 2**31 - 1)
