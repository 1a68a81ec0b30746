"""Random features against the exact kernels, in numpy."""

import keras
import numpy as np
import pytest
from mathematics import gaussian_kernel, numpy

from keras_sngp import RandomFeatures

PINNED = {
    "gaussian": [-0.094536, -0.652895, -0.499013, 0.677236],
    "orthogonal": [-0.171332, 0.481055, 0.578248, 0.539555],
    "laplacian": [0.707088, -0.560207, 0.386017, 0.144512],
}


def points(rows=20, width=4, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, width)).astype("float32")


def distances(x, order=2):
    return np.linalg.norm(x[:, None].astype("float64") - x[None], ord=order, axis=-1)


def exact_kernel(x, kernel_type, length_scale):
    if kernel_type == "gaussian":
        return gaussian_kernel(x, x, length_scale)
    if kernel_type == "laplacian":
        return np.exp(-distances(x, 1) / length_scale)
    return x.astype("float64") @ x.T / length_scale**2


def kernel_error(x, num_features, length_scale, **arguments):
    """Root mean square error of the inner products over pairs of different rows."""
    layer = RandomFeatures(num_features, length_scale=length_scale, **arguments)
    features = numpy(layer(x))
    error = features @ features.T - exact_kernel(x, layer.kernel_type, length_scale)
    return np.sqrt(np.mean(error[~np.eye(len(x), dtype=bool)] ** 2))


@pytest.mark.parametrize("kernel_type, length_scale", [("gaussian", 1.5), ("laplacian", 4.0)])
def test_kernel_error_falls_as_one_over_the_root_of_the_number_of_features(kernel_type, length_scale):
    x = points()

    def error(num_features):
        errors = [kernel_error(x, num_features, length_scale, kernel_type=kernel_type, seed=s) for s in range(4)]
        return np.mean(errors)

    few, many = error(256), error(16384)
    assert many < 0.01
    assert 6 < few / many < 10.7, "8 is the square root of 16384 / 256"


def test_linear_kernel_is_exact():
    x = points()
    features = numpy(RandomFeatures(7, "linear", length_scale=2.0)(x))
    np.testing.assert_allclose(features @ features.T, exact_kernel(x, "linear", 2.0), rtol=1e-5, atol=1e-6)
    assert RandomFeatures(7, "linear").compute_output_shape((None, 4)) == (None, 4)


def test_unscaled_features_are_cosines_and_scaled_ones_carry_the_amplitude():
    x = points()
    scaled = numpy(RandomFeatures(50, seed=1)(x))
    unscaled = numpy(RandomFeatures(50, scaled=False, seed=1)(x))
    np.testing.assert_allclose(scaled, unscaled * np.sqrt(2 / 50), atol=1e-6)
    assert 0.95 < np.abs(unscaled).max() <= 1


@pytest.mark.parametrize("kernel_type, scaled", [("gaussian", True), ("gaussian", False), ("linear", True)])
def test_the_amplitude_is_a_factor_of_the_features(kernel_type, scaled):
    plain, louder = (RandomFeatures(50, kernel_type, scaled=scaled, amplitude=a, seed=1) for a in (1.0, 3.0))
    np.testing.assert_allclose(numpy(louder(points())), 3 * numpy(plain(points())), rtol=1e-5, atol=1e-6)


def test_scaled_features_with_an_amplitude_have_the_same_prior_variance_however_many_there_are():
    for num_features in (2000, 8000):
        features = numpy(RandomFeatures(num_features, amplitude=10.0, seed=1)(points()))
        np.testing.assert_allclose(np.sum(features**2, axis=1), 100.0, rtol=0.1)


@pytest.mark.parametrize("scaled, expected", [(True, 1.0), (False, 1000.0)])
def test_prior_variance_is_one_scaled_and_half_the_number_of_features_unscaled(scaled, expected):
    features = numpy(RandomFeatures(2000, scaled=scaled, seed=1)(points()))
    np.testing.assert_allclose(np.sum(features**2, axis=1), expected, rtol=0.1)


