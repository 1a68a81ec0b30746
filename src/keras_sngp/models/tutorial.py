"""For code written after the TensorFlow tutorial: its networks and callback, whose covariance sums as they train.

New code takes `SNGP`, which computes the posterior once, exactly, after training.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_sngp._runtime.files import register
from keras_sngp._runtime.ops import Tensor
from keras_sngp.layers.gaussian_process import RandomFeatureGaussianProcess
from keras_sngp.models.deep_resnet import DeepResNet
from keras_sngp.models.posterior_pass import gaussian_process_layers
from keras_sngp.models.prediction import Prediction
from keras_sngp.models.predictive_distribution import predict_distribution


class ResetCovarianceCallback(keras.callbacks.Callback):
    """Resets the covariance at the start of each epoch, and makes it ready for use after training; for tutorial code.

    With `gp_cov_momentum=-1` each training batch adds to the covariance, so only the last epoch may count.

    Example:

    >>> model = keras.Sequential([RandomFeatureGaussianProcess(2, 64, gp_cov_momentum=-1, returns="logits")])
    >>> model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    >>> history = model.fit(x, y, epochs=3, verbose=0, callbacks=[ResetCovarianceCallback()])
    >>> model.layers[-1].rows_seen
    40.0
    """

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        if epoch > 0:
            for layer in gaussian_process_layers(self.model):
                layer.reset_covariance_matrix()

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        for layer in gaussian_process_layers(self.model):
            if layer.rows_seen == 0:
                raise ValueError(
                    f"Layer {layer.name!r} was never called with training=True. In `call`, pass `training` on to "
                    "it: with JAX, Keras does not hand it down by itself."
                )
            layer.update_covariance()


@register
class DeepResNetSNGP(DeepResNet):
    """The tutorial's SNGP, for tutorial code: bounded residual layers, and a Gaussian process that sums as it trains.

    Without a reset each epoch the covariance counts every row once an epoch; see
    `DeepResNetSNGPWithCovReset`, or `SNGP`, which needs neither.

    Args:
        num_classes: Number of logits; None gives the last hidden units instead.
        spec_norm_bound: Bound of the spectral norm of each residual layer.
        num_layers: Number of residual layers.
        num_hidden: Units of each.
        dropout_rate: Dropout rate of each, in [0, 1).
        num_inducing: Number of random features.
        gp_kernel_scale: Length scale of the kernel, or `"auto"` for the median distance in the first training batch.
        normalize_input: Layer-normalise the Gaussian process's inputs first.
        gp_cov_momentum: -1 adds each training batch to the covariance; a number in (0, 1) forgets old ones.
        gp_cov_ridge_penalty: Prior precision of the output weights, above 0.
        scale_random_features: Whether features carry the factor `sqrt(2 / num_inducing)`.
        l2_regularization: Factor of the L2 penalty on the output weights.
        gp_cov_likelihood: `"gaussian"`, `"binary_logistic"`, `"poisson"` or `"categorical"`.
        seed: Integer seed of the random features.
        name: The model's name.
        dtype: Dtype or dtype policy.
        trainable: Whether the model's weights are trained.

    Other settings of the Gaussian process: override `make_output_layer`.

    Call arguments:
        return_covmat: Return `(logits, covariance (batch, batch))` instead of logits.
    """

    def __init__(
        self,
        num_classes: int | None = None,
        spec_norm_bound: float | None = 0.9,
        *,
        num_layers: int = 3,
        num_hidden: int = 128,
        dropout_rate: float = 0.1,
        num_inducing: int = 1024,
        gp_kernel_scale: float | str = 1.0,
        normalize_input: bool = False,
        gp_cov_momentum: float | None = -1,
        gp_cov_ridge_penalty: float = 1.0,
        scale_random_features: bool = True,
        l2_regularization: float = 1e-6,
        gp_cov_likelihood: str = "gaussian",
        seed: int | None = None,
        name: str | None = None,
        dtype: str | keras.DTypePolicy | None = None,
        trainable: bool = True,
    ) -> None:
        # `make_output_layer` needs these, and is called while the network is made.
        self.num_inducing = num_inducing
        self.gp_kernel_scale = gp_kernel_scale
        self.normalize_input = normalize_input
        self.gp_cov_momentum = gp_cov_momentum
        self.gp_cov_ridge_penalty = gp_cov_ridge_penalty
        self.scale_random_features = scale_random_features
        self.l2_regularization = l2_regularization
        self.gp_cov_likelihood = gp_cov_likelihood
        self.seed = seed
        super().__init__(
            num_classes,
            num_layers,
            num_hidden,
            dropout_rate,
            spec_norm_bound,
            name=name,
            dtype=dtype,
            trainable=trainable,
        )

    def make_output_layer(self, num_classes: int) -> keras.layers.Layer:
        return RandomFeatureGaussianProcess(num_classes, **self._gaussian_process_settings())

    def _gaussian_process_settings(self) -> dict[str, Any]:
        return {
            "num_inducing": self.num_inducing,
            "gp_kernel_scale": self.gp_kernel_scale,
            "normalize_input": self.normalize_input,
            "gp_cov_momentum": self.gp_cov_momentum,
            "gp_cov_ridge_penalty": self.gp_cov_ridge_penalty,
            "scale_random_features": self.scale_random_features,
            "l2_regularization": self.l2_regularization,
            "gp_cov_likelihood": self.gp_cov_likelihood,
            "seed": self.seed,
        }

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self._gaussian_process_settings()}

    def call(self, inputs: Tensor, training: bool | None = None, return_covmat: bool = False) -> Tensor:
        hidden = self.last_hidden_units(inputs, training)
        if self.classifier is None:
            return hidden
        returns = "logits_and_covariance" if return_covmat and not training else "logits"
        return self.classifier(hidden, training=training, returns=returns)

    def predict_distribution(
        self,
        x: Any,
        *,
        method: str = "mean_field",
        num_samples: int = 100,
        seed: int | None = None,
        batch_size: int | None = None,
        verbose: str | int = 0,
    ) -> Prediction:
        """Probabilities, logits and variance; see `keras_sngp.predict_distribution`.

        Args:
            x: Whatever `predict` takes.
            method: `"mean_field"` or `"monte_carlo"`.
            num_samples: Number of Monte Carlo samples.
            seed: Integer seed of the Monte Carlo samples.
            batch_size: Rows a batch for arrays; 1024 by default.
            verbose: 1 or "auto" shows a progress bar.
        """
        return predict_distribution(
            self, x, method=method, num_samples=num_samples, seed=seed, batch_size=batch_size, verbose=verbose
        )


@register
class DeepResNetSNGPWithCovReset(DeepResNetSNGP):
    """`DeepResNetSNGP` whose `fit` resets the covariance at the start of each epoch; for tutorial code."""

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: Sequence[keras.callbacks.Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int = 1,
    ) -> keras.callbacks.History:
        """Trains like `keras.Model.fit`, whose arguments it takes, with a `ResetCovarianceCallback` added."""
        return super().fit(
            x=x,
            y=y,
            batch_size=batch_size,
            epochs=epochs,
            verbose=verbose,
            callbacks=[*(callbacks or []), ResetCovarianceCallback()],
            validation_split=validation_split,
            validation_data=validation_data,
            shuffle=shuffle,
            class_weight=class_weight,
            sample_weight=sample_weight,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps,
            validation_batch_size=validation_batch_size,
            validation_freq=validation_freq,
        )
