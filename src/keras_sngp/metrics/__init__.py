"""Measures of predictions, from plain arrays of any framework; as `keras.metrics.Metric` in `streaming`."""

from keras_sngp.metrics import detectors, scores, streaming
from keras_sngp.metrics.bootstrap import Interval, bootstrap_draws, bootstrap_interval
from keras_sngp.metrics.brier_decomposition import BrierDecomposition, brier_decomposition
from keras_sngp.metrics.calibration import (
    adaptive_calibration_error,
    classwise_calibration_error,
    debiased_calibration_error,
    expected_calibration_error,
    maximum_calibration_error,
    top_label_calibration_error,
)
from keras_sngp.metrics.collaboration import oracle_collaborative_accuracy, oracle_collaborative_auc
from keras_sngp.metrics.confidence_bins import ConfidenceBins, confidence_bins, top_label_bins
from keras_sngp.metrics.error_detection import calibration_aupr, calibration_auroc
from keras_sngp.metrics.out_of_domain import false_positive_rate, out_of_domain_aupr, out_of_domain_auroc
from keras_sngp.metrics.proper_scores import accuracy, brier_score, negative_log_likelihood
from keras_sngp.metrics.selective import (
    RiskCoverageCurve,
    accuracy_at_coverage,
    augrc,
    aurc,
    coverage_at_risk,
    excess_aurc,
    risk_coverage_curve,
)

__all__ = [
    "BrierDecomposition",
    "ConfidenceBins",
    "Interval",
    "RiskCoverageCurve",
    "accuracy",
    "accuracy_at_coverage",
    "adaptive_calibration_error",
    "augrc",
    "aurc",
    "bootstrap_draws",
    "bootstrap_interval",
    "brier_decomposition",
    "brier_score",
    "calibration_aupr",
    "calibration_auroc",
    "classwise_calibration_error",
    "confidence_bins",
    "coverage_at_risk",
    "debiased_calibration_error",
    "detectors",
    "excess_aurc",
    "expected_calibration_error",
    "false_positive_rate",
    "maximum_calibration_error",
    "negative_log_likelihood",
    "oracle_collaborative_accuracy",
    "oracle_collaborative_auc",
    "out_of_domain_aupr",
    "out_of_domain_auroc",
    "risk_coverage_curve",
    "scores",
    "streaming",
    "top_label_bins",
    "top_label_calibration_error",
]
