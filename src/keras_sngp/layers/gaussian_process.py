"""The output layer of an SNGP: a Gaussian process on random features."""

import warnings
from typing import Any, cast

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from keras_sngp._runtime.files import register
from keras_sngp._runtime.ops import Shape, Tensor, is_traced
from keras_sngp.layers import call_notes, posterior
from keras_sngp.layers.likelihood import check_likelihood, curvature
from keras_sngp.layers.mean_field import MEAN_FIELD_FACTOR, check_mean_field_factor, shrink
from keras_sngp.layers.mean_field import mean_field_logits as mean_field_logits
from keras_sngp.layers.polar_projection import PolarProjection
from keras_sngp.layers.posterior import PosteriorState
from keras_sngp.layers.random_features import RandomFeatures

RETURNS = ("logits", "mean_field_logits", "logits_and_variance", "logits_and_covariance")
GEOMETRIES = ("plain", "polar")
MOST_CLASSES_WITH_A_COVARIANCE_EACH = 10


@register
class RandomFeatureGaussianProcess(keras.layers.Layer):
    r"""Gaussian process output layer with a Laplace posterior on random features.

    .. math::
        f(x) = \phi(x)^T \beta + b, \qquad
        \mathrm{Cov}[f(x), f(x')] = \phi(x)^T (G + \tau I)^{-1} \phi(x'), \qquad
        G = \sum_i w_i \phi(x_i) \phi(x_i)^T

    `phi` are frozen random features of a kernel (`RandomFeatures`), `beta` is learned like any output
    layer, `tau` is `gp_cov_ridge_penalty` and `w_i` the curvature of the likelihood at training row i. Near the
    training data the variance is small; far from it, it returns to the prior's, `phi(x)^T phi(x) / tau`.

    How the posterior comes about:

    - `gp_cov_momentum=None`: once, exactly, after training. `SNGP.fit` does it; for any other model
      call `fit_posterior(model, x)`. Training itself costs nothing extra.
    - `gp_cov_momentum=-1`: each training step adds its batch to `G`. Call `reset_covariance_matrix()` at the start
      of an epoch (`ResetCovarianceCallback`), so that each row counts once.
    - `0 < gp_cov_momentum < 1`: as -1, but `G` and the row count are multiplied by the momentum before each
      step, so that old batches are forgotten; for streams. The memory is `batch / (1 - momentum)` rows.

    In the last two modes `update_covariance()` turns `G` into a covariance; calling the layer at
    inference outside a compiled function does it when needed. `posterior_state` says whether the posterior is unfitted,
    fitted (on `rows_seen` rows), or stale: trained on since.

    Args:
        units: Number of logits.
        num_inducing: Number of random features `M`.
        gp_kernel_type: `"gaussian"`, `"laplacian"` or `"linear"`, see `RandomFeatures`.
        gp_kernel_scale: Length scale `l` of `exp(-d^2 / (2 l^2))`, or `"auto"`: the median distance in the
            first training batch.
        gp_geometry: Where the kernel measures distances: `"plain"`, between the inputs, or `"polar"`, between their
            directions and distances from half the mean of the training features, see `PolarProjection`. In the polar
            geometry `"auto"` is the typical distance from there for the Gaussian kernel. Plain, unlike in `SNGP`, so
            that the layer computes what the SNGP tutorial's layer does.
        gp_output_bias: First value of the bias `b`.
        normalize_input: Layer-normalise the inputs first. This hides their norm from the kernel.
        gp_output_bias_trainable: Whether the bias is trained.
        gp_cov_momentum: None, -1 or a number in (0, 1), as above.
        gp_cov_ridge_penalty: Prior precision `tau` above 0.
        gp_kernel_amplitude: Factor `a` of `phi`.
        scale_random_features: Whether `phi` carries the factor `sqrt(2 / M)`. Prior variance `phi^T phi / tau` is
            then about `a^2 / tau`, without it about `a^2 M / (2 tau)`. The output layer learns the faster, and takes
            the lower rates of SGD, the larger it is.
        orthogonal_random_features: Draw the features' directions in orthogonal blocks.
        l2_regularization: Factor of the L2 penalty on `beta`. Under a mean loss over N rows the maximum a posteriori
            estimate for prior precision `tau` has `tau / (2 N)` here.
        gp_cov_likelihood: `"gaussian"`, `"binary_logistic"`, `"poisson"` or `"categorical"`, see `likelihood.py`.
        gp_cov_per_class: Keep a covariance a class; only for `"categorical"`. None: for 3 to 10 classes (with 2 both
            are the same). Costs `classes` times the memory and time of the shared one.
        mean_field_factor: `lambda` of the `"mean_field_logits"` output, until `calibrate` fits it.
        kernel_initializer: First value of `beta`. Zeros keep logits at 0 far from the data.
        returns: What a call returns, see below.
        seed: Integer seed of the random features.
        activity_regularizer: Penalty on the outputs, as in every Keras layer.
        name: The layer's name.
        dtype: Dtype or dtype policy. Features and covariance are in float32 or wider whatever it says.
        trainable: Whether `beta`, and the bias if it is, are trained.

    Call arguments:
        inputs: `(batch, width)`.
        training: Whether this is a training step. Covariances are zeros then.
        returns: One of

            - `"logits_and_covariance"`: logits `(batch, units)`, covariance `(batch, batch)`;
            - `"logits_and_variance"`: logits and the covariance's diagonal `(batch,)`, without ever forming the rest;
            - `"mean_field_logits"`: `logits / (T sqrt(1 + lambda variance))` with temperature `T`, 1 until `calibrate`
              fits it; plain logits while there is no fitted posterior, so that it can stand at the end of any model;
            - `"logits"`.

            With a covariance a class: `(units, batch, batch)` and `(batch, units)`.

    A covariance asked for before the posterior is fitted is the prior's, with a warning outside compiled functions.

    Example:

    >>> layer = RandomFeatureGaussianProcess(units=2, gp_cov_momentum=-1)
    >>> _ = layer(np.ones((8, 16)), training=True)
    >>> logits, covmat = layer(np.ones((4, 16)))
    >>> tuple(logits.shape), tuple(covmat.shape)
    ((4, 2), (4, 4))

    Reference:
        Liu et al. 2020, arXiv:2006.10108, equations 7 to 9 and algorithm 1; Liu et al. 2022, arXiv:2205.00403.
    """

    def __init__(
        self,
        units: int,
        num_inducing: int = 1024,
        *,
        gp_kernel_type: str = "gaussian",
        gp_kernel_scale: float | str = 1.0,
        gp_kernel_amplitude: float = 1.0,
        gp_geometry: str = "plain",
        gp_output_bias: float = 0.0,
        normalize_input: bool = False,
        gp_output_bias_trainable: bool = False,
        gp_cov_momentum: float | None = None,
        gp_cov_ridge_penalty: float = 1.0,
        scale_random_features: bool = True,
        orthogonal_random_features: bool = False,
        l2_regularization: float = 1e-6,
        gp_cov_likelihood: str = "gaussian",
        gp_cov_per_class: bool | None = None,
        mean_field_factor: float = MEAN_FIELD_FACTOR,
        kernel_initializer: str | keras.initializers.Initializer = "zeros",
        returns: str = "logits_and_covariance",
        seed: int | None = None,
        activity_regularizer: str | keras.regularizers.Regularizer | None = None,
        name: str | None = None,
        dtype: str | keras.DTypePolicy | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(
            activity_regularizer=activity_regularizer, name=name, dtype=dtype, trainable=trainable, autocast=False
        )
        self.units = units
        self.gp_kernel_type = gp_kernel_type
        self.gp_kernel_scale = gp_kernel_scale
        self.gp_kernel_amplitude = gp_kernel_amplitude
        self.gp_geometry = gp_geometry
        self.gp_output_bias = gp_output_bias
        self.normalize_input = normalize_input
        self.gp_output_bias_trainable = gp_output_bias_trainable
        self.gp_cov_momentum = gp_cov_momentum
        self.gp_cov_ridge_penalty = gp_cov_ridge_penalty
        self.scale_random_features = scale_random_features
        self.orthogonal_random_features = orthogonal_random_features
        self.l2_regularization = l2_regularization
        self.gp_cov_likelihood = gp_cov_likelihood
        self.gp_cov_per_class = gp_cov_per_class
        self.mean_field_factor = mean_field_factor
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.returns = self._check_returns(returns)
        self.seed = seed
        self._check_arguments()
        self.units = int(units)
        polar, automatic = gp_geometry == "polar", gp_kernel_scale == "auto"
        self.projection = (
            PolarProjection(scaled=not automatic, dtype=self.variable_dtype, name="projection") if polar else None
        )
        self.random_features = RandomFeatures(
            num_inducing,
            kernel_type=gp_kernel_type,
            length_scale=1.0 if polar and automatic and gp_kernel_type == "gaussian" else gp_kernel_scale,
            scaled=scale_random_features,
            amplitude=gp_kernel_amplitude,
            orthogonal=orthogonal_random_features,
            seed=seed,
            dtype=self.variable_dtype,
            name="random_features",
        )
        self.num_inducing = self.random_features.num_features
        self.input_normalization = (
            keras.layers.LayerNormalization(dtype=self.variable_dtype, name="input_normalization")
            if normalize_input
            else None
        )

    def _check_arguments(self) -> None:
        if not isinstance(self.units, int | np.integer) or self.units < 1:
            raise ValueError(f"`units` must be an integer of at least 1. Received: {self.units!r}")
        if not 0 < self.gp_cov_ridge_penalty < float("inf"):
            raise ValueError(
                f"`gp_cov_ridge_penalty` must be a finite number above 0. Received: {self.gp_cov_ridge_penalty!r}"
            )
        if self.gp_geometry not in GEOMETRIES:
            raise ValueError(f"`gp_geometry` must be one of {', '.join(GEOMETRIES)}. Received: {self.gp_geometry!r}")
        momentum = self.gp_cov_momentum
        if not (momentum is None or momentum == -1 or 0 < momentum < 1):
            raise ValueError(
                "`gp_cov_momentum` must be None (one exact pass after training), -1 (a sum) or a number "
                f"between 0 and 1 (a decaying sum). Received: {self.gp_cov_momentum!r}"
            )
        check_mean_field_factor(self.mean_field_factor)
        check_likelihood(self.gp_cov_likelihood, self.units)
        if self.gp_cov_per_class and self.gp_cov_likelihood != "categorical":
            raise ValueError(
                f"`gp_cov_per_class=True` needs `gp_cov_likelihood='categorical'`. Received: {self.gp_cov_likelihood!r}"
            )

    @staticmethod
    def _check_returns(returns: str) -> str:
        if returns not in RETURNS:
            raise ValueError(f"`returns` must be one of {', '.join(RETURNS)}. Received: {returns!r}")
        return returns

    @property
    def has_covariance_per_class(self) -> bool:
        if self.gp_cov_per_class is None:
            few = 2 < self.units <= MOST_CLASSES_WITH_A_COVARIANCE_EACH
            return self.gp_cov_likelihood == "categorical" and few
        return self.gp_cov_per_class

    def build(self, input_shape: Shape) -> None:
        if len(input_shape) != 2:
            raise ValueError(
                "A Gaussian process layer takes features (batch, width); pool or flatten them first. "
                f"Received: input shape {tuple(input_shape)}"
            )
        self.input_spec = keras.layers.InputSpec(ndim=2, axes={-1: input_shape[-1]})
        if self.input_normalization is not None:
            self.input_normalization.build(input_shape)
        if self.projection is not None:
            self.projection.build(input_shape)
            input_shape = self.projection.compute_output_shape(input_shape)
        self.random_features.build(input_shape)
        num_features = cast(int, self.random_features.compute_output_shape(input_shape)[-1])
        self.kernel = self.add_weight(
            name="kernel",
            shape=(num_features, self.units),
            initializer=self.kernel_initializer,
            regularizer=keras.regularizers.L2(self.l2_regularization) if self.l2_regularization else None,
            autocast=False,
        )
        self.bias = self.add_weight(
            name="bias",
            shape=(self.units,),
            initializer=keras.initializers.Constant(self.gp_output_bias),
            trainable=self.gp_output_bias_trainable,
            autocast=False,
        )
        one = (num_features, num_features)
        matrix = (self.units, *one) if self.has_covariance_per_class else one
        self.gram = self._sum_over_rows("gram", matrix)
        self.row_count = self._sum_over_rows("row_count", ())
        self.covariance_root = self._statistic("covariance_root", matrix, self._prior_root(num_features))
        self.current_mean_field_factor = self._statistic("mean_field_factor", (), self.mean_field_factor)
        self.current_temperature = self._statistic("temperature", (), 1.0)
        self.state = self._statistic("state", (), PosteriorState.UNFITTED, dtype="int32")

    def _prior_root(self, num_features: int) -> npt.NDArray[np.floating]:
        return np.divide(np.eye(num_features), np.sqrt(self.gp_cov_ridge_penalty))

    def _sum_over_rows(self, name: str, shape: tuple[int, ...]) -> keras.Variable:
        """Each replica of a tf.distribute strategy adds up its own rows; outside of them one reads the total."""
        return keras.Variable(
            "zeros",
            shape,
            self.variable_dtype,
            trainable=False,
            autocast=False,
            aggregation="sum",
            synchronization="on_read",
            name=name,
        )

    def _statistic(
        self, name: str, shape: tuple[int, ...], value: npt.ArrayLike, dtype: str | None = None
    ) -> keras.Variable:
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(
                np.broadcast_to(value, shape).copy(), dtype=dtype
            ),
            dtype=dtype,
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
        )

    def call(self, inputs: Tensor, training: bool | None = None, returns: str | None = None) -> Tensor:
        returns = self.returns if returns is None else self._check_returns(returns)
        features = self.kernel_features(inputs, training=training)
        logits = ops.matmul(features, self.kernel) + self.bias
        captured = call_notes.note_call(self, features, logits)
        if training:
            self._after_training_step(ops.stop_gradient(features), ops.stop_gradient(logits))
        if returns == "logits":
            return logits
        without_posterior = training or captured
        if not without_posterior and not is_traced(logits):
            self._bring_posterior_up_to_date(warn=returns != "mean_field_logits")
        if returns == "mean_field_logits":
            return logits if without_posterior else self._mean_field_logits(features, logits)
        spread = posterior.variance if returns == "logits_and_variance" else posterior.covariance
        if without_posterior:
            return logits, ops.zeros_like(spread(features[:, :1], self.covariance_root[..., :1, :1]))
        return logits, spread(features, self.covariance_root.value)

    def kernel_features(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """The random features `phi` of inputs `(batch, width)`, `(batch, num_features)`, in the layer's geometry."""
        inputs = ops.cast(inputs, self.variable_dtype)
        if self.input_normalization is not None:
            inputs = self.input_normalization(inputs)
        if self.projection is not None:
            inputs = self.projection(inputs, training=training)
        return self.random_features(inputs, training=training)

    def _mean_field_logits(self, features: Tensor, logits: Tensor) -> Tensor:
        fitted = ops.cast(ops.equal(self.state.value, int(PosteriorState.FITTED)), logits.dtype)
        variance = posterior.variance(features, self.covariance_root.value)
        return self.shrink_by_variance(logits, fitted * variance)

    def shrink_by_variance(self, logits: Tensor, variance: Tensor) -> Tensor:
        """Mean-field logits `m / (T sqrt(1 + lambda v))`, with the present mean-field factor and temperature."""
        return shrink(logits, variance, self.current_mean_field_factor.value, self.current_temperature.value)

    def set_calibration(self, mean_field_factor: float, temperature: float) -> None:
        """Sets `lambda` and `T`; see `calibrate`."""
        self.current_mean_field_factor.assign(mean_field_factor)
        self.current_temperature.assign(temperature)

    def _after_training_step(self, features: Tensor, logits: Tensor) -> None:
        if self.gp_cov_momentum is None:
            untouched = ops.equal(self.state.value, int(PosteriorState.UNFITTED))
            self.state.assign(ops.where(untouched, self.state.value, int(PosteriorState.STALE)))
            return
        kept = self.gp_cov_momentum if self.gp_cov_momentum > 0 else 1.0
        self.gram.assign(kept * self.gram.value)
        self.row_count.assign(kept * self.row_count.value)
        self.accumulate(features, logits)
        self.state.assign(int(PosteriorState.STALE))

    def accumulate(self, features: Tensor, logits: Tensor, sample_weight: Tensor | None = None) -> None:
        """Adds a batch to the Gram matrix: `G += sum_i w_i phi_i phi_i^T`.

        Args:
            features: Random features `(batch, num_features)`.
            logits: Plain logits `(batch, units)`.
            sample_weight: `(batch,)`; each row counts that often.
        """
        weights = curvature(logits, self.gp_cov_likelihood, self.has_covariance_per_class)
        counts = ops.ones_like(logits[:, 0])
        if sample_weight is not None:
            counts = ops.reshape(ops.cast(sample_weight, logits.dtype), (-1,))
            weights = weights * (counts if len(weights.shape) == 1 else counts[:, None])
        self.gram.assign(self.gram.value + posterior.gram_matrix(features, weights))
        self.row_count.assign(self.row_count.value + ops.sum(counts))

    def accumulate_inputs(self, inputs: Tensor, sample_weight: Tensor | None = None) -> None:
        """Adds a batch of the layer's inputs to the Gram matrix, for training loops without a Keras model.

        After training: `reset_covariance_matrix()`, this for each batch, then `update_covariance()`, is what
        `fit_posterior` does for Keras models.

        Args:
            inputs: `(batch, width)`, computed in inference mode.
            sample_weight: `(batch,)`; each row counts that often.

        Example:

        >>> layer = RandomFeatureGaussianProcess(units=2, num_inducing=64)
        >>> layer.accumulate_inputs(np.ones((8, 16)))
        >>> layer.update_covariance()
        >>> layer.rows_seen
        8.0
        """
        with call_notes.captured_calls() as calls:
            self(inputs, training=False)
        _, features, logits = calls[-1]
        self.accumulate(ops.stop_gradient(features), ops.stop_gradient(logits), sample_weight)

    @property
    def posterior_state(self) -> PosteriorState:
        """Whether the posterior is unfitted, fitted or stale."""
        return PosteriorState(int(ops.convert_to_numpy(self.state.value)))

    @property
    def rows_seen(self) -> float:
        """Number of rows, or the sum of their weights, in the Gram matrix."""
        return float(ops.convert_to_numpy(self.row_count))

    def reset_covariance_matrix(self) -> None:
        """Forgets all data and any calibration: the posterior is the prior again."""
        self.gram.assign(ops.zeros(self.gram.shape))
        self.row_count.assign(0.0)
        self.set_calibration(self.mean_field_factor, 1.0)
        prior_root = np.broadcast_to(self._prior_root(self.gram.shape[-1]), self.gram.shape)
        self.covariance_root.assign(prior_root.astype(self.variable_dtype))
        self.state.assign(int(PosteriorState.UNFITTED))

    def update_covariance(self) -> None:
        """Turns the accumulated Gram matrix into the covariance used at inference.

        Raises:
            ValueError: no rows have been accumulated, or they were not finite.
        """
        if not self.rows_seen > 0:
            raise ValueError(
                f"The posterior needs at least one training row. Received: a total row weight of {self.rows_seen:g}"
            )
        root = posterior.covariance_root(ops.convert_to_numpy(self.gram), self.gp_cov_ridge_penalty)
        self.covariance_root.assign(root.astype(self.variable_dtype))
        self.state.assign(int(PosteriorState.FITTED))

    def has_current_posterior(self) -> bool:
        """Whether the posterior is fitted, after bringing one that sums as it trains up to date."""
        if not self.built:
            return False
        sums_in_training = self.gp_cov_momentum is not None and self.rows_seen > 0
        if self.posterior_state != PosteriorState.FITTED and sums_in_training:
            self.update_covariance()
        return self.posterior_state == PosteriorState.FITTED

    def _bring_posterior_up_to_date(self, warn: bool) -> None:
        if not self.has_current_posterior() and warn:
            self._warn_without_posterior()

    def _warn_without_posterior(self) -> None:
        meaning = {
            PosteriorState.UNFITTED: "has not been fitted, so this is the prior's covariance",
            PosteriorState.STALE: "is stale: it belongs to the weights before the last training",
        }
        warnings.warn(
            f"The posterior of layer {self.name!r} {meaning[self.posterior_state]}. Call "
            "`keras_sngp.fit_posterior(model, x)` after training.",
            stacklevel=2,
        )

    def compute_output_shape(self, input_shape: Shape, returns: str | None = None) -> Shape | tuple[Shape, Shape]:
        returns = self.returns if returns is None else returns
        batch = input_shape[0]
        logits = (batch, self.units)
        each: Shape = (self.units,) if self.has_covariance_per_class else ()
        shapes: dict[str, Shape | tuple[Shape, Shape]] = {
            "logits": logits,
            "mean_field_logits": logits,
            "logits_and_variance": (logits, (batch, *each)),
            "logits_and_covariance": (logits, (*each, batch, batch)),
        }
        return shapes[returns]

    def compute_output_spec(
        self, inputs: keras.KerasTensor, training: bool | None = None, returns: str | None = None
    ) -> Any:
        shapes = self.compute_output_shape(inputs.shape, returns)
        if isinstance(shapes[0], tuple):
            return tuple(keras.KerasTensor(shape, self.variable_dtype) for shape in shapes)
        return keras.KerasTensor(shapes, self.variable_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "returns": self.returns, **self.settings()}

    def settings(self) -> dict[str, Any]:
        """The configuration without `units`, `returns` and what every Keras layer has: what `SNGP` takes as well."""
        return {
            "num_inducing": self.num_inducing,
            "gp_kernel_type": self.gp_kernel_type,
            "gp_kernel_scale": self.gp_kernel_scale,
            "gp_kernel_amplitude": self.gp_kernel_amplitude,
            "gp_geometry": self.gp_geometry,
            "gp_output_bias": self.gp_output_bias,
            "normalize_input": self.normalize_input,
            "gp_output_bias_trainable": self.gp_output_bias_trainable,
            "gp_cov_momentum": self.gp_cov_momentum,
            "gp_cov_ridge_penalty": self.gp_cov_ridge_penalty,
            "scale_random_features": self.scale_random_features,
            "orthogonal_random_features": self.orthogonal_random_features,
            "l2_regularization": self.l2_regularization,
            "gp_cov_likelihood": self.gp_cov_likelihood,
            "gp_cov_per_class": self.gp_cov_per_class,
            "mean_field_factor": self.mean_field_factor,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "seed": self.seed,
        }
