"""The polar geometry of a kernel: the map itself, its moving averages, and what a model sees with it."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

import keras_sngp as sngp
from keras_sngp.layers import PolarProjection

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def projected(h, mean, mean_square):
    """The two formulas of the docstring, row by row."""
    radius = np.sqrt(mean_square - 0.75 * mean @ mean)
    rows = []
    for z in (h - mean / 2) / radius:
        square = z @ z
        inside = [*(2 * z / (square + 1)), (square - 1) / (square + 1)]
        rows.append(inside if square <= 1 else [*(z / np.sqrt(square)), (square - 1) / 2])
    return np.array(rows)


def fitted(h):
    layer = PolarProjection()
    layer(h, training=True)
    return layer


def test_the_map_is_that_of_its_docstring():
    h = np.random.default_rng(0).normal(2.0, 1.5, (50, 6))
    layer = fitted(h)
    expected = projected(h, h.mean(axis=0), (h**2).sum(axis=1).mean())
    assert (expected[:, -1] > 0).any() and (expected[:, -1] < 0).any()
    np.testing.assert_allclose(numpy(layer(h)), expected, atol=2e-6)


def test_the_radius_is_the_root_mean_square_distance_from_half_the_mean():
    h = np.random.default_rng(1).normal(1.0, 2.0, (40, 5))
    layer = fitted(h)
    radius = np.sqrt(((h - h.mean(axis=0) / 2) ** 2).sum(axis=1).mean())
    scaled = PolarProjection(scaled=True)
    scaled(h, training=True)
    np.testing.assert_allclose(numpy(scaled(h)), radius * numpy(layer(h)), rtol=1e-5, atol=1e-5)


def test_origin_and_mean_lie_in_opposite_directions():
    h = np.random.default_rng(2).normal(3.0, 1.0, (200, 8))
    origin, mean = numpy(fitted(h)(np.stack([np.zeros(8), h.mean(axis=0)])))
    np.testing.assert_allclose(origin[:-1], -mean[:-1], atol=1e-5)
    assert origin[-1] < 0 and mean[-1] < 0


@settings(max_examples=25, deadline=None)
@given(st.floats(-3, 3), st.integers(1, 5))
def test_distances_at_the_typical_distance_are_kept(angle, width):
    """To first order, for steps in any direction: the map is conformal there, with factor 1."""
    random = np.random.default_rng(width)
    layer = PolarProjection()
    layer.build((None, width))
    layer.mean_square.assign(1.0)
    point = random.normal(size=width)
    point /= np.linalg.norm(point)
    step = np.sin(angle) * random.normal(size=width) * 1e-2 + 1e-2 * np.cos(angle) * point
    a, b = numpy(layer(np.stack([point, point + step]).astype("float32")))
    np.testing.assert_allclose(np.linalg.norm(b - a), np.linalg.norm(step), rtol=0.05, atol=1e-6)


def test_far_out_the_last_coordinate_has_no_bound():
    points = numpy(fitted(np.random.default_rng(3).normal(size=(100, 4)))(np.array([[2.0] * 4, [100.0] * 4])))
    np.testing.assert_allclose(np.linalg.norm(points[:, :-1], axis=1), 1, rtol=1e-5)
    assert points[1, -1] > 1000 > points[0, -1] > 0


def test_moving_averages_start_at_the_first_batch_and_forget_it():
    random = np.random.default_rng(4)
    layer = PolarProjection()
    first, later = random.normal(5.0, 1.0, (32, 3)), random.normal(-1.0, 1.0, (64, 3))
    layer(first, training=True)
    np.testing.assert_allclose(numpy(layer.mean), first.mean(axis=0), rtol=1e-5)
    for _ in range(200):
        layer(later, training=True)
    np.testing.assert_allclose(numpy(layer.mean), later.mean(axis=0), rtol=0.02)
    before = numpy(layer.mean)
    layer(first)
    layer.trainable = False
    layer(first, training=True)
    np.testing.assert_array_equal(numpy(layer.mean), before)


def test_zeros_stay_finite():
    layer = fitted(np.zeros((4, 3)))
    assert np.isfinite(numpy(layer(np.zeros((2, 3))))).all()


def test_unknown_geometry_is_refused():
    with pytest.raises(ValueError, match=r"`gp_geometry` must be one of plain, polar. Received: 'round'"):
        sngp.RandomFeatureGaussianProcess(2, gp_geometry="round")


def collapsed(seed=0):
    """Features of ten classes, as a trained network has them, and features of others: smaller, of all classes a bit."""
    random = np.random.default_rng(seed)
    directions = np.abs(random.normal(size=(10, 64)))
    labels = np.arange(1000) % 10
    strength = random.uniform(0.5, 1.5, (1000, 1))
    inside = strength * directions[labels] + 0.4 * random.normal(size=(1000, 64))
    outside = 0.5 * directions.mean(axis=0) + 0.4 * random.normal(size=(500, 64))
    return inside.astype("float32"), labels, outside.astype("float32")


@pytest.mark.parametrize("geometry", ["plain", "polar"])
def test_variance_sees_collapsed_features_in_the_polar_geometry_alone(geometry):
    keras.utils.set_random_seed(0)
    x, y, others = collapsed()
    backbone = keras.Sequential([keras.Input((64,)), keras.layers.Identity()])
    model = sngp.SNGP(backbone, 10, 256, gp_geometry=geometry, seed=0)
    model.compile(keras.optimizers.Adam(1e-2), LOSS)
    model.fit(x[:500], y[:500], epochs=5, verbose=0)
    inside, outside = (model.predict_distribution(rows).variance for rows in (x[500:], others))
    auroc = roc_auc_score(np.repeat([0, 1], 500), np.concatenate([inside, outside]))
    assert auroc > 0.9 if geometry == "polar" else auroc < 0.7, auroc


def test_the_geometry_is_saved(tmp_path):
    keras.utils.set_random_seed(0)
    x, y, _ = collapsed()
    backbone = keras.Sequential([keras.Input((64,)), keras.layers.Dense(8)])
    model = sngp.SNGP(backbone, 10, 64, seed=0)
    model.compile("adam", LOSS)
    model.fit(x, y, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    expected = model.predict_distribution(x)
    found = loaded.predict_distribution(x)
    assert loaded.gaussian_process.gp_geometry == "polar"
    np.testing.assert_allclose(found.variance, expected.variance, rtol=1e-5)
    np.testing.assert_allclose(sngp.fold(loaded).predict_distribution(x).variance, expected.variance, rtol=1e-4)


def test_a_configuration_without_a_geometry_is_plain():
    backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8)])
    config = sngp.SNGP(backbone, 2, 16).get_config()
    del config["gp_geometry"]
    assert sngp.SNGP.from_config(config).gaussian_process.gp_geometry == "plain"


def test_a_number_as_length_scale_is_in_units_of_the_features():
    """With a scale far above all distances the kernel is nearly constant; far below, rows say nothing of each other."""
    x, _, _ = collapsed()
    kernels = []
    for scale in (1000.0, 0.05):
        layer = sngp.RandomFeatureGaussianProcess(2, 4096, gp_geometry="polar", gp_kernel_scale=scale, seed=0)
        layer(10 * x, training=True)
        phi = numpy(layer.kernel_features(10 * x[:50]))
        kernels.append((phi @ phi.T)[~np.eye(50, dtype=bool)].mean())
    assert kernels[0] > 0.9
    assert abs(kernels[1]) < 0.05
