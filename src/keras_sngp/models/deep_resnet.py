"""The residual networks of the SNGP tutorial."""

import keras

from keras_sngp._runtime.files import register, save_atomically
from keras_sngp._runtime.keras_internals import UntrackedJaxState
from keras_sngp.layers.dropout import Dropout
from keras_sngp.layers.spectral_normalization import SpectralNormalization
from keras_sngp.models.deterministic import Deterministic
from keras_sngp.models.prediction import Prediction


@register
class DeepResNet(UntrackedJaxState, keras.Model):
    """Fully connected residual network for rows of numbers.

    A frozen dense layer projects the input to `num_hidden` units; then `num_layers` times
    `hidden += dropout(relu(dense(hidden)))`; then an output layer. `make_dense_layer` and `make_output_layer` are
    the two methods a subclass changes.

    Args:
        num_classes: Number of logits; None gives the last hidden units instead, as the backbone of an `SNGP`.
        num_layers: Number of residual layers.
        num_hidden: Units of each.
        dropout_rate: Dropout rate of each, in [0, 1).
        spec_norm_bound: Bound of the spectral norm of each residual layer; None leaves them unbounded.
        **classifier_kwargs: Arguments of the output layer.

    Example:

    >>> tuple(DeepResNet(num_classes=2, num_layers=6)(np.zeros((5, 2))).shape)
    (5, 2)

    Reference: the public TensorFlow tutorial "Uncertainty-aware deep learning with SNGP".
    """

    def __init__(
        self,
        num_classes=None,
        num_layers=3,
        num_hidden=128,
        dropout_rate=0.1,
        spec_norm_bound=None,
        name=None,
        dtype=None,
        trainable=True,
        **classifier_kwargs,
    ):
        super().__init__(name=name, dtype=dtype, trainable=trainable)
        self.num_classes = num_classes
        self.num_layers = num_layers
        self.num_hidden = num_hidden
        self.dropout_rate = dropout_rate
        self.spec_norm_bound = spec_norm_bound
        self.classifier_kwargs = classifier_kwargs
        self.input_layer = keras.layers.Dense(num_hidden, trainable=False)
        self.dense_layers = [self.make_dense_layer() for _ in range(num_layers)]
        self.dropout_layers = [Dropout(dropout_rate) for _ in range(num_layers)]
        self.classifier = None if num_classes is None else self.make_output_layer(num_classes)

    def make_dense_layer(self):
        """Returns one hidden layer of `num_hidden` units."""
        dense = keras.layers.Dense(self.num_hidden, activation="relu")
        if self.spec_norm_bound is None:
            return dense
        return SpectralNormalization(dense, norm_multiplier=self.spec_norm_bound)

    def make_output_layer(self, num_classes):
        """Returns the layer that gives the logits."""
        return keras.layers.Dense(num_classes, **self.classifier_kwargs)

    def last_hidden_units(self, inputs, training=None):
        """The features `(batch, num_hidden)` that go into the output layer."""
        hidden = self.input_layer(inputs)
        for dense, dropout in zip(self.dense_layers, self.dropout_layers, strict=True):
            hidden = hidden + dropout(dense(hidden, training=training), training=training)
        return hidden

    def call(self, inputs, training=None):
        hidden = self.last_hidden_units(inputs, training)
        return hidden if self.classifier is None else self.classifier(hidden, training=training)

    def predict_distribution(self, x, **options) -> Prediction:
        """The softmax of the logits, as a `Prediction`."""
        return Deterministic(self).predict_distribution(x, **options)

    def save(self, filepath, overwrite=True, **options):
        """Saves the whole model as a `.keras` file, which appears only once it is complete."""
        save_atomically(super().save, filepath, overwrite, **options)

    def save_weights(self, filepath, overwrite=True, **options):
        """Saves the weights, posterior included, as a `.weights.h5` file."""
        save_atomically(super().save_weights, filepath, overwrite, **options)

    def get_config(self):
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "num_classes": self.num_classes,
            "num_layers": self.num_layers,
            "num_hidden": self.num_hidden,
            "dropout_rate": self.dropout_rate,
            "spec_norm_bound": self.spec_norm_bound,
            **self.classifier_kwargs,
        }
