"""Spectral normalisation: a layer whose linear map never stretches distances beyond a bound."""

import numbers

import keras
import numpy as np
from keras import ops

from keras_sngp.layers.linear_operators import check_has_operator, operator_of
from keras_sngp.registration import register
from keras_sngp.tracing import is_traced

LANCZOS_STEPS_TO_CONVERGE = 32
LANCZOS_STEPS_AT_INFERENCE = 8
SQUARINGS = 12
SMALLEST_NORM = 1e-12
ROUNDING = 1e-4


@register
class SpectralNormalization(keras.layers.Wrapper):
    r"""Bounds the spectral norm of a layer's linear map by `norm_multiplier`.

    In a residual block `x + f(x)` with `f` bounded below 1, distances between inputs are kept up to a
    factor on their way to the last layer, so that a Gaussian process there can see how far an input is
    from the training data.

    The layer computes with the effective kernel

    .. math:: \tilde W = W \cdot \min(1, c / \sigma(W)), \qquad \sigma(W) = \max_u \|W u\| / \|u\|

    where `c` is `norm_multiplier`. Kernels below the bound are used as they are; kernels above it are
    scaled down. The trainable kernel itself is never overwritten, so the bound holds in any training
    loop and on every backend. The gradient flows through the scaling. `sigma = ||W u||` for a vector `u` that is kept
    between steps and is the layer's only state. A training step moves it by power iteration, `u <- A u / ||A u||` with
    `A = W^T W`; when built, at inference and by `refine` it is refined to the best vector in the span of
    `u, A u, A^2 u, ...` (Lanczos). At inference after any training the bound holds to better than 1 %, however
    close together the largest singular values lie; after `refine`, which `fit_posterior` calls, to 0.1 %.

    For convolutions `W` is the operator on whole images, with its stride, padding, dilation and groups.
    With images of unknown size an upper bound that holds for every size is used instead: the norm of
    the kernel as a matrix `(window * channels, filters)` times the square root of the number of windows
    a pixel is in.

    Args:
        layer: The layer to wrap: `Dense`, `EinsumDense`, `Conv1D`, `Conv2D` or `Conv3D`.
        norm_multiplier: The bound `c`, above 0. Below 1 for residual blocks, so that they stay
            invertible; larger values let the network fit faster but keep distances less well.
        iteration: Steps of power iteration at each training step. One is enough, since `u` follows the slowly
            moving kernel.
        seed: Integer seed of the first `u`.

    Call arguments:
        inputs: What the wrapped layer takes.
        training: In training `u` is updated. At inference it is refined without being stored.

    Example:

    >>> layer = SpectralNormalization(keras.layers.Dense(128, activation="relu"), norm_multiplier=0.9)
    >>> tuple(layer(np.ones((4, 32))).shape)
    (4, 128)
    >>> kernel = keras.ops.convert_to_numpy(layer.effective_kernel())
    >>> bool(np.linalg.norm(kernel, ord=2) <= 0.9 + 1e-3)
    True

    Reference:
        Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks", section 2.1;
        the bounded form: Liu et al. 2020, arXiv:2006.10108, equation 10; convolutions: Gouk et al.
        2018, arXiv:1804.04368, section 3; the iteration: Golub and Van Loan, "Matrix Computations", section 10.1.
    """

    def __init__(self, layer, norm_multiplier=0.95, *, iteration=1, seed=0, **kwargs):
        if not isinstance(norm_multiplier, numbers.Real) or not 0 < norm_multiplier < float("inf"):
            raise ValueError(f"`norm_multiplier` must be a finite number above 0. Received: {norm_multiplier!r}")
        if iteration < 1:
            raise ValueError(f"`iteration` must be at least 1. Received: {iteration!r}")
        check_has_operator(layer)
        kwargs.setdefault("dtype", layer.dtype_policy)
        super().__init__(layer, **kwargs)
        self.norm_multiplier = float(norm_multiplier)
        self.iteration = iteration
        self.seed = seed

    def build(self, input_shape=None):
        super().build(input_shape)
        self.input_spec = self.layer.input_spec
        self._operator = operator_of(self.layer, input_shape)
        self.u = self.add_weight(
            name="u",
            shape=self._operator.input_shape,
            initializer=self._first_vector,
            dtype="float32",
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
        )

    def _first_vector(self, shape, dtype=None):
        start = np.random.default_rng(self.seed).normal(size=shape)
        kernel = ops.cast(self.layer.kernel, "float32")
        return self._lanczos(kernel, ops.cast(start / np.linalg.norm(start), "float32"), LANCZOS_STEPS_TO_CONVERGE)

    def _power_iteration(self, kernel, start):
        vector = start
        for _ in range(self.iteration):
            vector = ops.reshape(self._normal_operator(kernel, vector), start.shape)
            vector = _normalised(vector, otherwise=start)
        return vector

    def _lanczos(self, kernel, start, steps):
        """The unit vector that `W` stretches most among all in the span of `start, A start, ..., A^steps start`.

        Where that span stops growing, another direction is taken up, so that nothing stays unseen.
        """
        first = ops.reshape(start, (-1, 1))
        unfilled = ops.zeros((first.shape[0], steps))
        basis = ops.concatenate([first, unfilled], axis=1)
        images = ops.concatenate([self._normal_operator(kernel, first), unfilled], axis=1)

        def extend(step, state):
            basis, images = state
            last_image = ops.slice(images, (0, step), (first.shape[0], 1))
            unseen = _unit_vector_outside(basis, _arbitrary_vector(first.shape[0], step))
            direction = _unit_vector_outside(basis, last_image, otherwise=unseen)
            image = self._normal_operator(kernel, direction)
            return (
                ops.slice_update(basis, (0, step + 1), direction),
                ops.slice_update(images, (0, step + 1), image),
            )

        basis, images = _repeat(steps, extend, (basis, images))
        vector = ops.matmul(basis, _leading_eigenvector(ops.matmul(ops.transpose(basis), images)))
        return _normalised(ops.reshape(vector, start.shape), otherwise=start)

    def _normal_operator(self, kernel, vector):
        vector = ops.reshape(vector, self._operator.input_shape)
        return ops.reshape(self._operator.adjoint(kernel, self._operator.apply(kernel, vector)), (-1, 1))

    def call(self, inputs, training=None):
        kernel = self.effective_kernel(training)
        outputs, _ = self.layer.stateless_call(
            [self._substitute(v, kernel) for v in self.layer.trainable_variables],
            [self._substitute(v, kernel) for v in self.layer.non_trainable_variables],
            inputs,
        )
        if self.layer.activity_regularizer is not None:
            self.add_loss(self.layer.activity_regularizer(outputs) / ops.shape(inputs)[0])
        return outputs

    def _substitute(self, variable, kernel):
        return kernel if variable is self.layer.kernel else variable.value

    def effective_kernel(self, training=False):
        """The kernel the layer computes with: `W * min(1, c / sigma)`.

        Raises:
            ValueError: the wrapped layer's kernel is made of several weights, as with LoRA or quantisation.
        """
        if not any(variable is self.layer.kernel for variable in self.layer.variables):
            raise ValueError(
                "Spectral normalisation bounds layers with one kernel weight; enable LoRA or quantisation on "
                f"unwrapped layers only. Received: {self.layer.name!r}, whose kernel is made of several"
            )
        kernel = ops.cast(self.layer.kernel, "float32")
        sigma = self._spectral_norm(kernel, training)
        return kernel * (self.norm_multiplier / ops.maximum(sigma, self.norm_multiplier))

    def refine(self):
        """Brings `u` to convergence for the present kernel and keeps it."""
        kernel = ops.stop_gradient(ops.cast(self.layer.kernel, "float32"))
        self.u.assign(self._lanczos(kernel, self.u.value, LANCZOS_STEPS_TO_CONVERGE))

    def spectral_norm(self):
        """Largest singular value of the wrapped layer's own kernel, before the bound; a scalar."""
        return ops.stop_gradient(self._spectral_norm(ops.cast(self.layer.kernel, "float32"), training=False))

    def _spectral_norm(self, kernel, training):
        frozen = ops.stop_gradient(kernel)
        if training:
            u = self._power_iteration(frozen, self.u.value)
        else:
            u = self._lanczos(frozen, self.u.value, LANCZOS_STEPS_AT_INFERENCE)
        u = ops.stop_gradient(u)
        if training:
            self.u.assign(u)
        return self._operator.norm_factor * _norm(self._operator.apply(kernel, u))

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "norm_multiplier": self.norm_multiplier,
            "iteration": self.iteration,
            "seed": self.seed,
        }


