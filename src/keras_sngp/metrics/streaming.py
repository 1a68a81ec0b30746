"""Measures that add up batch by batch, as `keras.metrics.Metric` for `compile(metrics=[...])`.

For accuracy and negative log-likelihood Keras has `SparseCategoricalAccuracy` and `SparseCategoricalCrossentropy`.
"""

from typing import Any

import keras
from keras import ops

from keras_sngp._runtime.files import register
from keras_sngp._runtime.ops import Tensor

__all__ = [
    "BrierScore",
    "ClasswiseCalibrationError",
    "ExpectedCalibrationError",
    "MaximumCalibrationError",
    "OracleCollaborativeAccuracy",
]


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

    def __init__(
        self, from_logits: bool = False, name: str = "brier_score", dtype: str | keras.DTypePolicy | None = None
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.from_logits = from_logits
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        probabilities = _batch_probabilities(y_pred, self.from_logits)
        classes = probabilities.shape[-1]
        happened = ops.one_hot(_batch_labels(y_true, classes), classes)
        distance = ops.sum(ops.square(probabilities - ops.cast(happened, "float32")), axis=-1)
        weights = _batch_weights(sample_weight, distance)
        self.total.assign_add(ops.cast(ops.sum(weights * distance), self.total.dtype))
        self.count.assign_add(ops.cast(ops.sum(weights), self.count.dtype))

    def result(self) -> Tensor:
        return ops.divide_no_nan(self.total, self.count)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "from_logits": self.from_logits}


