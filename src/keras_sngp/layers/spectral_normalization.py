"""Spectral normalisation: a layer whose linear map never stretches distances beyond a bound."""

import numbers
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sngp._runtime.files import register
from keras_sngp._runtime.keras_internals import layers_of
from keras_sngp._runtime.ops import Shape, Tensor, is_traced
from keras_sngp.layers import call_notes
from keras_sngp.layers.leading_singular_vector import lanczos, norm, normalised, power_iteration
from keras_sngp.layers.linear_operators import (
    check_has_operator,
    linear_kernel,
    operator_of,
    scaled_variable,
)

LANCZOS_STEPS_TO_CONVERGE = 32
LANCZOS_STEPS_AT_INFERENCE = 8
SAME_NORMS = (1e-5, 1e-3)


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
    between steps. A training step moves it by power iteration, `u <- A u / ||A u||` with `A = W^T W`, whose last
    product `W u` is also that of the norm; when built, at inference and by `refine` it is refined to the best vector
    in the span of `u, A u, A^2 u, ...` (Lanczos). At inference after any training the bound holds to better than 1 %,
    however close together the largest singular values lie; after `refine`, which `fit_posterior` calls, to 0.1 %.

    `refine` also keeps `||W||_F` and `||W u||`. Where they are still the same, to 1e-5 and 1e-3, the kernel is, and
    inference takes `u` as it is, which costs one product of `W` and a vector more than a plain layer.

    For convolutions `W` is the operator on whole images, with its stride, padding, dilation and groups.
    With images of unknown size an upper bound that holds for every size is used instead: the norm of
    the kernel as a matrix `(window * channels, filters)` times the square root of the number of windows
    a pixel is in.

    Args:
        layer: The layer to wrap: `Dense`, `EinsumDense`, or any convolution: plain, depthwise, separable or transposed.
            A separable convolution is bounded as a whole; its pointwise kernel is the one that is scaled.
        norm_multiplier: The bound `c`, above 0. Below 1 for residual blocks, so that they stay
            invertible; larger values let the network fit faster but keep distances less well.
        iteration: Steps of power iteration at each training step. One is enough, since `u` follows the slowly
            moving kernel.
        seed: Integer seed of the first `u`.
        activity_regularizer: Penalty on the outputs, as in every Keras layer.
        name: The wrapper's name.
        dtype: Dtype or dtype policy; by default that of the wrapped layer.
        trainable: Whether the wrapped layer's weights are trained.

    Call arguments:
        inputs: What the wrapped layer takes.
        training: In training `u` is updated. At inference it is refined without being stored, where need be.

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

    def __init__(
        self,
        layer: keras.layers.Layer,
        norm_multiplier: float = 0.95,
        *,
        iteration: int = 1,
        seed: int = 0,
        activity_regularizer: str | keras.regularizers.Regularizer | None = None,
        name: str | None = None,
        dtype: str | keras.DTypePolicy | None = None,
        trainable: bool = True,
    ) -> None:
        norm_multiplier = check_norm_multiplier(norm_multiplier)
        if iteration < 1:
            raise ValueError(f"`iteration` must be at least 1. Received: {iteration!r}")
        check_has_operator(layer)
        super().__init__(
            layer,
            activity_regularizer=activity_regularizer,
            name=name,
            dtype=layer.dtype_policy if dtype is None else dtype,
            trainable=trainable,
        )
        self.norm_multiplier = norm_multiplier
        self.iteration = iteration
        self.seed = seed

    def build(self, input_shape: Shape) -> None:
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
        self.norms_when_refined = self.add_weight(
            name="norms_when_refined",
            shape=(2,),
            initializer="zeros",
            dtype="float32",
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
        )

    def _first_vector(self, shape: tuple[int, ...], dtype: str | None = None) -> Tensor:
        start = np.random.default_rng(self.seed).normal(size=shape)
        start = ops.cast(start / np.linalg.norm(start), "float32")
        kernel = linear_kernel(self.layer)
        only_shapes_matter = is_traced(kernel)
        return start if only_shapes_matter else self._lanczos(kernel, start, LANCZOS_STEPS_TO_CONVERGE)

    def _lanczos(self, kernel: Tensor, start: Tensor, steps: int) -> Tensor:
        return ops.reshape(lanczos(self._normal_operator(kernel), ops.reshape(start, (-1,)), steps), start.shape)

    def _normal_operator(self, kernel: Tensor) -> Callable[[Tensor], Tensor]:
        def apply(vector: Tensor) -> Tensor:
            vector = ops.reshape(vector, self._operator.input_shape)
            return ops.reshape(self._operator.adjoint(kernel, self._operator.apply(kernel, vector)), (-1,))

        return apply

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        kernel = self.effective_kernel(training)
        outputs, _ = self.layer.stateless_call(
            [self._substitute(v, kernel) for v in self.layer.trainable_variables],
            [self._substitute(v, kernel) for v in self.layer.non_trainable_variables],
            inputs,
        )
        if self.layer.activity_regularizer is not None:
            self.add_loss(self.layer.activity_regularizer(outputs) / ops.shape(inputs)[0])
        return outputs

    def _substitute(self, variable: keras.Variable, kernel: Tensor) -> Tensor:
        return kernel if variable is scaled_variable(self.layer) else variable.value

    def effective_kernel(self, training: bool | None = False) -> Tensor:
        """The kernel the layer computes with: `W * min(1, c / sigma)`.

        Raises:
            ValueError: the wrapped layer's kernel is made of several weights, as with LoRA or quantisation.
        """
        variable = scaled_variable(self.layer)
        sigma = self._spectral_norm(linear_kernel(self.layer), training)
        return ops.cast(variable, "float32") * (self.norm_multiplier / ops.maximum(sigma, self.norm_multiplier))

    def refine(self) -> None:
        """Brings `u` to convergence for the present kernel and keeps it; inference then needs no search."""
        kernel = ops.stop_gradient(linear_kernel(self.layer))
        u = self._lanczos(kernel, self.u.value, LANCZOS_STEPS_TO_CONVERGE)
        self.u.assign(u)
        self.norms_when_refined.assign(_norms(kernel, self._operator.apply(kernel, u)))

    def is_refined(self) -> bool:
        """Whether the kernel is still the one that `refine` saw last."""
        kernel = ops.stop_gradient(linear_kernel(self.layer))
        return bool(self._is_refined_for(kernel, self._operator.apply(kernel, self.u.value)))

    def spectral_norm(self) -> Tensor:
        """Largest singular value of the wrapped layer's own kernel, before the bound; a scalar."""
        return ops.stop_gradient(self._spectral_norm(linear_kernel(self.layer), training=False))

    def _spectral_norm(self, kernel: Tensor, training: bool | None) -> Tensor:
        u = self._vector_in_training(ops.stop_gradient(kernel)) if training else self.u.value
        image = self._operator.apply(kernel, ops.stop_gradient(u))
        if training:
            adjoint = self._operator.adjoint(ops.stop_gradient(kernel), ops.stop_gradient(image))
            self.u.assign(normalised(adjoint, otherwise=u))
        else:
            image = self._image_at_inference(kernel, image)
        return self._operator.norm_factor * norm(image)

    def _vector_in_training(self, kernel: Tensor) -> Tensor:
        """All iterations but the last, which shares its first product with the norm."""
        start = ops.copy(self.u.value)  # PyTorch's `assign` would change it under the gradient.
        if self.iteration == 1:
            return start
        vector = power_iteration(self._normal_operator(kernel), ops.reshape(start, (-1,)), self.iteration - 1)
        return ops.reshape(vector, self._operator.input_shape)

    def _image_at_inference(self, kernel: Tensor, image: Tensor) -> Tensor:
        """The image `W u` of the kept `u` where that is the kernel's, or else of one that is searched for."""
        frozen, kept = ops.stop_gradient(kernel), self.u.value
        refined = self._is_refined_for(frozen, ops.stop_gradient(image))
        if call_notes.note_norm_check(refined):
            return image

        def search() -> Tensor:
            return self._lanczos(frozen, kept, LANCZOS_STEPS_AT_INFERENCE)

        if is_traced(frozen):
            u = ops.cond(refined, lambda: kept, search)
        elif refined:
            return image
        else:
            u = search()
        return self._operator.apply(kernel, ops.stop_gradient(u))

    def _is_refined_for(self, kernel: Tensor, image: Tensor) -> Tensor:
        before = self.norms_when_refined.value
        return ops.all(ops.abs(_norms(kernel, image) - before) <= ops.multiply(SAME_NORMS, before))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        output_shape: Shape = self.layer.compute_output_shape(input_shape)
        return output_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "norm_multiplier": self.norm_multiplier,
            "iteration": self.iteration,
            "seed": self.seed,
        }


def _norms(kernel: Tensor, image: Tensor) -> Tensor:
    return ops.stack([norm(kernel), norm(image)])


def check_norm_multiplier(norm_multiplier: float) -> float:
    """The bound as a float, or a ValueError."""
    if not isinstance(norm_multiplier, numbers.Real) or not 0 < float(norm_multiplier) < float("inf"):
        raise ValueError(f"`norm_multiplier` must be a finite number above 0. Received: {norm_multiplier!r}")
    return float(norm_multiplier)


def bounded_layers(model: keras.Model) -> list[SpectralNormalization]:
    """The built `SpectralNormalization` layers of a model, wherever they are nested."""
    return [layer for layer in layers_of(model) if isinstance(layer, SpectralNormalization) and layer.built]


def refine_changed(model: keras.Model) -> None:
    """Refines the layers whose kernels have changed since they were refined last."""
    for layer in bounded_layers(model):
        if not layer.is_refined():
            layer.refine()
