"""Brier score, batch by batch."""

import keras
from keras import ops

from keras_sngp._runtime.files import register
from keras_sngp.metrics.streaming.batches import batch_labels, batch_probabilities, batch_weights


@register
class BrierScore(keras.metrics.Metric):
    """Mean squared distance between probabilities and what happened, from 0 to 2.

    Args:
        from_logits: Whether the model gives logits.
        name: Name in the logs.
        dtype: Dtype of the result.

    Example:

    >>> metric = BrierScore()
    >>> metric.update_state([0], [[0.8, 0.2]])
    >>> round(float(metric.result()), 4)
    0.08

    Reference: see `keras_sngp.metrics.brier_score`.
    """

    def __init__(self, from_logits=False, name="brier_score", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.from_logits = from_logits
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        probabilities = batch_probabilities(y_pred, self.from_logits)
        classes = probabilities.shape[-1]
        happened = ops.one_hot(batch_labels(y_true, classes), classes)
        distance = ops.sum(ops.square(probabilities - ops.cast(happened, "float32")), axis=-1)
        weights = batch_weights(sample_weight, distance)
        self.total.assign_add(ops.cast(ops.sum(weights * distance), self.total.dtype))
        self.count.assign_add(ops.cast(ops.sum(weights), self.count.dtype))

    def result(self):
        return ops.divide_no_nan(self.total, self.count)

    def get_config(self):
        return {**super().get_config(), "from_logits": self.from_logits}
