"""What is gained by answering less: risk against coverage, accuracy against rejection."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from keras_sngp.metrics.selective import RiskCoverageCurve
from keras_sngp.plots.style import FAINT, model_color, show_percent

POINTS_DRAWN = 1000
SMALLEST_SAMPLE = 50


def plot_risk_coverage(ax: Axes, models: Mapping[str, RiskCoverageCurve], best: bool = True) -> Axes:
    """Draws the error rate among the surest rows against the share of rows answered; lower is better.

    The first fifty rows, whose error rate is mostly chance, are left out where there are many more.

    Args:
        ax: Where to draw.
        models: Curves by the name of their model: see `keras_sngp.metrics.risk_coverage_curve`.
        best: Whether to draw what a perfect order of the same mistakes would give, for 0-1 losses.

    Example:

    >>> from matplotlib.figure import Figure
    >>> from keras_sngp.metrics import risk_coverage_curve
    >>> curve = risk_coverage_curve([0.1, 0.2, 0.3], [0, 0, 1])
    >>> plot_risk_coverage(Figure().subplots(), {"network": curve}).get_ylabel()
    'Error rate of what is answered'
    """
    for index, (name, curve) in enumerate(models.items()):
        points = _points(len(curve.risk))
        color = model_color(index)
        ax.plot(curve.coverage[points], curve.risk[points], color=color, linewidth=1.8, label=name)
        if best:
            total = curve.risk[-1]
            lowest = np.maximum(curve.coverage - (1 - total), 0) / curve.coverage
            ax.plot(curve.coverage[points], lowest[points], color=color, linewidth=1, linestyle=":")
    if best:
        ax.plot([], [], color=FAINT, linewidth=1, linestyle=":", label="best order possible")
    ax.set(xlim=(0, 1), xlabel="Share of cases answered", ylabel="Error rate of what is answered")
    ax.set_ylim(bottom=0)
    ax.legend(loc="upper left", frameon=False)
    _finish(ax)
    return ax


def plot_accuracy_rejection(ax: Axes, models: Mapping[str, RiskCoverageCurve]) -> Axes:
    """Draws the accuracy of what is answered against the share of rows rejected; higher is better.

    Args:
        ax: Where to draw.
        models: Curves of 0-1 losses by the name of their model: see `keras_sngp.metrics.risk_coverage_curve`.

    Example:

    >>> from matplotlib.figure import Figure
    >>> from keras_sngp.metrics import risk_coverage_curve
    >>> curve = risk_coverage_curve([0.1, 0.2, 0.3], [0, 0, 1])
    >>> plot_accuracy_rejection(Figure().subplots(), {"network": curve}).get_xlabel()
    'Share of cases rejected'
    """
    for index, (name, curve) in enumerate(models.items()):
        points = _points(len(curve.risk))
        rejected, accuracy = 1 - curve.coverage[points], 1 - curve.risk[points]
        ax.plot(rejected, accuracy, color=model_color(index), linewidth=1.8, label=name)
    ax.set(xlim=(0, 1), xlabel="Share of cases rejected", ylabel="Accuracy of what is answered")
    ax.set_ylim(top=1.0)
    ax.legend(loc="lower right", frameon=False)
    _finish(ax)
    return ax


def _points(rows: int) -> np.ndarray:
    first = SMALLEST_SAMPLE - 1 if rows > 4 * SMALLEST_SAMPLE else 0
    return np.unique(np.linspace(first, rows - 1, POINTS_DRAWN).astype(int))


def _finish(ax: Axes) -> None:
    show_percent(ax)
    ax.grid(alpha=0.25)
