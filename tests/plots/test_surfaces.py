import numpy as np
import pytest
from matplotlib.figure import Figure

from keras_sngp import two_moons
from keras_sngp.plots import plot_points, plot_surface


@pytest.fixture
def ax():
    return Figure().subplots()


def test_a_surface_shows_each_value_where_its_point_is(ax):
    grid = two_moons.make_testing_grid(50)
    values = (grid[:, 0] > 0) * 0.5 + (grid[:, 1] > 0) * 0.25
    assert plot_surface(ax, grid, values) is ax
    (image,) = ax.images
    shown = np.asarray(image.get_array())
    left, right, bottom, top = image.get_extent()
    for (x, y), value in zip(grid[::37], values[::37], strict=True):
        column = round((x - left) / (right - left) * 49)
        row = round((y - bottom) / (top - bottom) * 49)
        assert shown[row, column] == value
    assert image.origin == "lower" and image.get_clim() == (0, 1)


def test_a_label_adds_a_colour_bar(ax):
    grid = two_moons.make_testing_grid(5)
    plot_surface(ax, grid, np.zeros(25), label="uncertainty")
    assert [other.get_ylabel() for other in ax.figure.axes[1:]] == ["uncertainty"]


def test_points_are_drawn_by_class(ax):
    x, y = two_moons.make_training_data(30)
    far = two_moons.make_out_of_domain_data(5)
    assert plot_points(ax, x, y, far, max_per_class=20) is ax
    offsets = [np.asarray(collection.get_offsets()) for collection in ax.collections]
    np.testing.assert_allclose(offsets[0], x[y == 0][:20])
    np.testing.assert_allclose(offsets[1], x[y == 1][:20])
    np.testing.assert_allclose(offsets[2], far)


def test_values_that_do_not_fill_a_square_grid_are_refused(ax):
    grid = two_moons.make_testing_grid(5)
    with pytest.raises(ValueError, match="25 points and 24 values"):
        plot_surface(ax, grid, np.zeros(24))
    with pytest.raises(ValueError, match="24 points and 24 values"):
        plot_surface(ax, grid[:24], np.zeros(24))
