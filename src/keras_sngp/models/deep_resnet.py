"""The residual networks of the SNGP tutorial."""

import os
from typing import Any

import keras

from keras_sngp._runtime.files import register, save_atomically
from keras_sngp._runtime.ops import Tensor
from keras_sngp.layers.dropout import Dropout
from keras_sngp.layers.spectral_normalization import SpectralNormalization
from keras_sngp.models.deterministic import Deterministic
from keras_sngp.models.prediction import Prediction


@register
class DeepResNet(keras.Model):
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
        name: The model's name.
        dtype: Dtype or dtype policy.
        trainable: Whether the model's weights are trained.

    Example:

    >>> tuple(DeepResNet(num_classes=2, num_layers=6)(np.zeros((5, 2))).shape)
    (5, 2)

    Reference: the public TensorFlow tutorial "Uncertainty-aware deep learning with SNGP".
    """

    def __init__(
        self,
        num_classes: int | None = None,
        num_layers: int = 3,
        num_hidden: int = 128,
        dropout_rate: float = 0.1,
        spec_norm_bound: float | None = None,
        name: str | None = None,
        dtype: str | keras.DTypePolicy | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(name=name, dtype=dtype, trainable=trainable)
        self.num_classes = num_classes
        self.num_layers = num_layers
        self.num_hidden = num_hidden
        self.dropout_rate = dropout_rate
        self.spec_norm_bound = spec_norm_bound
        self.input_layer = keras.layers.Dense(num_hidden, trainable=False)
        self.dense_layers = [self.make_dense_layer() for _ in range(num_layers)]
        self.dropout_layers = [Dropout(dropout_rate) for _ in range(num_layers)]
        self.classifier = None if num_classes is None else self.make_output_layer(num_classes)

    def make_dense_layer(self) -> keras.layers.Layer:
        """Returns one hidden layer of `num_hidden` units."""
        dense = keras.layers.Dense(self.num_hidden, activation="relu")
        if self.spec_norm_bound is None:
            return dense
        return SpectralNormalization(dense, norm_multiplier=self.spec_norm_bound)

    def make_output_layer(self, num_classes: int) -> keras.layers.Layer:
        """Returns the layer that gives the logits."""
        return keras.layers.Dense(num_classes)

    def last_hidden_units(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """The features `(batch, num_hidden)` that go into the output layer."""
        hidden = self.input_layer(inputs)
        for dense, dropout in zip(self.dense_layers, self.dropout_layers, strict=True):
            hidden = hidden + dropout(dense(hidden, training=training), training=training)
        return hidden

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        hidden = self.last_hidden_units(inputs, training)
        return hidden if self.classifier is None else self.classifier(hidden, training=training)

    def predict_distribution(self, x: Any, *, batch_size: int | None = None, verbose: str | int = 0) -> Prediction:
        """The softmax of the logits, as a `Prediction`.

        Args:
            x: Whatever `predict` takes.
            batch_size: Rows a batch for arrays; 1024 by default.
            verbose: 1 or "auto" shows a progress bar.
        """
        return Deterministic(self).predict_distribution(x, batch_size=batch_size, verbose=verbose)

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

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "num_classes": self.num_classes,
            "num_layers": self.num_layers,
            "num_hidden": self.num_hidden,
            "dropout_rate": self.dropout_rate,
            "spec_norm_bound": self.spec_norm_bound,
        }
