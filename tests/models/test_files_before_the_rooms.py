"""A file written by version 0.1.0, before the package's modules were moved and its arguments spelled out, loads."""

import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_sngp as sngp

pytestmark = pytest.mark.keras_contract

FILE = Path(__file__).parents[1] / "data" / "before-rooms.keras"
X = np.array(
    [
        [-0.15348368883132935, 1.1925820112228394],
        [1.919899821281433, -0.3755999803543091],
        [0.8553565740585327, 0.25999942421913147],
    ],
    "float32",
)
# What the version that wrote the file said of these rows.
PROBABILITIES = [
    [0.9708613157272339, 0.02913864701986313],
    [0.09803424030542374, 0.9019657373428345],
    [0.12560637295246124, 0.8743936419487],
]
VARIANCE = [0.0666661486029625, 0.10029590874910355, 0.057574279606342316]
LOGITS = [
    [0.08850666880607605, -0.08850666135549545],
    [-0.05629248172044754, 0.05629248544573784],
    [-0.0489177405834198, 0.0489177480340004],
]


def version(text):
    return tuple(map(int, text.split(".")[:2]))


@pytest.fixture
def model():
    with zipfile.ZipFile(FILE) as archive:
        written_with = json.loads(archive.read("metadata.json"))["keras_version"]
    if version(keras.__version__) < version(written_with):
        pytest.skip(f"Keras {keras.__version__} does not read layers that Keras {written_with} wrote")
    return keras.saving.load_model(FILE)


def test_it_predicts_what_it_predicted(model):
    assert model.posterior_state == sngp.PosteriorState.FITTED
    prediction = model.predict_distribution(X)
    np.testing.assert_allclose(prediction.probabilities, PROBABILITIES, rtol=1e-4)
    np.testing.assert_allclose(prediction.variance, VARIANCE, rtol=1e-4)
    np.testing.assert_allclose(prediction.logits, LOGITS, rtol=1e-4)


def test_saved_again_it_predicts_the_same(model, tmp_path):
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.predict_distribution(X).probabilities, PROBABILITIES, rtol=1e-4)
    assert again.get_config().keys() == model.get_config().keys()
