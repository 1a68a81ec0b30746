"""Several devices and processes find the posterior that one finds, and write one file."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_sngp import two_moons
from keras_sngp._runtime.devices import EvenBatches
from keras_sngp._runtime.keras_internals import layers_of
from keras_sngp.layers.spectral_normalization import SpectralNormalization

EXAMPLES = Path(__file__).parents[2] / "examples"
MOONS = 1101
OPTIONS = ["--rows", str(MOONS), "--epochs", "2"]

MOMENTUM_UNDER_A_STRATEGY = """
import keras, numpy
from keras_sngp import SNGP
from tensorflow import distribute
# Two strategies in one process must not both use collectives.
with distribute.MirroredStrategy(["CPU:0", "CPU:1"], distribute.ReductionToOneDevice()).scope():
    model = SNGP(keras.Sequential([keras.Input((2,)), keras.layers.Dense(4)]), 2, 8, gp_cov_momentum=-1)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
keras.Model.fit(model, numpy.ones((51, 2)), numpy.zeros(51), batch_size=20, verbose=0)
print("rows seen in training:", model.gaussian_process.rows_seen)
"""

FOUR_JAX_DEVICES = """
import keras, numpy
from keras_sngp import SNGP
keras.distribution.set_distribution(keras.distribution.DataParallel())
model = SNGP(keras.Sequential([keras.Input((2,)), keras.layers.Dense(4)]), 2, 8, gp_kernel_scale=1.0)
x = numpy.random.default_rng(0).normal(size=(51, 2)).astype("float32")
model.fit_posterior(x, batch_size=20)
variance = model.predict_distribution(x, batch_size=20).variance
phi = keras.ops.convert_to_numpy(model.gaussian_process.kernel_features(model.backbone(x)))
expected = numpy.diag(phi @ numpy.linalg.inv(phi.T @ phi + numpy.eye(8)) @ phi.T)
numpy.testing.assert_allclose(variance, expected, rtol=1e-4)
print("as NumPy on", len(keras.distribution.list_devices()), "devices")
"""


def start(arguments, devices=1):
    environment = {
        **os.environ,
        "KERAS_BACKEND": keras.backend.backend(),
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices} --xla_backend_optimization_level=0",
    }
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(*processes):
    printed = [process.communicate(timeout=300) for process in processes]
    for process, (_, errors) in zip(processes, printed, strict=True):
        assert process.returncode == 0, errors
    return "".join(output for output, _ in printed)


def check_is_the_posterior_of_one_process(path):
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    model = keras.models.load_model(path)
    x, _ = two_moons.make_training_data(MOONS)
    layer = model.gaussian_process
    assert layer.rows_seen == len(x)
    gram = keras.ops.convert_to_numpy(layer.gram)
    variance = model.predict_distribution(x).variance
    model.fit_posterior(x)
    expected = keras.ops.convert_to_numpy(layer.gram)
    np.testing.assert_allclose(gram, expected, atol=3e-6 * np.abs(expected).max())
    np.testing.assert_allclose(variance, model.predict_distribution(x).variance, rtol=2e-3)
    bounded = [layer for layer in layers_of(model.backbone) if isinstance(layer, SpectralNormalization)]
    assert bounded
    for layer in bounded:
        assert float(layer.spectral_norm()) > layer.norm_multiplier
        norm = np.linalg.norm(keras.ops.convert_to_numpy(layer.effective_kernel()), ord=2)
        assert norm == pytest.approx(layer.norm_multiplier, rel=1e-3)


ON_JAX = pytest.mark.skipif(keras.backend.backend() != "jax", reason="keras.distribution works on JAX")


@ON_JAX
def test_jax_devices():
    assert "as NumPy on 4 devices" in finish(start(["-c", FOUR_JAX_DEVICES], devices=4))


@ON_JAX
@pytest.mark.long
def test_jax_processes(tmp_path):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    example = [EXAMPLES / "data_parallel_jax.py", *OPTIONS, "--output", tmp_path / "model.keras"]
    example += ["--address", address, "--processes", 2, "--process"]
    finish(start([*example, 0], devices=2), start([*example, 1], devices=2))
    check_is_the_posterior_of_one_process(tmp_path / "model.keras")


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.distribute")
@pytest.mark.long
def test_replicas_of_a_tensorflow_strategy(tmp_path):
    arguments = ["data_parallel_tensorflow.py", *OPTIONS, "--output", str(tmp_path / "model.keras")]
    example = f"import runpy, sys; sys.path.insert(0, {str(EXAMPLES)!r}); sys.argv = {arguments}\n"
    example += "runpy.run_module('data_parallel_tensorflow', run_name='__main__')\n"
    printed = finish(start(["-c", example + MOMENTUM_UNDER_A_STRATEGY]))
    assert "rows seen in training: 51.0" in printed
    check_is_the_posterior_of_one_process(tmp_path / "model.keras")


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="DistributedDataParallel")
@pytest.mark.long
def test_torch_processes(tmp_path):
    example = [EXAMPLES / "data_parallel_torch.py", *OPTIONS, "--output", tmp_path / "model.keras"]
    finish(start(["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", 2, *example]))
    check_is_the_posterior_of_one_process(tmp_path / "model.keras")


def test_batches_are_filled_up_with_rows_that_do_not_count():
    x = {"a": np.arange(7.0), "b": np.arange(14.0).reshape(7, 2)}
    batches = EvenBatches(x, np.arange(7), batch_size=5, parts=3)
    assert batches.num_batches == 2
    (first, _, first_weights), (last, _, last_weights) = (batches[number] for number in range(2))
    np.testing.assert_array_equal(np.concatenate([first["a"], last["a"]]), [*range(7), 6, 6, 6, 6, 6])
    np.testing.assert_array_equal(last["b"], np.repeat([[12, 13]], 6, axis=0))
    np.testing.assert_array_equal(np.concatenate([first_weights, last_weights]), [*range(7), 0, 0, 0, 0, 0])
