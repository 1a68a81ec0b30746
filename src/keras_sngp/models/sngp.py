"""SNGP: a classifier that knows how far an input is from its training data."""

import inspect
from typing import Any

import keras

from keras_sngp._runtime.files import register, save_atomically
from keras_sngp._runtime.input_checks import check_inputs, check_labels, is_array_like
from keras_sngp._runtime.keras_internals import UntrackedJaxState, weights_kept_on_error
from keras_sngp.calibration.mean_field import MeanFieldCalibration
from keras_sngp.layers.gaussian_process import RandomFeatureGaussianProcess
from keras_sngp.layers.mean_field import MEAN_FIELD_FACTOR
from keras_sngp.layers.posterior import PosteriorState
from keras_sngp.layers.spectral_norm_constraint import constrain_kernels
from keras_sngp.models.conversion.graph_copy import is_graph, layer_at
from keras_sngp.models.export.export import export_model
from keras_sngp.models.posterior_calibration import calibrate
from keras_sngp.models.posterior_pass import fit_posterior, update_posterior
from keras_sngp.models.prediction import Prediction
from keras_sngp.models.predictive_distribution import predict_distribution, require_posterior

_FIT_SIGNATURE = inspect.signature(keras.Model.fit)


@register
class SNGP(UntrackedJaxState, keras.Model):
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
        gp_kernel_scale: Length scale of the kernel, or `"auto"` for the median distance between the rows of the
            first training batch.
        mean_field_factor: `lambda`, by default `pi / 8`; `calibrate` fits it to held-out data.
        constrained_layers: Paths of composite layers of a functional backbone, and the bound on the kernels inside
            each: see `constrain_kernels`. `convert` fills it in.
        **gp_arguments: Further arguments of `RandomFeatureGaussianProcess`. Here `scale_random_features` is False
            by default, so that the output layer learns as fast as a dense one. Steps of plain SGD grow with the
            number of features then; at a rate of 0.1 take True with `gp_kernel_amplitude=11.3`, which is the size
            of 256 features without it, however many there are.

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
        backbone,
        num_classes,
        num_inducing=1024,
        *,
        gp_kernel_scale="auto",
        mean_field_factor=MEAN_FIELD_FACTOR,
        constrained_layers=None,
        name=None,
        dtype=None,
        trainable=True,
        **gp_arguments,
    ):
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
        self.gp_arguments = {"scale_random_features": False, **gp_arguments}
        self.gaussian_process = RandomFeatureGaussianProcess(
            num_classes,
            num_inducing,
            gp_kernel_scale=gp_kernel_scale,
            mean_field_factor=mean_field_factor,
            returns="mean_field_logits",
            name="gaussian_process",
            **self.gp_arguments,
        )
        if is_graph(backbone):
            self.gaussian_process.build(backbone.output_shape)
            self.build(backbone.input_shape)

    def call(self, inputs, training=None):
        features = self.backbone(inputs, training=training)
        return self.gaussian_process(features, training=training)

    @property
    def posterior_state(self) -> PosteriorState:
        """Whether the posterior is unfitted, fitted or stale."""
        layer = self.gaussian_process
        return layer.posterior_state if layer.built else PosteriorState.UNFITTED

    def fit(self, *args, **kwargs):
        """Trains like `keras.Model.fit`, then fits the posterior in one exact pass over the training data.

        With `validation_split` the posterior uses the training part only. A generator must be able to give
        `steps_per_epoch` more batches after training. `sample_weight` counts in the posterior, `class_weight` in
        training alone.
        """
        arguments = _FIT_SIGNATURE.bind(self, *args, **kwargs)
        arguments.apply_defaults()
        given = arguments.arguments
        check_inputs(given["x"], self)
        check_labels(given["y"], self.num_classes)
        with weights_kept_on_error(self):
            history = super().fit(*args, **kwargs)
        x, sample_weight = _training_part(given["x"], given["sample_weight"], given["validation_split"])
        self.fit_posterior(
            x,
            sample_weight=sample_weight,
            steps=given["steps_per_epoch"],
            verbose=given["verbose"],
        )
        return history

    def fit_posterior(self, x, y=None, **options) -> None:
        """Computes the exact posterior from training data; see `keras_sngp.fit_posterior`."""
        fit_posterior(self, x, y, **options)

    def update_posterior(self, x, y=None, **options) -> None:
        """Adds new data to the posterior; see `keras_sngp.update_posterior`."""
        update_posterior(self, x, y, **options)

    def predict(self, x, *args, **kwargs):
        """Mean-field logits `(rows, classes)`, like `keras.Model.predict`; needs a fitted posterior."""
        check_inputs(x, self)
        require_posterior(self)
        with weights_kept_on_error(self):
            return super().predict(x, *args, **kwargs)

    def predict_distribution(self, x, **options) -> Prediction:
        """Probabilities, logits and variance; see `keras_sngp.predict_distribution`."""
        return predict_distribution(self, x, **options)

    def calibrate(self, x, y, **options) -> MeanFieldCalibration:
        """Fits the mean-field factor and a temperature to held-out data; see `keras_sngp.calibrate`."""
        return calibrate(self, x, y, **options)

    def save(self, filepath, overwrite=True, **options):
        """Saves the whole model as a `.keras` file, which appears only once it is complete."""
        save_atomically(super().save, filepath, overwrite, **options)

    def save_weights(self, filepath, overwrite=True, **options):
        """Saves the weights, posterior included, as a `.weights.h5` file."""
        save_atomically(super().save_weights, filepath, overwrite, **options)

    def export(self, filepath, format="tf_saved_model", **options) -> None:
        """Writes a program that gives probabilities, logits and variance; see `keras_sngp.export_model`."""
        export_model(self, filepath, format, **options)

    def get_config(self):
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "num_classes": self.num_classes,
            "num_inducing": self.num_inducing,
            "gp_kernel_scale": self.gp_kernel_scale,
            "mean_field_factor": self.mean_field_factor,
            "constrained_layers": dict(self.constrained_layers),
            **self.gp_arguments,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        backbone = keras.saving.deserialize_keras_object(config["backbone"], custom_objects)
        return cls(**{**config, "backbone": backbone})


def _training_part(x: Any, sample_weight: Any, validation_split: float):
    if not is_array_like(x) or not validation_split:
        return x, sample_weight
    rows = len(keras.tree.flatten(x)[0])
    training_rows = int(rows * (1.0 - validation_split))
    return keras.tree.map_structure(lambda array: None if array is None else array[:training_rows], (x, sample_weight))
