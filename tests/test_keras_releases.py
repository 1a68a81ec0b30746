"""The method from end to end, on each release of Keras that `make test-keras` puts on the path."""

import json
import os
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from packaging.version import Version

import keras_sngp as sngp
from keras_sngp import two_moons

pytestmark = pytest.mark.keras_contract

DATA = Path(__file__).parent / "data"
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
POINTS = np.array([[0.0, 0.5], [1.0, -0.5], [20.0, 20.0]], "float32")


def test_the_release_on_the_path_is_the_one_to_be_tested():
    expected = os.environ.get("KERAS_UNDER_TEST", keras.__version__)
    assert Version(keras.__version__) == Version(expected)


@pytest.fixture(scope="module")
def moons():
    return two_moons.make_training_data(100)


def trained(model, moons):
    model.compile(keras.optimizers.Adam(1e-2), LOSS, metrics=["accuracy"])
    model.fit(*moons, epochs=15, batch_size=50, verbose=0)
    return model


@pytest.fixture(scope="module")
def model(moons):
    keras.utils.set_random_seed(0)
    backbone = sngp.DeepResNet(num_layers=2, num_hidden=32, spec_norm_bound=0.9)
    return trained(sngp.SNGP(backbone, 2, num_inducing=64, seed=1), moons)


def test_two_moons_are_learnt_and_points_far_away_are_known_as_such(model, moons):
    x, y = moons
    prediction = model.predict_distribution(x)
    assert (prediction.labels == y).mean() > 0.9
    assert model.evaluate(x, y, verbose=0, return_dict=True)["accuracy"] > 0.9
    assert model.gaussian_process.rows_seen == len(x)
    far = model.predict_distribution(POINTS[2:])
    assert far.variance.min() > 3 * np.median(prediction.variance)
    adjusted = prediction.logits / np.sqrt(1 + np.pi / 8 * prediction.variance[:, None])
    np.testing.assert_allclose(model.predict(x, verbose=0), adjusted, rtol=1e-4, atol=1e-5)


def test_saved_loaded_and_folded_it_gives_the_same(model, tmp_path):
    before = model.predict_distribution(POINTS)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for same, tolerance in ((loaded, 1e-6), (sngp.fold(model), 1e-5)):
        after = same.predict_distribution(POINTS)
        np.testing.assert_allclose(after.logits, before.logits, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(after.variance, before.variance, rtol=tolerance)


def test_a_classifier_with_a_shared_layer_is_converted_trained_and_folded(moons, tmp_path):
    inputs = keras.Input((2,))
    shared = keras.layers.Dense(16, activation="relu", name="shared")
    hidden = keras.layers.Dense(16, activation="relu", name="hidden")(inputs)
    hidden = keras.layers.Add()([hidden, shared(shared(hidden))])
    classifier = keras.Model(inputs, keras.layers.Dense(2, activation="softmax", name="logits")(hidden))
    converted, report = sngp.convert(classifier, num_inducing=64, norm_multiplier=0.9, seed=0)
    treatments = {layer.name: layer.treatment for layer in report.layers}
    assert treatments == {**treatments, "hidden": "bounded", "shared": "bounded", "logits": "head"}
    trained(converted, moons)
    before = converted.predict_distribution(POINTS)
    folded = sngp.fold(converted)
    np.testing.assert_allclose(folded.predict_distribution(POINTS).logits, before.logits, atol=1e-5)
    folded.save(tmp_path / "folded.keras")
    again = keras.models.load_model(tmp_path / "folded.keras").predict_distribution(POINTS)
    np.testing.assert_allclose(again.variance, before.variance, rtol=1e-4)


def keras_that_wrote(path):
    with zipfile.ZipFile(path) as archive:
        return Version(json.loads(archive.read("metadata.json"))["keras_version"])


# Each file: what it predicted when it was written.
VARIANCES = {
    "keras-3.12.keras": [0.137424, 0.0304155, 3.117317],
}


@pytest.mark.parametrize("name", VARIANCES)
def test_files_of_earlier_releases_give_what_they_gave(name):
    if keras_that_wrote(DATA / name) > Version(keras.__version__):
        pytest.skip("Keras does not read configurations of later releases of its own layers")
    loaded = keras.models.load_model(DATA / name)
    assert loaded.posterior_state == sngp.PosteriorState.FITTED
    np.testing.assert_allclose(loaded.predict_distribution(POINTS).variance, VARIANCES[name], rtol=1e-4)
