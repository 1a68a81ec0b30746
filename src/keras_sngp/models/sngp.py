"""SNGP: a classifier that knows how far an input is from its training data."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Self

import keras
import numpy as np
import numpy.typing as npt

from keras_sngp._runtime.files import register, save_atomically
from keras_sngp._runtime.input_checks import check_inputs, check_labels, is_array_like
from keras_sngp._runtime.keras_internals import weights_kept_on_error
from keras_sngp._runtime.ops import Tensor
from keras_sngp.calibration.mean_field import MeanFieldCalibration
from keras_sngp.layers.gaussian_process import RandomFeatureGaussianProcess
from keras_sngp.layers.mean_field import MEAN_FIELD_FACTOR
from keras_sngp.layers.posterior import PosteriorState
from keras_sngp.layers.spectral_norm_constraint import constrain_kernels
from keras_sngp.models.export.export import export_model
from keras_sngp.models.graph_copy import is_graph, layer_at
from keras_sngp.models.posterior_calibration import calibrate
from keras_sngp.models.posterior_pass import fit_posterior, update_posterior
from keras_sngp.models.prediction import Prediction
from keras_sngp.models.predictive_distribution import predict_distribution, require_posterior


@register
class SNGP(keras.Model):
    r"""A Spectral-normalized Neural Gaussian Process on any feature extractor.

    .. math::
        f(x) = \phi(h(x))^T \beta + b, \qquad
        p(y | x) = \mathrm{softmax}\left(\frac{f(x)}{\sqrt{1 + \lambda v(x)}}\right)

    `h` is the backbone, `phi` random features of a Gaussian kernel, and `v(x)` the posterior variance of the
    logits, which grows with the distance of `h(x)` from the training data. For `h` to keep distances, bound its
    hidden layers with `SpectralNormalization` and make its blocks residual, as `DeepResNet` does.

    `fit` trains as usual, then computes the exact posterior in one pass over the training data. `predict` and
    `evaluate` give mean-field logits; `predict_distribution` and `export` add the variance. Compile it with a
    loss that takes logits. While training, and until the posterior is fitted, its outputs are the plain logits.

    Args:
        backbone: A `keras.Model` that gives features `(batch, width)`.
        num_classes: Number of classes; 1 for a single logit.
        num_inducing: Number of random features `M`.
        gp_kernel_type: `"gaussian"`, `"laplacian"` or `"linear"`; see `RandomFeatures`.
        gp_kernel_scale: Length scale of the kernel, or `"auto"`: the typical distance of the training features from
            half their mean; in the plain geometry the median distance between the rows of the first training batch.
        gp_kernel_amplitude: Factor of the random features.
        gp_geometry: `"polar"`: the kernel compares directions from a point halfway to the mean of the training
            features, and distances from there, see `PolarProjection`. It detects other inputs on pretrained features,
            where `"plain"`, the geometry of the SNGP tutorial, is near chance.
        gp_output_bias: First value of the logits' bias.
        normalize_input: Layer-normalise the features first, which hides their norm from the kernel.
        gp_output_bias_trainable: Whether the bias is trained.
        gp_cov_momentum: None for one exact pass after training; -1 or a number in (0, 1) to add up or average the
            covariance as the model trains: see `RandomFeatureGaussianProcess`.
        gp_cov_ridge_penalty: Prior precision of the output weights, above 0.
        scale_random_features: Whether features carry the factor `sqrt(2 / M)`. False, unlike in the layer, so that the
            output layer learns as fast as a dense one. Steps of plain SGD grow with the number of features then; at a
            rate of 0.1 take True with `gp_kernel_amplitude=11.3`, which is the size of 256 features without it,
            however many there are.
        orthogonal_random_features: Draw the features' directions in orthogonal blocks.
        l2_regularization: Factor of the L2 penalty on the output weights.
        gp_cov_likelihood: `"gaussian"`, `"binary_logistic"`, `"poisson"` or `"categorical"`: how much each training
            row adds to the posterior precision.
        gp_cov_per_class: Keep a covariance a class; only for `"categorical"`. None: for 3 to 10 classes.
        mean_field_factor: `lambda`, by default `pi / 8`; `calibrate` fits it to held-out data.
        kernel_initializer: First value of the output weights. Zeros keep logits at 0 far from the data.
        seed: Integer seed of the random features.
        constrained_layers: Paths of composite layers of a functional backbone, and the bound on the kernels inside
            each: see `constrain_kernels`. `convert` fills it in.
        name: The model's name.
        dtype: Dtype or dtype policy of the model.
        trainable: Whether its weights are trained.

    Example:

    >>> model = SNGP(backbone, num_classes=2)
    >>> model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    >>> history = model.fit(x, y, epochs=2, verbose=0)
    >>> prediction = model.predict_distribution(x)
    >>> prediction.probabilities.shape, prediction.variance.shape
    ((40, 2), (40,))

    Reference:
        Liu et al. 2020, "Simple and Principled Uncertainty Estimation with Deterministic Deep Learning via Distance
        Awareness", arXiv:2006.10108, algorithm 1; Liu et al. 2022, arXiv:2205.00403.
    """

    def __init__(
        self,
        backbone: keras.Model,
        num_classes: int,
        num_inducing: int = 1024,
        *,
        gp_kernel_type: str = "gaussian",
        gp_kernel_scale: float | str = "auto",
        gp_kernel_amplitude: float = 1.0,
        gp_geometry: str = "polar",
        gp_output_bias: float = 0.0,
        normalize_input: bool = False,
        gp_output_bias_trainable: bool = False,
        gp_cov_momentum: float | None = None,
        gp_cov_ridge_penalty: float = 1.0,
        scale_random_features: bool = False,
        orthogonal_random_features: bool = False,
        l2_regularization: float = 1e-6,
        gp_cov_likelihood: str = "gaussian",
        gp_cov_per_class: bool | None = None,
        mean_field_factor: float = MEAN_FIELD_FACTOR,
        kernel_initializer: str | keras.initializers.Initializer = "zeros",
        seed: int | None = None,
        constrained_layers: Mapping[str, float] | None = None,
        name: str | None = None,
        dtype: str | keras.DTypePolicy | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(name=name, dtype=dtype, trainable=trainable)
        if not isinstance(backbone, keras.layers.Layer):
            raise TypeError(
                "`backbone` must be a keras.Model that gives features (batch, width). "
                f"Received: {type(backbone).__name__}"
            )
        self.backbone = backbone
        self.num_classes = num_classes
        self.num_inducing = num_inducing
        self.gp_kernel_scale = gp_kernel_scale
        self.mean_field_factor = mean_field_factor
        self.constrained_layers = dict(constrained_layers or {})
        for path, norm_multiplier in self.constrained_layers.items():
            constrain_kernels(layer_at(backbone, path), norm_multiplier)
        self.gaussian_process = RandomFeatureGaussianProcess(
            num_classes,
            num_inducing,
            gp_kernel_type=gp_kernel_type,
            gp_kernel_scale=gp_kernel_scale,
            gp_kernel_amplitude=gp_kernel_amplitude,
            gp_geometry=gp_geometry,
            gp_output_bias=gp_output_bias,
            normalize_input=normalize_input,
            gp_output_bias_trainable=gp_output_bias_trainable,
            gp_cov_momentum=gp_cov_momentum,
            gp_cov_ridge_penalty=gp_cov_ridge_penalty,
            scale_random_features=scale_random_features,
            orthogonal_random_features=orthogonal_random_features,
            l2_regularization=l2_regularization,
            gp_cov_likelihood=gp_cov_likelihood,
            gp_cov_per_class=gp_cov_per_class,
            mean_field_factor=mean_field_factor,
            kernel_initializer=kernel_initializer,
            seed=seed,
            returns="mean_field_logits",
            name="gaussian_process",
        )
        if is_graph(backbone):
            self.gaussian_process.build(backbone.output_shape)
            self.build(backbone.input_shape)

    def call(self, inputs: Any, training: bool | None = None) -> Tensor:
        features = self.backbone(inputs, training=training)
        return self.gaussian_process(features, training=training)

    @property
    def posterior_state(self) -> PosteriorState:
        """Whether the posterior is unfitted, fitted or stale."""
        layer = self.gaussian_process
        return layer.posterior_state if layer.built else PosteriorState.UNFITTED

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
        """Trains like `keras.Model.fit`, then fits the posterior in one exact pass over the training data.

        With `validation_split` the posterior uses the training part only. A generator must be able to give
        `steps_per_epoch` more batches after training. `sample_weight` counts in the posterior, `class_weight` in
        training alone.

        Args:
            x: Inputs: arrays, or what comes in batches: tf.data.Dataset, PyDataset, torch DataLoader, generator.
            y: Labels of arrays: class numbers, or one-hot rows; None where the batches hold them.
            batch_size: Rows a batch for arrays; 32 by default.
            epochs: Number of passes over the data, or rather of the last epoch, if `initial_epoch` is above 0.
            verbose: 1 or "auto" shows a progress bar, 2 a line an epoch, 0 nothing.
            callbacks: Keras callbacks.
            validation_split: Share of the rows of arrays, the last ones, to validate on instead of training on them.
            validation_data: Data to validate on after each epoch: `(x, y)`, `(x, y, sample_weight)` or batches.
            shuffle: Whether to draw the rows of arrays in another order in each epoch.
            class_weight: How much each class counts in the loss, by class number.
            sample_weight: How much each row of arrays counts, `(rows,)`.
            initial_epoch: Epoch to begin with, to go on with an earlier training.
            steps_per_epoch: Batches an epoch; needed for generators that do not end.
            validation_steps: Batches to validate on, of a `validation_data` that comes in batches.
            validation_batch_size: Rows a batch in validation; `batch_size` by default.
            validation_freq: Epochs between validations.

        Returns:
            Keras's `History` of the training.

        Raises:
            ValueError: inputs that are empty, not finite or of another shape, or labels out of range.
        """
        check_inputs(x, self)
        check_labels(y, self.num_classes)
        with weights_kept_on_error(self):
            history = super().fit(
                x=x,
                y=y,
                batch_size=batch_size,
                epochs=epochs,
                verbose=verbose,
                callbacks=callbacks,
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
        x, sample_weight = _training_part(x, sample_weight, validation_split)
        self.fit_posterior(x, sample_weight=sample_weight, steps=steps_per_epoch, verbose=verbose)
        return history

    def fit_posterior(
        self,
        x: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        batch_size: int | None = None,
        steps: int | None = None,
        verbose: str | int = 0,
    ) -> None:
        """Computes the exact posterior from training data; see `keras_sngp.fit_posterior`.

        Args:
            x: Whatever `fit` takes.
            y: Not used, so that the arguments of `fit` can be passed on.
            sample_weight: With arrays, how often each row counts.
            batch_size: Rows a batch for arrays; 1024 by default.
            steps: Number of batches to take, for generators that do not end.
            verbose: 1 or "auto" shows a progress bar.
        """
        fit_posterior(self, x, y, sample_weight=sample_weight, batch_size=batch_size, steps=steps, verbose=verbose)

    def update_posterior(
        self,
        x: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        batch_size: int | None = None,
        steps: int | None = None,
        verbose: str | int = 0,
    ) -> None:
        """Adds new data to the posterior; see `keras_sngp.update_posterior`.

        Args:
            x: Whatever `fit` takes.
            y: Not used, so that the arguments of `fit` can be passed on.
            sample_weight: With arrays, how often each row counts.
            batch_size: Rows a batch for arrays; 1024 by default.
            steps: Number of batches to take, for generators that do not end.
            verbose: 1 or "auto" shows a progress bar.
        """
        update_posterior(self, x, y, sample_weight=sample_weight, batch_size=batch_size, steps=steps, verbose=verbose)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        steps: int | None = None,
        callbacks: Sequence[keras.callbacks.Callback] | None = None,
    ) -> npt.NDArray[np.floating]:
        """Mean-field logits `(rows, classes)`, like `keras.Model.predict`; needs a fitted posterior.

        Args:
            x: Inputs: arrays, or what comes in batches.
            batch_size: Rows a batch for arrays; 32 by default.
            verbose: 1 or "auto" shows a progress bar, 2 a line, 0 nothing.
            steps: Number of batches to take, for generators that do not end.
            callbacks: Keras callbacks.

        Raises:
            ValueError: inputs that are empty, not finite or of another shape, or no fitted posterior.
        """
        check_inputs(x, self)
        require_posterior(self)
        with weights_kept_on_error(self):
            logits: npt.NDArray[np.floating] = super().predict(
                x, batch_size=batch_size, verbose=verbose, steps=steps, callbacks=callbacks
            )
        return logits

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

    def calibrate(self, x: Any, y: Any, *, batch_size: int | None = None) -> MeanFieldCalibration:
        """Fits the mean-field factor and a temperature to held-out data; see `keras_sngp.calibrate`.

        Args:
            x: Arrays of held-out inputs.
            y: Their labels.
            batch_size: Rows a batch; 1024 by default.
        """
        return calibrate(self, x, y, batch_size=batch_size)

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True, zipped: bool | None = None) -> None:
        """Saves the whole model as a `.keras` file, which appears only once it is complete.

        Args:
            filepath: What to write.
            overwrite: Whether to replace what is there.
            zipped: As in `keras.Model.save`.
        """
        save_atomically(super().save, filepath, overwrite, zipped=zipped)

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Saves the weights, posterior included, as a `.weights.h5` file, which appears only once it is complete.

        Args:
            filepath: What to write.
            overwrite: Whether to replace what is there.
        """
        save_atomically(super().save_weights, filepath, overwrite)

    def export(
        self,
        filepath: str | os.PathLike[str],
        format: str = "tf_saved_model",
        *,
        input_signature: Any = None,
        converter_options: Mapping[str, Any] | None = None,
        verbose: bool = False,
    ) -> None:
        """Writes a program that gives probabilities, logits and variance; see `keras_sngp.export_model`.

        Args:
            filepath: What to write.
            format: `"tf_saved_model"`, `"onnx"`, `"litert"` or `"openvino"`.
            input_signature: As in `keras.Model.export`; by default read from the model.
            converter_options: Options of the format's converter.
            verbose: Whether to print where the program was saved.
        """
        export_model(
            self,
            filepath,
            format,
            input_signature=input_signature,
            converter_options=converter_options,
            verbose=verbose,
        )

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "num_classes": self.num_classes,
            "constrained_layers": dict(self.constrained_layers),
            **self.gaussian_process.settings(),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Self:
        backbone = keras.saving.deserialize_keras_object(config["backbone"], custom_objects)
        # A file without a geometry was written when there was only the plain one.
        return cls(**{"gp_geometry": "plain", **config, "backbone": backbone})


def _training_part(x: Any, sample_weight: Any, validation_split: float) -> tuple[Any, Any]:
    if not is_array_like(x) or not validation_split:
        return x, sample_weight
    rows = len(keras.tree.flatten(x)[0])
    training_rows = int(rows * (1.0 - validation_split))
    parts: tuple[Any, Any] = keras.tree.map_structure(
        lambda array: None if array is None else array[:training_rows], (x, sample_weight)
    )
    return parts
