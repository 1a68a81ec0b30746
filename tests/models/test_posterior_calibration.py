"""Calibration of a trained model, against the formula in NumPy."""

import keras
import numpy as np
import pytest
from scipy import special

import keras_sngp as sngp


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
    before_nll = -np.log(before.probabilities[np.arange(60), y]).mean()
    assert nll < before_nll

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert float(loaded.gaussian_process.current_temperature.numpy()) == pytest.approx(fit.temperature)
    again = model.calibrate(x, keras.utils.to_categorical(y, 3))
    assert again.temperature == pytest.approx(fit.temperature)
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
