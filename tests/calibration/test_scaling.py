"""Calibrations recover what distorted the probabilities, against scikit-learn and grids, through one interface."""

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression

from keras_sngp.calibration import (
    IsotonicCalibration,
    MeanFieldCalibration,
    PlattScaling,
    TemperatureScaling,
    VectorScaling,
)
from keras_sngp.metrics import expected_calibration_error, negative_log_likelihood

CALIBRATIONS = [TemperatureScaling, VectorScaling, PlattScaling, IsotonicCalibration]


def true_case(seed=0, rows=4000, classes=3):
    """Logits whose softmax is the true distribution of the labels drawn."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(scale=1.5, size=(rows, classes))
    labels = (softmax(logits, axis=1).cumsum(axis=1) < generator.random((rows, 1))).sum(axis=1)
    return logits, labels


@pytest.mark.parametrize("calibration", CALIBRATIONS)
@pytest.mark.parametrize("classes", [2, 4])
def test_overconfident_probabilities_become_calibrated(calibration, classes):
    logits, labels = true_case(classes=classes)
    overconfident = softmax(3 * logits, axis=1)
    new_logits, new_labels = true_case(seed=1, classes=classes)
    fitted = calibration().fit(overconfident, labels)
    new = softmax(3 * new_logits, axis=1)
    calibrated = fitted.transform(new)
    np.testing.assert_allclose(calibrated.sum(axis=1), 1)
    assert expected_calibration_error(new, new_labels) > 0.1
    assert expected_calibration_error(calibrated, new_labels) < 0.035
    assert negative_log_likelihood(calibrated, new_labels) < negative_log_likelihood(new, new_labels)


@pytest.mark.parametrize("calibration", [TemperatureScaling, PlattScaling, IsotonicCalibration])
def test_logits_and_their_probabilities_give_the_same(calibration):
    logits, labels = true_case(rows=500)
    from_logits = calibration(from_logits=True).fit(logits, labels).transform(logits)
    from_probabilities = calibration().fit(softmax(logits, axis=1), labels).transform(softmax(logits, axis=1))
    np.testing.assert_allclose(from_logits, from_probabilities, atol=1e-3)


@pytest.mark.parametrize("true_temperature", [0.4, 1.0, 5.0])
def test_temperature_is_recovered_and_is_the_best_of_a_grid(true_temperature):
    logits, labels = true_case()
    scaling = TemperatureScaling(from_logits=True).fit(logits * true_temperature, labels)
    assert scaling.temperature == pytest.approx(true_temperature, rel=0.06)
    best = negative_log_likelihood(scaling.transform(logits * true_temperature), labels)
    for temperature in np.geomspace(0.1, 20, 60):
        assert best <= negative_log_likelihood(softmax(logits * true_temperature / temperature, axis=1), labels) + 1e-9


def test_temperature_keeps_the_predicted_classes():
    logits, labels = true_case(rows=200)
    transformed = TemperatureScaling(from_logits=True).fit(logits, labels).transform(logits)
    np.testing.assert_array_equal(transformed.argmax(axis=1), logits.argmax(axis=1))


def test_vector_scaling_takes_back_a_shift_of_one_class():
    logits, labels = true_case(rows=20_000)
    shifted = logits * [1, 2, 1] + [0, 0, 1.5]
    scaling = VectorScaling(from_logits=True).fit(shifted, labels)
    np.testing.assert_allclose(scaling.scale, [1, 0.5, 1], atol=0.05)
    np.testing.assert_allclose(scaling.shift - scaling.shift[0], [0, 0, -1.5], atol=0.1)


def test_vector_scaling_is_a_minimum_by_finite_differences():
    logits, labels = true_case(rows=300)
    scaling = VectorScaling(from_logits=True, l2_regularization=0).fit(logits, labels)
    best = negative_log_likelihood(scaling.transform(logits), labels)
    for direction in np.eye(6):
        for step in (-1e-2, 1e-2):
            moved = VectorScaling(from_logits=True)
            moved.scale, moved.shift = scaling.scale + step * direction[:3], scaling.shift + step * direction[3:]
            assert negative_log_likelihood(moved.transform(logits), labels) >= best - 1e-9


def test_vector_scaling_stays_finite_where_held_out_rows_are_perfectly_predicted():
    logits = np.repeat(4 * np.eye(3), 5, axis=0)
    scaling = VectorScaling(from_logits=True).fit(logits, np.repeat(range(3), 5))
    assert np.isfinite(scaling.transform(logits)).all()


def test_platt_scaling_is_logistic_regression_on_many_rows():
    generator = np.random.default_rng(0)
    odds = generator.normal(scale=2, size=20_000)
    labels = (generator.random(20_000) < expit(0.5 * odds - 0.7)).astype(int)
    scaling = PlattScaling(from_logits=True).fit(np.column_stack([np.zeros(20_000), odds]), labels)
    regression = LogisticRegression(C=np.inf).fit(odds[:, None], labels)
    np.testing.assert_allclose(scaling.scale, regression.coef_[0], rtol=1e-2)
    np.testing.assert_allclose(scaling.shift, regression.intercept_, rtol=1e-2)


def test_platts_targets_keep_a_separable_case_finite():
    scaling = PlattScaling().fit([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.1, 0.9]], [0, 0, 1, 1])
    probabilities = scaling.transform([[0.9, 0.1], [0.1, 0.9]])
    assert 0.5 < probabilities[0, 0] < 0.95
    assert np.abs(scaling.scale).max() < 10


def test_isotonic_curve_by_hand():
    # Stated 0.2, 0.4, 0.6 come true 1/2, 0 and 1: the first two are pooled to 1/4.
    stated = np.array([0.2, 0.2, 0.4, 0.4, 0.6, 0.6])
    calibration = IsotonicCalibration().fit(np.column_stack([1 - stated, stated]), [0, 1, 0, 0, 1, 1])
    result = calibration.transform([[0.8, 0.2], [0.6, 0.4], [0.4, 0.6], [0.05, 0.95]])
    np.testing.assert_allclose(result[:, 1], [0.25, 0.25, 1, 1])


def test_rows_in_which_all_isotonic_curves_are_zero_get_equal_probabilities():
    rows = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])
    calibration = IsotonicCalibration().fit(rows, [0, 1, 2])
    np.testing.assert_allclose(calibration.transform([[0.1, 0.1, 0.8]]), [[0, 0, 1]])
    confused = IsotonicCalibration().fit(np.vstack([rows, [[0.4, 0.3, 0.3]] * 2]), [0, 1, 2, 0, 0])
    np.testing.assert_allclose(confused.transform([[0.3, 0.35, 0.35]]).sum(), 1)


@pytest.mark.parametrize(("factor", "temperature"), [(0.1, 2.0), (1.0, 1.0), (10.0, 0.5)])
def test_mean_field_factor_and_temperature_are_recovered(factor, temperature):
    generator = np.random.default_rng(0)
    logits = generator.normal(scale=3, size=(20_000, 3))
    variance = generator.exponential(2, 20_000)
    true = softmax(logits / (temperature * np.sqrt(1 + factor * variance[:, None])), axis=1)
    labels = (true.cumsum(axis=1) < generator.random((20_000, 1))).sum(axis=1)
    calibration = MeanFieldCalibration().fit(logits, labels, variance=variance)
    assert calibration.mean_field_factor == pytest.approx(factor, rel=0.2)
    assert calibration.temperature == pytest.approx(temperature, rel=0.1)
    np.testing.assert_allclose(calibration.transform(logits, variance=variance), true, atol=0.02)


def test_few_rows_leave_the_mean_field_factor_near_its_usual_value():
    logits, labels = true_case(rows=20)
    calibration = MeanFieldCalibration().fit(logits, labels, variance=np.full(20, 1e-6))
    assert calibration.mean_field_factor == pytest.approx(np.pi / 8, rel=1e-3)


def test_a_model_that_is_not_confident_enough_gets_a_temperature_below_one():
    logits, labels = true_case(rows=5000)
    calibration = MeanFieldCalibration().fit(logits / 3, labels, variance=np.zeros(5000))
    assert calibration.temperature == pytest.approx(1 / 3, rel=0.1)


def test_labels_that_contradict_the_variance_are_reported():
    logits, labels = true_case(rows=5000)
    variance = np.random.default_rng(1).exponential(2, 5000)
    right_where_unsure = np.where(variance > 2, logits.argmax(axis=1), labels)
    with pytest.warns(UserWarning, match=r"no reason to lower confidence.*Use the variance for that"):
        MeanFieldCalibration().fit(logits, right_where_unsure, variance=variance)


def test_variance_may_differ_between_classes():
    logits, labels = true_case(rows=300)
    same = MeanFieldCalibration().fit(3 * logits, labels, variance=np.ones(300))
    columns = MeanFieldCalibration().fit(3 * logits, labels, variance=np.ones((300, 3)))
    assert same.mean_field_factor == columns.mean_field_factor


@pytest.mark.parametrize("calibration", [*CALIBRATIONS, MeanFieldCalibration])
def test_before_fitting_there_is_nothing_to_transform_with(calibration):
    arguments = {"variance": [1.0]} if calibration is MeanFieldCalibration else {}
    with pytest.raises(ValueError, match=r"Call `fit` .* before `transform`"):
        calibration().transform([[0.4, 0.6]], **arguments)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"add up to 1. Received: 3"):
        TemperatureScaling().fit([[1.0, 2.0]], [0])
    with pytest.raises(ValueError, match=r"pass `from_logits=False`"):
        TemperatureScaling(from_logits=True).fit([[0.1, 0.9], [0.5, 0.5]], [0, 1])
    with pytest.raises(ValueError, match=r"rows of every class. Received: none of class 1, 2"):
        VectorScaling().fit([[0.5, 0.25, 0.25]], [0])
    with pytest.raises(ValueError, match=r"Expected 2 classes, as in `fit`. Received: 3"):
        PlattScaling().fit([[0.4, 0.6], [0.6, 0.4]], [0, 1]).transform([[0.2, 0.3, 0.5]])
    with pytest.raises(ValueError, match=r"`logits` must be finite numbers. Received: NaN"):
        MeanFieldCalibration().fit([[np.nan, 1.0]], [0], variance=[1.0])
    with pytest.raises(ValueError, match=r"`variance` must have the shape"):
        MeanFieldCalibration().fit([[2.0, 1.0]], [0], variance=[1.0, 2.0])
    with pytest.raises(ValueError, match=r"`variance` must be finite and at least 0"):
        MeanFieldCalibration().fit([[2.0, 1.0]], [0], variance=[-1.0])
