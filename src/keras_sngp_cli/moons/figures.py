"""The pictures of the two-moons experiment."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure

from keras_sngp.models.prediction import Prediction
from keras_sngp.plots import PROBABILITY_COLORS, plot_points, plot_surface
from keras_sngp_cli.moons.experiment import TITLES, Result

PROBABILITY = "Probability of class 1"
UNCERTAINTY = "Uncertainty p(1-p), 1 = a coin toss"
POINTS_DRAWN_PER_CLASS = 150


def normalised_uncertainty(prediction: Prediction) -> np.ndarray:
    """`p (1 - p)` over its largest possible value, 1/4."""
    return prediction.bernoulli_variance / 0.25


def draw_method(result: Result, method: str) -> Figure:
    """One method's probability and uncertainty surfaces, and the posterior variance where there is one."""
    prediction = result.methods[method].grid
    panels: list[tuple[str, np.ndarray, float, str | Colormap]] = [
        (PROBABILITY, prediction.probabilities[:, 1], 1.0, PROBABILITY_COLORS),
        (UNCERTAINTY, normalised_uncertainty(prediction), 1.0, "viridis"),
    ]
    if prediction.variance is not None:
        deviation = np.sqrt(prediction.variance)
        panels.append(("Posterior standard deviation of the logit", deviation, deviation.max(), "viridis"))
    figure = Figure(figsize=(5.4 * len(panels), 4.2), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for ax, (title, values, largest, colors) in zip(axes, panels, strict=True):
        plot_surface(ax, result.data.grid, values, vmax=largest, label="", colors=colors)
        _add_points(ax, result)
        ax.set_title(title, fontsize=11)
    figure.suptitle(TITLES[method], fontsize=14, fontweight="bold")
    return figure


def draw_comparison(result: Result) -> Figure:
    """All methods side by side: probabilities above, uncertainties below."""
    methods = list(result.methods)
    figure = Figure(figsize=(3.4 * len(methods) + 1, 6.2), layout="constrained")
    axes = figure.subplots(2, len(methods), sharex=True, sharey=True)
    for column, method in enumerate(methods):
        prediction = result.methods[method].grid
        plot_surface(axes[0, column], result.data.grid, prediction.probabilities[:, 1], colors=PROBABILITY_COLORS)
        plot_surface(axes[1, column], result.data.grid, normalised_uncertainty(prediction))
        for row in (0, 1):
            _add_points(axes[row, column], result)
        axes[0, column].set_title(TITLES[method], fontsize=13, fontweight="bold")
    for row, label in enumerate((PROBABILITY, UNCERTAINTY)):
        figure.colorbar(axes[row, 0].images[0], ax=axes[row, :], label=label, pad=0.01)
    axes[0, 0].legend(loc="upper left", fontsize=7, framealpha=0.9)
    return figure


def _add_points(ax: Axes, result: Result) -> None:
    data = result.data
    plot_points(ax, data.x, data.y, data.out_of_domain, max_per_class=POINTS_DRAWN_PER_CLASS)