class _BinnedMetric(keras.metrics.Metric):
    """Sums of weights and of gaps, each row in the bin of its confidence."""

    def __init__(
        self,
        num_bins: int,
        from_logits: bool,
        name: str,
        dtype: str | keras.DTypePolicy | None,
        rows_of_bins: int = 1,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if not isinstance(num_bins, int) or num_bins < 1:
            raise ValueError(f"`num_bins` must be a whole number of at least 1. Received: {num_bins}")
        self.num_bins = num_bins
        self.from_logits = from_logits
        size = rows_of_bins * num_bins
        self.counts = self.add_variable((size,), "zeros", name="counts")
        self.gaps = self.add_variable((size,), "zeros", name="gaps")

    def add_to_bins(self, confidence: Tensor, came_true: Tensor, weights: Tensor, first_bins: Tensor | int = 0) -> None:
        """Adds rows, all of them `(rows,)`, each to a bin counted from its first one."""
        bins = ops.minimum(ops.cast(confidence * self.num_bins, "int32"), self.num_bins - 1) + first_bins
        gaps = weights * (ops.cast(came_true, "float32") - confidence)
        size = self.counts.shape[0]
        self.counts.assign_add(ops.cast(ops.segment_sum(weights, bins, size), self.counts.dtype))
        self.gaps.assign_add(ops.cast(ops.segment_sum(gaps, bins, size), self.gaps.dtype))

    def add_top_label(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None) -> None:
        probabilities = _batch_probabilities(y_pred, self.from_logits)
        labels = _batch_labels(y_true, probabilities.shape[-1])
        correct = ops.equal(ops.cast(ops.argmax(probabilities, axis=-1), "int32"), ops.cast(labels, "int32"))
        confidence = ops.max(probabilities, axis=-1)
        self.add_to_bins(confidence, correct, _batch_weights(sample_weight, confidence))

    def get_config(self) -> dict[str, Any]:
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

    def __init__(
        self,
        num_bins: int = 15,
        from_logits: bool = False,
        name: str = "expected_calibration_error",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(num_bins, from_logits, name, dtype)

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        self.add_top_label(y_true, y_pred, sample_weight)

    def result(self) -> Tensor:
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

    def __init__(
        self,
        num_bins: int = 15,
        from_logits: bool = False,
        name: str = "maximum_calibration_error",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(num_bins, from_logits, name, dtype)

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        self.add_top_label(y_true, y_pred, sample_weight)

    def result(self) -> Tensor:
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

    def __init__(
        self,
        num_classes: int,
        num_bins: int = 15,
        from_logits: bool = False,
        name: str = "classwise_calibration_error",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(num_bins, from_logits, name, dtype, rows_of_bins=num_classes)
        self.num_classes = num_classes

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        probabilities = _batch_probabilities(y_pred, self.from_logits)
        labels = ops.cast(_batch_labels(y_true, self.num_classes), "int32")
        classes = ops.arange(self.num_classes, dtype="int32")
        came_true = ops.equal(labels[:, None], classes)
        weights = _batch_weights(sample_weight, labels)[:, None] * ops.ones_like(probabilities)
        first_bins = self.num_bins * classes * ops.ones_like(came_true, dtype="int32")
        self.add_to_bins(*(ops.reshape(part, (-1,)) for part in (probabilities, came_true, weights, first_bins)))

    def result(self) -> Tensor:
        return ops.divide_no_nan(ops.sum(ops.abs(self.gaps)), ops.sum(self.counts))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_classes": self.num_classes}


@register
class OracleCollaborativeAccuracy(keras.metrics.Metric):
    """Accuracy when the least confident share of rows is answered by somebody who is always right.

    Rows are gathered in bins of confidence, and the bin in which the share ends counts in part: with a thousand bins
    the result is within a thousandth in confidence of that of `keras_sngp.metrics.oracle_collaborative_accuracy`.

    Args:
        share: Share of rows deferred, from 0 to 1.
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

    def __init__(
        self,
        share: float = 0.05,
        num_bins: int = 1000,
        from_logits: bool = False,
        name: str = "oracle_collaborative_accuracy",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if not 0 <= share <= 1:
            raise ValueError(f"`share` must be from 0 to 1. Received: {share}")
        self.share = share
        self.num_bins = num_bins
        self.from_logits = from_logits
        self.counts = self.add_variable((num_bins,), "zeros", name="counts")
        self.mistakes = self.add_variable((num_bins,), "zeros", name="mistakes")

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        probabilities = _batch_probabilities(y_pred, self.from_logits)
        labels = ops.cast(_batch_labels(y_true, probabilities.shape[-1]), "int32")
        confidence = ops.max(probabilities, axis=-1)
        wrong = ops.cast(ops.not_equal(ops.cast(ops.argmax(probabilities, axis=-1), "int32"), labels), "float32")
        bins = ops.minimum(ops.cast(confidence * self.num_bins, "int32"), self.num_bins - 1)
        weights = _batch_weights(sample_weight, confidence)
        self.counts.assign_add(ops.segment_sum(weights, bins, self.num_bins))
        self.mistakes.assign_add(ops.segment_sum(weights * wrong, bins, self.num_bins))

    def result(self) -> Tensor:
        counts = ops.convert_to_tensor(self.counts)
        total = ops.sum(counts)
        before = ops.cumsum(counts) - counts
        taken = ops.clip(self.share * total - before, 0.0, counts)
        left = ops.sum(self.mistakes * (1 - ops.divide_no_nan(taken, counts)))
        return ops.where(total > 0, 1 - ops.divide_no_nan(left, total), 0.0)

    def get_config(self) -> dict[str, Any]:
        config = {name: getattr(self, name) for name in ("share", "num_bins", "from_logits")}
        return {**super().get_config(), **config}


def _batch_probabilities(outputs: Tensor, from_logits: bool) -> Tensor:
    """Probabilities `(batch, classes)` in float32; a single column becomes two classes."""
    outputs = ops.cast(outputs, "float32")
    if len(outputs.shape) == 1:
        outputs = ops.expand_dims(outputs, -1)
    if outputs.shape[-1] == 1:
        positive = ops.sigmoid(outputs) if from_logits else outputs
        return ops.concatenate([1 - positive, positive], axis=-1)
    return ops.softmax(outputs, axis=-1) if from_logits else outputs


def _batch_labels(labels: Tensor, num_classes: int) -> Tensor:
    """Class numbers `(batch,)` from class numbers `(batch,)` or `(batch, 1)`, or one-hot rows."""
    labels = ops.convert_to_tensor(labels)
    if len(labels.shape) == 2 and labels.shape[-1] == num_classes and num_classes > 1:
        return ops.argmax(labels, axis=-1)
    return ops.cast(ops.reshape(labels, (-1,)), "int32")


def _batch_weights(sample_weight: Tensor | None, like: Tensor) -> Tensor:
    """Weights `(batch,)` in float32, ones if there are none."""
    if sample_weight is None:
        return ops.ones_like(like, dtype="float32")
    return ops.cast(ops.reshape(ops.convert_to_tensor(sample_weight), (-1,)), "float32")
