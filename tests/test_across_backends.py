"""One model file, written on one backend and read on each, gives the same numbers."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_sngp as sngp
from keras_sngp import two_moons

READ = """
import json, sys
import keras, keras_sngp
from keras_sngp import two_moons
model = keras.models.load_model(sys.argv[1])
x, _ = two_moons.make_training_data(30, seed=5)
prediction = model.predict_distribution(x)
model.fit_posterior(x)
refitted = model.predict_distribution(x)
features = keras_sngp.RandomFeatures(5, seed=3)(x[:3])
print(json.dumps({
    "backend": keras.backend.backend(),
    "rows": model.gaussian_process.rows_seen,
    "probabilities": prediction.probabilities.tolist(),
    "variance": prediction.variance.tolist(),
    "refitted": refitted.variance.tolist(),
    "random_features": keras.ops.convert_to_numpy(features).tolist(),
    "norms": [float(layer.spectral_norm()) for layer in model.backbone.dense_layers],
}))
"""


def read_on(backend, path):
    environment = {**os.environ, "KERAS_BACKEND": backend}
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


# Each backend writes for one and reads from one; the other way round is long.
RING = {"jax": "torch", "torch": "tensorflow", "tensorflow": "jax"}
NEXT = RING[keras.backend.backend()]


@pytest.mark.parametrize("backend", [NEXT, pytest.param(RING[NEXT], marks=pytest.mark.long)])
def test_a_file_written_here_gives_the_same_numbers_there(backend, tmp_path):
    x, y = two_moons.make_training_data(50)
    model = sngp.SNGP(sngp.DeepResNet(num_layers=3, num_hidden=32, spec_norm_bound=0.9), 2, 128, seed=2)
    model.compile(keras.optimizers.Adam(1e-2), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, epochs=3, verbose=0)
    model.save(tmp_path / "model.keras")
    there = read_on(backend, tmp_path / "model.keras")
    assert there["backend"] == backend
    assert there["rows"] == 60

    points, _ = two_moons.make_training_data(30, seed=5)
    here = model.predict_distribution(points)
    np.testing.assert_allclose(there["probabilities"], here.probabilities, atol=1e-5)
    np.testing.assert_allclose(there["variance"], here.variance, rtol=1e-4)
    model.fit_posterior(points)
    np.testing.assert_allclose(there["refitted"], model.predict_distribution(points).variance, rtol=2e-3)
    features = keras.ops.convert_to_numpy(sngp.RandomFeatures(5, seed=3)(points[:3]))
    np.testing.assert_allclose(there["random_features"], features, atol=1e-5)
    norms = [float(layer.spectral_norm()) for layer in model.backbone.dense_layers]
    np.testing.assert_allclose(there["norms"], norms, rtol=1e-4)
