"""MC dropout: the same network many times, each time with other units dropped."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
from keras import ops

from keras_sngp._runtime.batches import ROWS_PER_BATCH, predict_in_batches
from keras_sngp._runtime.keras_internals import layers_of
from keras_sngp._runtime.ops import Tensor, dropout
from keras_sngp._runtime.random_state import random_state_kept, seed_everything
from keras_sngp.metrics.probabilities import as_probabilities
from keras_sngp.models.prediction import Prediction

DROPOUT_LAYERS = (
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
    keras.layers.GaussianDropout,
    keras.layers.AlphaDropout,
)


class MCDropout:
    r"""Averages the softmax over passes with dropout switched on.

    .. math:: p(y | x) = \frac{1}{S} \sum_{s=1}^S \mathrm{softmax}(f(x; \text{mask}_s))

    Only dropout layers act as in training. Batch normalisation and everything else stay in inference mode, and none
    of their statistics move. Each row gets masks of its own.

    Args:
        model: A trained Keras classifier with at least one dropout layer of a rate above 0.
        num_samples: Number of passes `S`.
        from_logits: Whether the model ends in logits rather than in a softmax or sigmoid.

    Raises:
        ValueError: the model has no dropout, or `num_samples` is below 1.

    Example:

    >>> MCDropout(classifier, num_samples=10).predict_distribution(x).mutual_information.shape
    (40,)

    Reference: Gal and Ghahramani 2016, arXiv:1506.02142, equation 6.
    """

    def __init__(self, model: keras.Model, num_samples: int = 10, from_logits: bool = True) -> None:
        if not isinstance(num_samples, int) or num_samples < 1:
            raise ValueError(f"`num_samples` must be an integer of at least 1. Received: {num_samples!r}")
        self.model = model
        self.num_samples = num_samples
        self.from_logits = from_logits
        self.dropout_layers = [
            layer for layer in layers_of(model) if isinstance(layer, DROPOUT_LAYERS) and layer.rate > 0
        ]
        if not self.dropout_layers:
            raise ValueError(
                "MC dropout needs a model with a dropout layer of a rate above 0. "
                f"Received: {model.name!r}, which has none"
            )
        self._sampler = _DropoutSampler(model, self.dropout_layers, num_samples)

    def predict_distribution(
        self,
        x: Any,
        *,
        batch_size: int | None = None,
        seed: int | None = None,
        verbose: str | int = 0,
    ) -> Prediction:
        """Mean probabilities, and each pass's as `samples`.

        Args:
            x: Whatever `model.predict` takes.
            batch_size: Rows times samples a batch for arrays; 1024 by default.
            seed: Integer seed of the masks; None goes on from the layers' own.
            verbose: 1 or "auto" shows a progress bar.
        """
        if seed is not None:
            _seed_masks(self.dropout_layers, seed)
        rows = max((batch_size or ROWS_PER_BATCH) // self.num_samples, 1)
        outputs = predict_in_batches(self._sampler, x, rows, verbose, shape_of=self.model)
        samples = as_probabilities(outputs, self.from_logits).swapaxes(0, 1)
        return Prediction(samples.mean(axis=0), samples=samples)


class _DropoutSampler(keras.Model):
    """Gives `(rows, samples, classes)` in one pass over each row repeated `num_samples` times."""

    def __init__(self, model: keras.Model, dropout_layers: list[keras.layers.Layer], num_samples: int) -> None:
        super().__init__(name=f"{model.name}_with_dropout")
        self.model = model
        self.dropout_layers = dropout_layers
        self.num_samples = num_samples

    def call(self, inputs: Any) -> Tensor:
        repeated = keras.tree.map_structure(lambda tensor: ops.repeat(tensor, self.num_samples, axis=0), inputs)
        with _switched_on(self.dropout_layers):
            outputs = self.model(repeated, training=False)
        return ops.reshape(outputs, (-1, self.num_samples, outputs.shape[-1]))


def _seed_masks(dropout_layers: list[keras.layers.Layer], seed: int) -> None:
    for number, layer in enumerate(dropout_layers):
        layer.seed_generator.state.assign([seed, number])
    # On PyTorch, dropout without a seed of its own draws from the global generator.
    with random_state_kept():
        seed_everything(seed)


@contextlib.contextmanager
def _switched_on(dropout_layers: list[keras.layers.Layer]) -> Iterator[None]:
    for layer in dropout_layers:
        layer.call = _in_training(layer)
    try:
        yield
    finally:
        for layer in dropout_layers:
            del layer.call


def _in_training(layer: keras.layers.Layer) -> Callable[..., Tensor]:
    if type(layer) is keras.layers.Dropout:
        return lambda inputs, training=None: dropout(inputs, layer.rate, layer.seed_generator, layer.noise_shape)
    call: Callable[..., Tensor] = layer.call
    return lambda inputs, training=None: call(inputs, training=True)
