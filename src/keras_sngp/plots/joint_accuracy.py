"""What machine and expert reach together."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from keras_sngp.metrics.joint_accuracy import JointAccuracyCurve
from keras_sngp.plots.style import EXPERT_COLOR, FAINT, model_color, show_percent

POINTS_DRAWN = 1000


def plot_joint_accuracy(
    ax: Axes,
    models: Mapping[str, JointAccuracyCurve],
    deferral_rates: Mapping[str, float] | None = None,
) -> Axes:
    """Draws joint accuracy against the share of cases the expert answers, with both alone for comparison.

    Args:
        ax: Where to draw.
        models: Curves by the name of their model: see `keras_sngp.deferral.joint_accuracy_curve`.
        deferral_rates: Marks these shares on the models' curves, such as those a policy defers.

    Example:

    >>> from matplotlib.figure import Figure
    >>> from keras_sngp.deferral import joint_accuracy_curve
    >>> curve = joint_accuracy_curve([0.1, 0.9], [0, 1], [0.8, 0.8])
    >>> plot_joint_accuracy(Figure().subplots(), {"network": curve}).get_ylabel()
    'Joint accuracy'
    """
    for index, (name, curve) in enumerate(models.items()):
        points = np.unique(np.linspace(0, len(curve.share) - 1, POINTS_DRAWN).astype(int))
        color = model_color(index)
        ax.plot(curve.share[points], curve.accuracy[points], color=color, linewidth=1.8, label=f"{name} and expert")
        ax.plot([0, 1], [curve.accuracy[0]] * 2, color=color, linewidth=1, linestyle=":")
        ax.annotate(
            "machine alone",
            (1, curve.accuracy[0]),
            (-4, 3),
            textcoords="offset points",
            color=color,
            fontsize=8,
            ha="right",
        )
        if deferral_rates and name in deferral_rates:
            rate = deferral_rates[name]
            ax.plot(rate, curve.at(rate), marker="D", color=color, markersize=7, markeredgecolor="white")
    expert = next(iter(models.values())).accuracy[-1]
    ax.axhline(expert, color=EXPERT_COLOR, linewidth=1.4, linestyle="--", label="expert alone")
    if deferral_rates:
        ax.plot([], [], marker="D", color=FAINT, linestyle="", label="the policy")
    ax.set(xlim=(0, 1), xlabel="Share of cases the expert answers", ylabel="Joint accuracy")
    show_percent(ax)
    ax.grid(alpha=0.25)
    ax.legend(loc="best", frameon=False)
    return ax
