"""What the unit tests of tf-models-official ask of its layers, asked of these, where both are meant to agree."""

import keras
import numpy as np
import pytest
from mathematics import gaussian_kernel, gaussian_process_covariance, numpy

from keras_sngp import RandomFeatureGaussianProcess, SpectralNormalization, mean_field_logits

WIDTH = 10
BOUND = 0.95


def points(count, centre=0.0, seed=0):
    """Rows whose distance to each other is about the square root of 2."""
    return np.random.default_rng(seed).normal(centre, WIDTH**-0.5, (count, WIDTH)).astype("float32")


def norm_on_a_torus(kernel, size):
    """Largest singular value of a convolution whose image wraps around at its edges."""
    return np.linalg.svd(np.fft.fft2(kernel, (size, size), axes=(0, 1)), compute_uv=False).max()


# Gaussian process


def test_layer_built_for_one_batch_size_takes_others():
    layer = RandomFeatureGaussianProcess(1, 16)
    layer.build((1024, WIDTH))
    assert layer.built
    for rows in (3, 1024):
        assert [tuple(t.shape) for t in layer(points(rows), training=True)] == [(rows, 1), (rows, rows)]


@pytest.mark.parametrize("columns", ["orthonormal", "correlated"])
def test_mean_over_minibatches_under_momentum_is_that_of_the_data(columns):
    """Five epochs; no batch is weighted more than 1.1 times as much as another of its epoch."""
    vectors, values, _ = np.linalg.svd(gaussian_kernel(points(64), points(64)))
    data = vectors if columns == "orthonormal" else np.sqrt(values)[:, None] * vectors.T
    layer = RandomFeatureGaussianProcess(1, gp_kernel_type="linear", gp_cov_momentum=0.99)
    for batch in np.split(np.random.default_rng(0).permutation(data), 8) * 5:
        layer(batch, training=True)
    mean = numpy(layer.gram) / layer.rows_seen
    np.testing.assert_allclose(64 * mean, data.T @ data, rtol=0.1, atol=0.05)


@pytest.mark.parametrize("momentum", [-1, 0.5, 0.999])
def test_one_training_call_gives_the_gaussian_process_between_rows_near_and_far(momentum):
    train, near, far = points(128), points(32, seed=1), points(32, centre=1.0, seed=2)
    layer = RandomFeatureGaussianProcess(1, 1024, gp_cov_momentum=momentum, seed=0)
    layer(train, training=True)
    for test, tolerance in [(near, 0.01), (far, 0.04)]:
        error = numpy(layer(test)[1]) - gaussian_process_covariance(train, test)
        assert np.sqrt(np.mean(error**2)) < tolerance
    assert np.diagonal(gaussian_process_covariance(train, near)).mean() < 0.5
    assert np.diagonal(gaussian_process_covariance(train, far)).mean() > 0.9


@pytest.mark.parametrize("scaled", [True, False])
def test_features_of_a_linear_kernel_are_the_inputs(scaled):
    layer = RandomFeatureGaussianProcess(1, 1024, gp_kernel_type="linear", scale_random_features=scaled)
    layer.build((None, WIDTH))
    np.testing.assert_array_equal(numpy(layer.random_features(points(20))), points(20))
    assert layer.kernel.shape == (WIDTH, 1)


