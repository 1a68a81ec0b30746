"""Surfaces over the plane: what a two-class model says, and how unsure it is. Axes in, Axes out."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure

from keras_sngp.plots.style import INK

CLASS_COLORS = ("#e08214", "#1b6ca8")
POINT_COLORS = ("#ffcf8a", "#8fd0ff")
OUT_OF_DOMAIN_COLOR = "#d62839"
PROBABILITY_COLORS = LinearSegmentedColormap.from_list("probability", [CLASS_COLORS[0], "#f7f7f7", CLASS_COLORS[1]])


def plot_points(
    ax: Axes,
    x: np.ndarray,
    y: np.ndarray,
    out_of_domain: np.ndarray | None = None,
    max_per_class: int | None = None,
) -> Axes:
    """Draws labelled points, and points out of domain in red.

    Args:
        ax: Where to draw.
        x: Points `(rows, 2)`.
        y: Labels 0 or 1, `(rows,)`.
        out_of_domain: Points `(rows, 2)`.
        max_per_class: Draw only the first of each class.
    """
    for label, color in enumerate(POINT_COLORS):
        points = x[y == label][:max_per_class]
        ax.scatter(
            points[:, 0], points[:, 1], s=9, color=color, edgecolors=INK, linewidths=0.35, label=f"class {label}"
        )
    if out_of_domain is not None:
        ax.scatter(out_of_domain[:, 0], out_of_domain[:, 1], s=4, color=OUT_OF_DOMAIN_COLOR, label="never seen")
    return ax


def plot_surface(
    ax: Axes,
    grid: np.ndarray,
    values: np.ndarray,
    vmin: float = 0.0,
    vmax: float = 1.0,
    label: str | None = None,
    colors: str | Colormap = "viridis",
) -> Axes:
    """Draws values at the points of a square grid as a coloured surface.

    Args:
        ax: Where to draw.
        grid: Points `(side ** 2, 2)`, row by row from below left.
        values: One number a point.
        vmin: Value of the darkest colour.
        vmax: Value of the lightest colour.
        label: Adds a colour bar with this label.
        colors: A matplotlib colour map; `PROBABILITY_COLORS` goes from class 0's colour over white to class 1's.
    """
    side = int(np.sqrt(len(grid)))
    if side * side != len(grid) or len(values) != len(grid):
        raise ValueError(
            "A surface needs a value at each point of a square grid. "
            f"Received: {len(grid)} points and {len(values)} values"
        )
    (left, bottom), (right, top) = grid.min(axis=0), grid.max(axis=0)
    image = ax.imshow(
        values.reshape(side, side),
        origin="lower",
        extent=(left, right, bottom, top),
        vmin=vmin,
        vmax=vmax,
        cmap=colors,
        interpolation="bicubic",
        aspect="auto",
    )
    if label is not None:
        assert isinstance(ax.figure, Figure)
        ax.figure.colorbar(image, ax=ax, label=label)
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)
    return ax