def _repeat(times, body, state):
    """A loop inside a graph; outside, a Python loop, since a backend would compile the other one at each call."""
    if is_traced(state[0]):
        return ops.fori_loop(0, times, body, state)
    for step in range(times):
        state = body(step, state)
    return state


def _unit_vector_outside(basis, vector, otherwise=0.0):
    """The part of a column orthogonal to the basis, at unit length; `otherwise` where only rounding is left."""
    rest = vector
    for _ in range(2):
        rest = rest - ops.matmul(basis, ops.matmul(ops.transpose(basis), rest))
    norm = _norm(rest)
    return ops.where(norm > ROUNDING * _norm(vector), rest / norm, otherwise)


def _arbitrary_vector(size, step):
    """A column without any pattern that a kernel could miss; other in each step."""
    index = ops.cast(ops.arange(size) % 4093, "float32")
    return ops.reshape(ops.cos(0.618034 * index * index + ops.cast(step, "float32")), (-1, 1))


def _normalised(vector, otherwise):
    """The vector at unit length; `otherwise` where it is 0, as it is for a kernel of zeros."""
    norm = _norm(vector)
    return ops.where(norm > 2 * SMALLEST_NORM, vector / norm, otherwise)


def _norm(tensor):
    return ops.sqrt(ops.sum(ops.square(tensor)) + SMALLEST_NORM**2)


def _leading_eigenvector(matrix):
    """Unit eigenvector `(n, 1)` of the largest eigenvalue of a small symmetric matrix with none below 0."""

    def square(_, state):
        (power,) = state
        power = power / ops.maximum(_norm(power), SMALLEST_NORM)
        return (ops.matmul(power, power),)

    (power,) = _repeat(SQUARINGS, square, (matrix,))
    column = ops.take(power, ops.argmax(ops.diagonal(power)), axis=1)
    return ops.reshape(column / ops.maximum(_norm(column), SMALLEST_NORM), (-1, 1))