def test_orthogonal_directions_are_orthogonal_in_each_block_and_all_distinct():
    width, num_features = 8, 60
    layer = RandomFeatures(num_features, orthogonal=True, seed=3)
    layer.build((None, width))
    directions = numpy(layer.directions)
    assert directions.shape == (width, num_features)
    unit = directions / np.linalg.norm(directions, axis=0)
    cosines = np.abs(unit.T @ unit)
    for start in range(0, num_features, width):
        block = cosines[start : start + width, start : start + width]
        np.testing.assert_allclose(block, np.eye(len(block)), atol=1e-6)
    assert (cosines - np.eye(num_features)).max() < 0.999


@pytest.mark.parametrize("orthogonal", [False, True])
def test_squared_lengths_of_directions_are_chi_squared(orthogonal):
    """With as many degrees of freedom as the width: mean `width`, variance `2 * width`."""
    width = 8
    layer = RandomFeatures(8000, orthogonal=orthogonal, seed=0)
    layer.build((None, width))
    squares = np.sum(numpy(layer.directions) ** 2, axis=0)
    np.testing.assert_allclose(squares.mean(), width, rtol=0.02)
    np.testing.assert_allclose(squares.var(), 2 * width, rtol=0.1)


def test_orthogonal_features_have_a_smaller_kernel_error():
    x = points(width=16)
    seeds = range(10)
    orthogonal = np.mean([kernel_error(x, 64, 4.0, orthogonal=True, seed=seed) ** 2 for seed in seeds])
    independent = np.mean([kernel_error(x, 64, 4.0, seed=seed) ** 2 for seed in seeds])
    assert orthogonal < 0.9 * independent


@pytest.mark.parametrize("kernel_type, order", [("gaussian", 2), ("linear", 2), ("laplacian", 1)])
def test_automatic_length_scale_is_the_median_distance_of_the_first_training_batch(kernel_type, order):
    """21 pairs, so that the median is one of them."""
    x = points(rows=7)
    layer = RandomFeatures(16, kernel_type, length_scale="auto", seed=0)
    layer(x, training=True)
    expected = np.median(distances(x, order)[np.triu_indices(7, 1)])
    np.testing.assert_allclose(numpy(layer.current_length_scale), expected, rtol=1e-5)
    layer(10 * points(rows=5, seed=1), training=True)
    np.testing.assert_allclose(numpy(layer.current_length_scale), expected, rtol=1e-5)


@pytest.mark.parametrize("rows", [2, 20, 300])
def test_automatic_length_scale_has_half_the_pairs_on_either_side(rows):
    x = points(rows)
    layer = RandomFeatures(16, length_scale="auto", seed=0)
    layer(x, training=True)
    pairs = distances(x[:128])[np.triu_indices(min(rows, 128), 1)]
    scale = float(numpy(layer.current_length_scale))
    assert np.mean(pairs <= scale * (1 + 1e-5)) >= 0.5
    assert np.mean(pairs >= scale * (1 - 1e-5)) >= 0.5


def test_automatic_length_scale_does_not_depend_on_where_the_data_lies():
    x = points(rows=7)
    layer = RandomFeatures(16, length_scale="auto", seed=0)
    layer(x + 3000, training=True)
    expected = np.median(distances(x)[np.triu_indices(7, 1)])
    np.testing.assert_allclose(numpy(layer.current_length_scale), expected, rtol=0.01)


