"""What users may rely on: names, files written before, and an import that stays quick and quiet."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_sngp as sngp
import keras_sngp.layers as nlp_layers
from keras_sngp.own_data import load_classifier

FILES = Path(__file__).parent / "data"

REGISTERED = {
    "SNGP": sngp.SNGP,
    "DeepResNet": sngp.DeepResNet,
    "DeepResNetSNGP": sngp.DeepResNetSNGP,
    "DeepResNetSNGPWithCovReset": sngp.DeepResNetSNGPWithCovReset,
    "Dropout": sngp.layers.Dropout,
    "RandomFeatureGaussianProcess": sngp.RandomFeatureGaussianProcess,
    "RandomFeatures": sngp.RandomFeatures,
    "SpectralNormConstraint": sngp.SpectralNormConstraint,
    "SpectralNormalization": sngp.SpectralNormalization,
    **{
        name: getattr(sngp.metrics.streaming, name)
        for name in (
            "BrierScore",
            "ClasswiseCalibrationError",
            "ExpectedCalibrationError",
            "MaximumCalibrationError",
            "OracleCollaborativeAccuracy",
        )
    },
}

PUBLIC = {
    "keras_sngp": """
        SNGP ConversionReport DeepEnsemble DeepResNet DeepResNetSNGP DeepResNetSNGPWithCovReset Deterministic MCDropout
        PosteriorState Prediction RandomFeatureGaussianProcess RandomFeatures ResetCovarianceCallback
        SpectralNormConstraint SpectralNormalization WideResNet calibrate calibration constrain_kernels convert deferral
        estimators export_model fit_posterior fold layers mean_field_logits metrics models own_data plots
        predict_distribution ray_map report scores two_moons update_posterior""",
    "keras_sngp.calibration": """
        ConformalPredictionSets IsotonicCalibration MeanFieldCalibration PlattScaling TemperatureScaling VectorScaling
        coverage_band""",
    "keras_sngp.deferral": """
        DecisionCosts Decisions DeferralDriftWarning DeferralPolicy Expert JointAccuracyCurve NoSuchPolicyError SCORES
        joint_accuracy joint_accuracy_curve uncertainty_of""",
    "keras_sngp.layers": """
        ConstrainedKernel Dropout RandomFeatureGaussianProcess RandomFeatures SpectralNormConstraint
        SpectralNormalization constrain_kernels gaussian_process mean_field_logits""",
    "keras_sngp.metrics": """
        BrierDecomposition ConfidenceBins Interval RiskCoverageCurve accuracy accuracy_at_coverage
        adaptive_calibration_error augrc aurc bootstrap_draws bootstrap_interval brier_decomposition brier_score
        calibration_aupr calibration_auroc classwise_calibration_error confidence_bins coverage_at_risk
        debiased_calibration_error detectors excess_aurc expected_calibration_error false_positive_rate
        maximum_calibration_error negative_log_likelihood oracle_collaborative_accuracy oracle_collaborative_auc
        out_of_domain_aupr out_of_domain_auroc risk_coverage_curve scores streaming top_label_bins
        top_label_calibration_error""",
    "keras_sngp.metrics.detectors": """
        ASH DETECTORS DempsterShafer Detector Energy Entropy FDBD FROM_FEATURES FROM_LOGITS GEN GaussianMixture KNN
        Mahalanobis MahalanobisPlusPlus MaxLogit MaxSoftmaxProbability NNGuide ReAct RelativeMahalanobis
        RelativeMahalanobisPlusPlus SCALE ViM detector_from_state detector_state""",
    "keras_sngp.metrics.streaming": """
        BrierScore ClasswiseCalibrationError ExpectedCalibrationError MaximumCalibrationError
        OracleCollaborativeAccuracy""",
    "keras_sngp.models": """
        Conversion ConversionReport DeepEnsemble DeepResNet DeepResNetSNGP DeepResNetSNGPWithCovReset Deterministic
        LayerReport MCDropout PosteriorState Prediction ResetCovarianceCallback SNGP WideResNet calibrate convert
        export_model fit_posterior fold predict_distribution update_posterior""",
    "keras_sngp.own_data": """
        AnswerCounts Classifier TrainingSettings answer_blocks load_classifier open_table prepare read_table
        save_classifier train""",
    "keras_sngp.own_data.estimators": "DeepEnsembleClassifier MCDropoutClassifier SNGPClassifier",
    "keras_sngp.plots": """
        PROBABILITY_COLORS plot_accuracy_rejection plot_joint_accuracy plot_points plot_reliability plot_risk_coverage
        plot_score_histograms plot_surface""",
    "keras_sngp.report": """
        ColumnNames Evaluation PolicyRequest PredictionTable evaluate read_predictions write_report""",
    "keras_sngp.two_moons": "make_out_of_domain_data make_testing_grid make_training_data",
}


@pytest.mark.parametrize("module", PUBLIC)
def test_public_names_are_pinned_and_resolve(module):
    found = importlib.import_module(module)
    assert sorted(found.__all__) == sorted(PUBLIC[module].split())
    assert all(hasattr(found, name) for name in found.__all__)


def test_rooms_are_reached_from_the_package_without_another_import():
    rooms = ("calibration", "deferral", "estimators", "metrics", "own_data", "plots", "report", "two_moons")
    code = f"import keras_sngp as sngp; print([getattr(sngp, name).__name__ for name in {rooms!r}])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(name.startswith("keras_sngp.") for name in ast.literal_eval(done.stdout))
    with pytest.raises(AttributeError, match="module 'keras_sngp' has no attribute 'nothing'"):
        _ = sngp.nothing
    assert {*sngp.__all__, "__version__"} == set(dir(sngp))


@pytest.mark.parametrize("name", REGISTERED)
def test_registered_names_never_change(name):
    assert keras.saving.get_registered_object(f"keras_sngp>{name}") is REGISTERED[name]


def test_the_tutorials_names_resolve():
    assert nlp_layers.SpectralNormalization is sngp.SpectralNormalization
    assert nlp_layers.RandomFeatureGaussianProcess is sngp.RandomFeatureGaussianProcess
    assert nlp_layers.gaussian_process.mean_field_logits is sngp.mean_field_logits


def test_a_classifier_written_before_the_rooms_loads_and_answers():
    import pyarrow as pa

    classifier = load_classifier(FILES / "before-rooms.sngp")
    assert classifier.class_names == ("setosa", "versicolor", "virginica")
    names = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
    rows = [(5.1, 3.5, 1.4, 0.2), (4.9, 3.0, 1.4, 0.2), (4.7, 3.2, 1.3, 0.2)]
    table = pa.table(dict(zip(names, zip(*rows, strict=True), strict=True)))
    prediction = classifier.predict_distribution(table)
    expected = [[0.36240879, 0.31696996, 0.32062125], [0.34173843, 0.32974881, 0.32851279]]
    np.testing.assert_allclose(prediction.probabilities[:2], expected, rtol=1e-4)
    np.testing.assert_allclose(prediction.variance, [0.03496312, 0.07226982, 0.04494296], rtol=1e-3)


def test_import_leaves_pictures_reports_and_tables_aside():
    code = "import sys, keras_sngp; print(sorted(name for name in sys.modules if name.startswith('keras_sngp.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    rooms = {name.split(".")[1] for name in ast.literal_eval(done.stdout)}
    assert {"models", "layers"} <= rooms
    assert not rooms & {"plots", "report", "own_data", "_tables", "deferral"}
