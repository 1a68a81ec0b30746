import numpy as np

from keras_sngp import two_moons


def test_training_data_are_two_shifted_moons():
    points, labels = two_moons.make_training_data(500, noise=0.0, seed=3)
    assert points.shape == (1000, 2) and points.dtype == np.float32
    assert np.bincount(labels).tolist() == [500, 500]
    upper, lower = points[labels == 0] - (-0.1, 0.2), points[labels == 1] - (0.1, -0.2)
    np.testing.assert_allclose(np.linalg.norm(upper, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(lower - (1, 0.5), axis=1), 1, atol=1e-6)
    assert upper[:, 1].min() > -1e-6 and lower[:, 1].max() < 0.5 + 1e-6


def test_noise_has_the_stated_deviation():
    points, labels = two_moons.make_training_data(20_000, noise=0.1, seed=0)
    distance = np.linalg.norm(points[labels == 0] - (-0.1, 0.2), axis=1) - 1
    assert abs(distance.std() - 0.1) < 0.005


def test_seeds_repeat_and_differ():
    one, again, other = (two_moons.make_training_data(10, seed=seed)[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    assert not np.array_equal(two_moons.make_out_of_domain_data(seed=0), two_moons.make_out_of_domain_data(seed=1))


def test_grid_covers_the_plane_row_by_row():
    grid = two_moons.make_testing_grid()
    assert grid.shape == (10_000, 2)
    np.testing.assert_allclose(grid[[0, 99, -100, -1]], [[-3.5, -2.5], [3.5, -2.5], [-3.5, 2.5], [3.5, 2.5]])


def test_out_of_domain_points_are_the_stated_normal():
    points = two_moons.make_out_of_domain_data(20_000)
    np.testing.assert_allclose(points.mean(axis=0), (2.5, -1.75), atol=0.003)
    np.testing.assert_allclose(np.cov(points.T), 0.01 * np.eye(2), atol=5e-4)
    assert two_moons.make_out_of_domain_data().shape == (500, 2)
