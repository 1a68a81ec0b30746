"""The tutorial's three data sets in the plane: training moons, a grid to look at, and points far away."""

import numpy as np
import numpy.typing as npt

__all__ = ["make_out_of_domain_data", "make_testing_grid", "make_training_data"]

Points = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

GRID_X = (-3.5, 3.5)
GRID_Y = (-2.5, 2.5)
CLASS_SHIFTS = ((-0.1, 0.2), (0.1, -0.2))
OUT_OF_DOMAIN_MEAN = (2.5, -1.75)
OUT_OF_DOMAIN_VARIANCE = 0.01


def make_training_data(rows_per_class: int = 500, noise: float = 0.1, seed: int = 0) -> tuple[Points, Labels]:
    """Two moons, each class shifted away from the other.

    Returns:
        Points `(2 * rows_per_class, 2)`, float32, shuffled, and their labels 0 or 1. Another seed draws other points
        from the same distribution, such as a test set.

    Example:

    >>> points, labels = make_training_data(seed=0)
    >>> points.shape, labels.shape
    ((1000, 2), (1000,))
    """
    from sklearn.datasets import make_moons

    points, labels = make_moons(2 * rows_per_class, noise=noise, random_state=seed)
    return (points + np.array(CLASS_SHIFTS)[labels]).astype("float32"), labels


def make_testing_grid(points_per_side: int = 100) -> Points:
    """All points of a square grid over the plane, `(points_per_side ** 2, 2)`, row by row from below left."""
    x, y = np.meshgrid(np.linspace(*GRID_X, points_per_side), np.linspace(*GRID_Y, points_per_side))
    return np.stack([x.ravel(), y.ravel()], axis=-1).astype("float32")


def make_out_of_domain_data(rows: int = 500, seed: int = 0) -> Points:
    """A small cluster far from both moons, `(rows, 2)`, that no model is trained on."""
    deviation = np.sqrt(OUT_OF_DOMAIN_VARIANCE)
    random = np.random.default_rng(seed)
    return random.normal(OUT_OF_DOMAIN_MEAN, deviation, (rows, 2)).astype("float32")
