"""Spectral normalisation: a layer whose linear map never stretches distances beyond a bound."""

import keras
import numpy as np
from keras import ops

from keras_sngp.layers.linear_operators import operator_of
from keras_sngp.registration import register

ITERATIONS_AT_BUILD = 30
ITERATIONS_AT_INFERENCE = 5
SMALLEST_NORM = 1e-12


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
    loop and on every backend. The gradient flows through the scaling. `sigma` comes from power iteration on a
    vector `u` that is kept between steps, `u <- normalise(W^T W u)`, and is the layer's only state.

    For convolutions `W` is the operator on whole images, with its stride, padding, dilation and groups.
    With images of unknown size an upper bound that holds for every size is used instead: the norm of
    the kernel as a matrix `(window * channels, filters)` times the square root of the number of windows
    a pixel is in.

    Args:
        layer: The layer to wrap: `Dense`, `EinsumDense`, `Conv1D`, `Conv2D` or `Conv3D`.
        norm_multiplier: The bound `c`, above 0. Below 1 for residual blocks, so that they stay
            invertible; larger values let the network fit faster but keep distances less well.
        iteration: Steps of power iteration at each training step. One is enough, since `u` follows
            the slowly moving kernel.
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
        2018, arXiv:1804.04368, section 3.
    """

    def __init__(self, layer, norm_multiplier=0.95, *, iteration=1, seed=0, **kwargs):
        if not isinstance(norm_multiplier, (int, float)) or not 0 < norm_multiplier < float("inf"):
            raise ValueError(f"`norm_multiplier` must be a finite number above 0. Received: {norm_multiplier!r}")
        if iteration < 1:
            raise ValueError(f"`iteration` must be at least 1. Received: {iteration!r}")
        if isinstance(layer, keras.layers.Layer):
            kwargs.setdefault("dtype", layer.dtype_policy)
        super().__init__(layer, **kwargs)
        self.norm_multiplier = norm_multiplier
        self.iteration = iteration
        self.seed = seed

    def build(self, input_shape=None):
        super().build(input_shape)
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
        return self._power_iteration(kernel, ops.cast(start, "float32"), ITERATIONS_AT_BUILD)

    def _power_iteration(self, kernel, vector, iterations):
        for _ in range(iterations):
            vector = self._operator.adjoint(kernel, self._operator.apply(kernel, vector))
            vector = vector / ops.maximum(_norm(vector), SMALLEST_NORM)
        return vector

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
        """The kernel the layer computes with: `W * min(1, c / sigma)`."""
        kernel = ops.cast(self.layer.kernel, "float32")
        sigma = self._spectral_norm(kernel, training)
        return kernel * (self.norm_multiplier / ops.maximum(sigma, self.norm_multiplier))

    def spectral_norm(self):
        """Largest singular value of the wrapped layer's own kernel, before the bound; a scalar."""
        return ops.stop_gradient(self._spectral_norm(ops.cast(self.layer.kernel, "float32"), training=False))

    def _spectral_norm(self, kernel, training):
        iterations = self.iteration if training else max(self.iteration, ITERATIONS_AT_INFERENCE)
        u = self._power_iteration(ops.stop_gradient(kernel), self.u.value, iterations)
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


def _norm(tensor):
    return ops.sqrt(ops.sum(ops.square(tensor)) + SMALLEST_NORM**2)