def test_automatic_length_scale_is_set_by_compiled_training_and_used_at_inference():
    x = points(rows=7)
    features = RandomFeatures(16, length_scale="auto", seed=0)
    model = keras.Sequential([keras.Input((4,)), features, keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(x, np.zeros((7, 1)), batch_size=7, epochs=2, verbose=0)
    scale = np.median(distances(x)[np.triu_indices(7, 1)])
    np.testing.assert_allclose(numpy(features.current_length_scale), scale, rtol=1e-5)
    expected = np.sqrt(2 / 16) * np.cos(x / scale @ numpy(features.directions) + numpy(features.phases))
    np.testing.assert_allclose(numpy(features(x)), expected, atol=1e-5)


def test_inference_leaves_the_automatic_length_scale_alone():
    layer = RandomFeatures(16, length_scale="auto", seed=0)
    layer(points(width=9))
    np.testing.assert_allclose(numpy(layer.current_length_scale), 3.0)


@pytest.mark.parametrize("rows", [points(rows=1), np.ones((6, 4), "float32")], ids=["one row", "equal rows"])
def test_batch_without_distances_keeps_a_usable_length_scale(rows):
    layer = RandomFeatures(16, length_scale="auto", seed=0)
    assert np.isfinite(numpy(layer(rows, training=True))).all()
    assert numpy(layer.current_length_scale) > 0


def test_features_of_a_seed_are_the_same_numbers_on_every_backend():
    x = np.array([[0.5, -1.0, 2.0]], "float32")
    gaussian = numpy(RandomFeatures(4, seed=0)(x))[0]
    orthogonal = numpy(RandomFeatures(4, orthogonal=True, seed=0)(x))[0]
    laplacian = numpy(RandomFeatures(4, "laplacian", seed=0)(x))[0]
    np.testing.assert_allclose(gaussian, PINNED["gaussian"], atol=1e-5)
    np.testing.assert_allclose(orthogonal, PINNED["orthogonal"], atol=1e-5)
    np.testing.assert_allclose(laplacian, PINNED["laplacian"], atol=1e-5)


def test_seeds_decide_the_features():
    x = points()
    first, again, other = (numpy(RandomFeatures(8, seed=seed)(x)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


def test_without_a_seed_features_differ_but_follow_the_global_seed():
    x = points()

    def two_layers():
        keras.utils.set_random_seed(5)
        return numpy(RandomFeatures(8)(x)), numpy(RandomFeatures(8)(x))

    first, second = two_layers()
    again, _ = two_layers()
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - second).max() > 0.1


def test_nothing_is_trained():
    layer = RandomFeatures(8, length_scale="auto")
    layer.build((None, 4))
    assert layer.trainable_variables == []
    assert len(layer.non_trainable_variables) == 4


def test_mixed_precision_computes_in_float32():
    x = points()
    plain, mixed = RandomFeatures(8, seed=1), RandomFeatures(8, seed=1, dtype="mixed_bfloat16")
    features = mixed(x)
    assert keras.backend.standardize_dtype(features.dtype) == "float32"
    np.testing.assert_array_equal(numpy(features), numpy(plain(x)))


def test_config_round_trip_gives_the_same_features():
    layer = RandomFeatures(8, length_scale=2.0, scaled=False, amplitude=3.0, orthogonal=True, seed=7)
    copy = RandomFeatures.from_config(layer.get_config())
    np.testing.assert_array_equal(numpy(copy(points())), numpy(layer(points())))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"num_features": 0}, "num_inducing.*Received: 0"),
        ({"num_features": 2.5}, "num_inducing.*Received: 2.5"),
        ({"num_features": 4, "kernel_type": "matern"}, "gaussian, laplacian, linear.*Received: 'matern'"),
        ({"num_features": 4, "length_scale": 0}, "length scale.*Received: 0"),
        ({"num_features": 4, "length_scale": -1.0}, "length scale.*Received: -1.0"),
        ({"num_features": 4, "length_scale": float("nan")}, "length scale.*Received: nan"),
        ({"num_features": 4, "length_scale": float("inf")}, "length scale.*Received: inf"),
        ({"num_features": 4, "length_scale": "median"}, "length scale.*'auto'.*Received: 'median'"),
        ({"num_features": 4, "kernel_type": "laplacian", "orthogonal": True}, "Orthogonal.*Received: 'laplacian'"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        RandomFeatures(**arguments)


def test_automatic_length_scale_waits_for_a_batch_with_distances():
    layer = RandomFeatures(8, length_scale="auto", seed=0)
    layer(np.zeros((1, 4)), training=True)
    assert float(keras.ops.convert_to_numpy(layer.current_length_scale.value)) == 2.0
    layer(np.array([[0.0, 0, 0, 0], [300, 0, 0, 0]]), training=True)
    assert float(keras.ops.convert_to_numpy(layer.current_length_scale.value)) == pytest.approx(300)


def test_sizes_and_scales_can_be_numpy_numbers():
    config = RandomFeatures(np.int64(8), length_scale=np.float32(2)).get_config()
    assert (type(config["num_features"]), type(config["length_scale"])) == (int, float)
