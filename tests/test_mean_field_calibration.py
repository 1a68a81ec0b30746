"""Mean-field calibration against data drawn from the very model it fits."""

import keras
import numpy as np
import pytest
from scipy import optimize, special

import keras_sngp as sngp
from keras_sngp.mean_field_calibration import fit_mean_field


def draw(factor, temperature, rows=20_000, classes=4, seed=0):
    generator = np.random.default_rng(seed)
    logits = 4 * generator.normal(size=(rows, classes))
    variance = generator.exponential(3.0, size=rows)
    probabilities = special.softmax(logits / (temperature * np.sqrt(1 + factor * variance[:, None])), axis=1)
    labels = (probabilities.cumsum(axis=1) < generator.uniform(size=(rows, 1))).sum(axis=1)
    return logits, variance, np.minimum(labels, classes - 1)


@pytest.mark.parametrize(("factor", "temperature"), [(0.4, 1.0), (5.0, 0.5), (0.1, 2.0)])
def test_finds_the_factor_and_temperature_the_labels_were_drawn_with(factor, temperature):
    fit = fit_mean_field(*draw(factor, temperature), first_factor=np.pi / 8)
    assert fit.mean_field_factor == pytest.approx(factor, rel=0.15)
    assert fit.temperature == pytest.approx(temperature, rel=0.1)
    assert fit.nll_after <= fit.nll_before


def test_agrees_with_a_brute_force_grid():
    logits, variance, labels = draw(2.0, 0.7, rows=2000)

    def nll(factor, temperature):
        scaled = logits / (temperature * np.sqrt(1 + factor * variance[:, None]))
        return -special.log_softmax(scaled, axis=1)[np.arange(2000), labels].mean()

    grid = optimize.brute(lambda p: nll(*np.exp(p)), [(-2, 3), (-2, 2)], Ns=60, finish=None)
    fit = fit_mean_field(logits, variance, labels, first_factor=np.pi / 8)
    assert fit.nll_after <= nll(*np.exp(grid)) + 1e-3
    assert fit.nll_after == pytest.approx(nll(fit.mean_field_factor, fit.temperature))


def test_few_rows_leave_the_factor_near_its_usual_value():
    logits, variance, labels = draw(1.0, 1.0, rows=10)
    fit = fit_mean_field(logits, np.full_like(variance, 1e-6), labels, first_factor=np.pi / 8)
    assert fit.mean_field_factor == pytest.approx(np.pi / 8, rel=1e-3)


def test_a_class_of_its_own_variance_counts_for_that_class():
    logits, variance, labels = draw(1.0, 1.0)
    each = np.repeat(variance[:, None], 4, axis=1)
    shared = fit_mean_field(logits, variance, labels, first_factor=1.0)
    assert fit_mean_field(logits, each, labels, first_factor=1.0) == pytest.approx(shared)


def test_labels_that_contradict_the_variance_are_reported():
    logits, variance, labels = draw(1.0, 1.0)
    confident_where_unsure = np.where(variance > 2, logits.argmax(axis=1), labels)
    with pytest.warns(UserWarning, match=r"no reason to lower confidence.*Use the variance for that"):
        fit_mean_field(logits, variance, confident_where_unsure, first_factor=1.0)


@pytest.fixture(scope="module")
def fitted():
    x = np.random.default_rng(0).normal(size=(60, 3)).astype("float32")
    inputs = keras.Input((3,))
    model = sngp.SNGP(keras.Model(inputs, keras.layers.Dense(4)(inputs)), 3, 32, gp_cov_likelihood="categorical")
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, np.arange(60) % 3, verbose=0)
    return model, x, np.arange(60) % 3


def test_calibration_changes_probabilities_and_is_saved_with_the_model(fitted, tmp_path):
    model, x, y = fitted
    before = model.predict_distribution(x)
    fit = model.calibrate(x, y)
    after = model.predict_distribution(x)
    np.testing.assert_array_equal(after.logits, before.logits)
    shrunk = after.logits / (fit.temperature * np.sqrt(1 + fit.mean_field_factor * after.variance))
    np.testing.assert_allclose(after.probabilities, special.softmax(shrunk, axis=1), rtol=1e-5)
    np.testing.assert_allclose(special.softmax(model.predict(x, verbose=0), axis=1), after.probabilities, rtol=1e-4)
    nll = -np.log(after.probabilities[np.arange(60), y]).mean()
    assert fit.nll_after == pytest.approx(nll, rel=1e-4)

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert float(loaded.gaussian_process.current_temperature.numpy()) == pytest.approx(fit.temperature)
    assert model.calibrate(x, keras.utils.to_categorical(y, 3)) == pytest.approx(fit)
    sngp.fit_posterior(model, x)
    np.testing.assert_allclose(model.predict_distribution(x).probabilities, before.probabilities, rtol=1e-4)


def test_calibration_needs_a_posterior_arrays_and_matching_labels(fitted):
    model, x, y = fitted
    with pytest.raises(ValueError, match=r"same rows. Received: 60 and 59"):
        model.calibrate(x, y[:-1])
    with pytest.raises(ValueError, match=r"class numbers from 0 to 2"):
        model.calibrate(x, y + 1)
    with pytest.raises(ValueError, match=r"takes arrays of inputs and labels. Received: list_iterator"):
        model.calibrate(iter([(x, y)]), y)
    with pytest.raises(ValueError, match="has not been fitted yet"):
        sngp.SNGP(sngp.DeepResNet(num_layers=1, num_hidden=4), 3).calibrate(x, y)