@pytest.mark.parametrize("momentum", [-1, 0.999])
def test_inference_adds_no_rows(momentum):
    layer = RandomFeatureGaussianProcess(1, 16, gp_cov_momentum=momentum, returns="logits")
    model = keras.Sequential([keras.Input((WIDTH,)), layer])
    model.compile(loss="mse")
    model(points(30), training=True)
    layer.update_covariance()
    before = [numpy(weight) for weight in layer.weights]
    test = points(8, centre=1.0)
    model(test)
    model(test, training=False)
    model.predict(test, verbose=0)
    model.evaluate(test, np.zeros((8, 1)), verbose=0)
    for weight, value in zip(layer.weights, before, strict=True):
        np.testing.assert_array_equal(numpy(weight), value)


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.filterwarnings("ignore:The posterior of layer .* has not been fitted:UserWarning")
def test_two_output_model_for_single_rows_predicts_the_same_when_loaded(trained, tmp_path):
    inputs = keras.Input((WIDTH,), batch_size=1)
    outputs = RandomFeatureGaussianProcess(1, 16, gp_cov_momentum=-1, kernel_initializer="normal")(inputs)
    model = keras.Model(inputs, outputs)
    if trained:
        model.layers[-1](points(6), training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.layers[-1].posterior_state == model.layers[-1].posterior_state
    x = points(1, seed=1)
    for expected, received in zip(model(x), loaded(x), strict=True):
        np.testing.assert_array_equal(numpy(received), numpy(expected))
    for expected, received in zip(model.predict(x, verbose=0), loaded.predict(x, verbose=0), strict=True):
        np.testing.assert_array_equal(received, expected)


@pytest.mark.parametrize("argument", ["return_gp_cov", "return_random_features", "use_custom_random_features"])
def test_gaussian_process_arguments_that_are_not_offered_are_refused_by_name(argument):
    with pytest.raises(TypeError, match=argument):
        RandomFeatureGaussianProcess(1, **{argument: True})


# Mean field


@pytest.mark.parametrize("variance, factor", [(1.0, 3.0), (1.5, 2.0)])
def test_same_variance_in_all_rows_is_a_temperature(variance, factor):
    logits = np.random.default_rng(0).normal(size=(10, 12))
    variances = np.full(10, variance)
    for adjusted in (
        mean_field_logits(logits, np.diag(variances), mean_field_factor=factor),
        mean_field_logits(logits, mean_field_factor=factor, variance=variances),
    ):
        np.testing.assert_allclose(numpy(adjusted), logits / 2, rtol=1e-5)


# Spectral normalisation


def test_wrapping_a_built_layer_leaves_its_kernel():
    layer = keras.layers.Dense(10)
    layer.build((None, WIDTH))
    before = numpy(layer.kernel)
    SpectralNormalization(layer, BOUND).build((None, WIDTH))
    np.testing.assert_array_equal(numpy(layer.kernel), before)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_convolution_of_real_size_has_the_bound_as_its_fourier_norm(padding):
    """The wrapped-around image has the same norm up to its edges, and never a smaller one."""
    wrapper = SpectralNormalization(keras.layers.Conv2D(64, 3, padding=padding), norm_multiplier=BOUND)
    wrapper.build((None, 32, 32, 3))
    assert norm_on_a_torus(numpy(wrapper.layer.kernel), 32) > 1.2 * BOUND
    assert 0.999 * BOUND < norm_on_a_torus(numpy(wrapper.effective_kernel()), 32) < 1.01 * BOUND


@pytest.mark.parametrize(
    "layer, input_shape",
    [
        (keras.layers.Dense(10, bias_initializer="normal"), (WIDTH,)),
        (keras.layers.Dense(10, activation="relu", kernel_initializer="ones"), (WIDTH,)),
        (keras.layers.Conv2D(64, 3), (32, 32, 3)),
    ],
    ids=["dense", "dense with relu", "convolution"],
)
def test_no_two_inputs_are_pulled_apart_by_more_than_the_bound(layer, input_shape):
    wrapper = SpectralNormalization(layer, norm_multiplier=BOUND)
    generator = np.random.default_rng(0)
    first, step = generator.uniform(size=(2, 16, *input_shape)).astype("float32")
    stretched = numpy(wrapper(first + step)) - numpy(wrapper(first))
    ratios = np.linalg.norm(stretched.reshape(16, -1), axis=1) / np.linalg.norm(step.reshape(16, -1), axis=1)
    assert 0 < ratios.max() <= BOUND * (1 + 1e-3)


@pytest.mark.parametrize("argument", ["training", "aggregation", "inhere_layer_name"])
def test_spectral_normalization_arguments_that_are_not_offered_are_refused_by_name(argument):
    with pytest.raises(TypeError, match=argument):
        SpectralNormalization(keras.layers.Dense(2), **{argument: True})
