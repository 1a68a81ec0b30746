"""Accuracy with an oracle's help, batch by batch."""

import keras
from keras import ops

from keras_sngp._runtime.files import register
from keras_sngp.metrics.streaming.batches import batch_labels, batch_probabilities, batch_weights


@register
class OracleCollaborativeAccuracy(keras.metrics.Metric):
    """Accuracy when the least confident share of rows is answered by somebody who is always right.

    Rows are gathered in bins of confidence, and the bin in which the share ends counts in part: with a thousand bins
    the result is within a thousandth in confidence of that of `keras_sngp.metrics.oracle_collaborative_accuracy`.

    Args:
        share: Share of rows handed over, from 0 to 1.
        num_bins: Number of bins of confidence.
        from_logits: Whether the model gives logits.
        name: Name in the logs.
        dtype: Dtype of the result.

    Example:

    >>> metric = OracleCollaborativeAccuracy(share=0.5)
    >>> metric.update_state([0, 1], [[0.9, 0.1], [0.6, 0.4]])
    >>> float(metric.result())
    1.0

    Reference: Kivlichan et al. 2021, arXiv:2107.04212.
    """

    def __init__(self, share=0.05, num_bins=1000, from_logits=False, name="oracle_collaborative_accuracy", dtype=None):
        super().__init__(name=name, dtype=dtype)
        if not 0 <= share <= 1:
            raise ValueError(f"`share` must be from 0 to 1. Received: {share}")
        self.share = share
        self.num_bins = num_bins
        self.from_logits = from_logits
        self.counts = self.add_variable((num_bins,), "zeros", name="counts")
        self.mistakes = self.add_variable((num_bins,), "zeros", name="mistakes")

    def update_state(self, y_true, y_pred, sample_weight=None):
        probabilities = batch_probabilities(y_pred, self.from_logits)
        labels = ops.cast(batch_labels(y_true, probabilities.shape[-1]), "int32")
        confidence = ops.max(probabilities, axis=-1)
        wrong = ops.cast(ops.not_equal(ops.cast(ops.argmax(probabilities, axis=-1), "int32"), labels), "float32")
        bins = ops.minimum(ops.cast(confidence * self.num_bins, "int32"), self.num_bins - 1)
        weights = batch_weights(sample_weight, confidence)
        self.counts.assign_add(ops.segment_sum(weights, bins, self.num_bins))
        self.mistakes.assign_add(ops.segment_sum(weights * wrong, bins, self.num_bins))

    def result(self):
        counts = ops.convert_to_tensor(self.counts)
        total = ops.sum(counts)
        before = ops.cumsum(counts) - counts
        taken = ops.clip(self.share * total - before, 0.0, counts)
        left = ops.sum(self.mistakes * (1 - ops.divide_no_nan(taken, counts)))
        return ops.where(total > 0, 1 - ops.divide_no_nan(left, total), 0.0)

    def get_config(self):
        config = {name: getattr(self, name) for name in ("share", "num_bins", "from_logits")}
        return {**super().get_config(), **config}
