"""Calibration errors over bins of equal width, batch by batch."""

import keras
from keras import ops

from keras_sngp._runtime.files import register
from keras_sngp.metrics.streaming.batches import batch_labels, batch_probabilities, batch_weights


class _BinnedMetric(keras.metrics.Metric):
    """Sums of weights and of gaps, each row in the bin of its confidence."""

    def __init__(self, num_bins, from_logits, name, dtype, rows_of_bins=1):
        super().__init__(name=name, dtype=dtype)
        if not isinstance(num_bins, int) or num_bins < 1:
            raise ValueError(f"`num_bins` must be a whole number of at least 1. Received: {num_bins}")
        self.num_bins = num_bins
        self.from_logits = from_logits
        size = rows_of_bins * num_bins
        self.counts = self.add_variable((size,), "zeros", name="counts")
        self.gaps = self.add_variable((size,), "zeros", name="gaps")

    def add_to_bins(self, confidence, came_true, weights, first_bins=0):
        """Adds rows, all of them `(rows,)`, each to a bin counted from its first one."""
        bins = ops.minimum(ops.cast(confidence * self.num_bins, "int32"), self.num_bins - 1) + first_bins
        gaps = weights * (ops.cast(came_true, "float32") - confidence)
        size = self.counts.shape[0]
        self.counts.assign_add(ops.cast(ops.segment_sum(weights, bins, size), self.counts.dtype))
        self.gaps.assign_add(ops.cast(ops.segment_sum(gaps, bins, size), self.gaps.dtype))

    def add_top_label(self, y_true, y_pred, sample_weight):
        probabilities = batch_probabilities(y_pred, self.from_logits)
        labels = batch_labels(y_true, probabilities.shape[-1])
        correct = ops.equal(ops.cast(ops.argmax(probabilities, axis=-1), "int32"), ops.cast(labels, "int32"))
        confidence = ops.max(probabilities, axis=-1)
        self.add_to_bins(confidence, correct, batch_weights(sample_weight, confidence))

    def get_config(self):
        return {**super().get_config(), "num_bins": self.num_bins, "from_logits": self.from_logits}


@register
class ExpectedCalibrationError(_BinnedMetric):
    """Mean distance between confidence and accuracy over bins of equal width.

    Args:
        num_bins: Number of bins.
        from_logits: Whether the model gives logits.
        name: Name in the logs.
        dtype: Dtype of the result.

    Example:

    >>> metric = ExpectedCalibrationError()
    >>> metric.update_state([0], [[1.0, 0.0]])
    >>> metric.update_state([1], [[1.0, 0.0]])
    >>> float(metric.result())
    0.5

    Reference: see `keras_sngp.metrics.expected_calibration_error`, whose result it gives for all batches together.
    """

    def __init__(self, num_bins=15, from_logits=False, name="expected_calibration_error", dtype=None):
        super().__init__(num_bins, from_logits, name, dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.add_top_label(y_true, y_pred, sample_weight)

    def result(self):
        return ops.divide_no_nan(ops.sum(ops.abs(self.gaps)), ops.sum(self.counts))


@register
class MaximumCalibrationError(_BinnedMetric):
    """Largest distance between confidence and accuracy in any bin of equal width.

    Args:
        num_bins: Number of bins.
        from_logits: Whether the model gives logits.
        name: Name in the logs.
        dtype: Dtype of the result.

    Example:

    >>> metric = MaximumCalibrationError(num_bins=10)
    >>> metric.update_state([1, 0], [[0.875, 0.125], [0.625, 0.375]])
    >>> float(metric.result())
    0.875

    Reference: see `keras_sngp.metrics.maximum_calibration_error`.
    """

    def __init__(self, num_bins=15, from_logits=False, name="maximum_calibration_error", dtype=None):
        super().__init__(num_bins, from_logits, name, dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.add_top_label(y_true, y_pred, sample_weight)

    def result(self):
        return ops.max(ops.divide_no_nan(ops.abs(self.gaps), self.counts))


@register
class ClasswiseCalibrationError(_BinnedMetric):
    """Calibration error of every class's probability over bins of equal width, averaged over the classes.

    Args:
        num_classes: Number of classes; 2 for a model with a single output.
        num_bins: Number of bins a class.
        from_logits: Whether the model gives logits.
        name: Name in the logs.
        dtype: Dtype of the result.

    Example:

    >>> metric = ClasswiseCalibrationError(num_classes=2)
    >>> metric.update_state([0, 1], [[0.75, 0.25], [0.75, 0.25]])
    >>> float(metric.result())
    0.25

    Reference: see `keras_sngp.metrics.classwise_calibration_error`.
    """

    def __init__(self, num_classes, num_bins=15, from_logits=False, name="classwise_calibration_error", dtype=None):
        super().__init__(num_bins, from_logits, name, dtype, rows_of_bins=num_classes)
        self.num_classes = num_classes

    def update_state(self, y_true, y_pred, sample_weight=None):
        probabilities = batch_probabilities(y_pred, self.from_logits)
        labels = ops.cast(batch_labels(y_true, self.num_classes), "int32")
        classes = ops.arange(self.num_classes, dtype="int32")
        came_true = ops.equal(labels[:, None], classes)
        weights = batch_weights(sample_weight, labels)[:, None] * ops.ones_like(probabilities)
        first_bins = self.num_bins * classes * ops.ones_like(came_true, dtype="int32")
        self.add_to_bins(*(ops.reshape(part, (-1,)) for part in (probabilities, came_true, weights, first_bins)))

    def result(self):
        return ops.divide_no_nan(ops.sum(ops.abs(self.gaps)), ops.sum(self.counts))

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}
