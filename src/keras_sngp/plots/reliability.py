"""Reliability diagrams: what came true of what was said."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from keras_sngp.metrics.confidence_bins import ConfidenceBins
from keras_sngp.plots.style import FAINT, model_color, show_percent


def plot_reliability(
    ax: Axes, models: Mapping[str, ConfidenceBins], counts_ax: Axes | None = None, level: float = 0.95
) -> Axes:
    """Draws accuracy against confidence, a line and a confidence band for each model.

    Points below the diagonal are overconfident. The band is Wilson's interval of each bin's accuracy: where it holds
    the diagonal, the bin's gap may be chance.

    Args:
        ax: Where to draw.
        models: Bins by the name of their model: see `keras_sngp.metrics.top_label_bins`.
        counts_ax: Where to draw the share of rows in each bin, usually below, with the same horizontal axis.
        level: Level of the bands.

    Example:

    >>> from matplotlib.figure import Figure
    >>> from keras_sngp.metrics import top_label_bins
    >>> bins = top_label_bins([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]], [0, 0, 0])
    >>> ax = plot_reliability(Figure().subplots(), {"network": bins})
    >>> ax.get_xlabel()
    'Confidence'
    """
    ax.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle="--", label="calibrated")
    for index, (name, bins) in enumerate(models.items()):
        filled = bins.count > 0
        confidence, color = bins.confidence[filled], model_color(index)
        low, high = (bound[filled] for bound in bins.accuracy_band(level))
        ax.fill_between(confidence, low, high, color=color, alpha=0.18, linewidth=0)
        ax.plot(confidence, bins.accuracy[filled], color=color, marker="o", markersize=4, linewidth=1.6, label=name)
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="Confidence", ylabel="Accuracy")
    ax.legend(loc="upper left", frameon=False)
    show_percent(ax)
    if counts_ax is not None:
        ax.set_xlabel("")
        ax.tick_params(labelbottom=False)
        _plot_counts(counts_ax, models)
    return ax


def _plot_counts(ax: Axes, models: Mapping[str, ConfidenceBins]) -> None:
    for index, bins in enumerate(models.values()):
        num_bins, width = len(bins.count), 1 / len(bins.count) / len(models)
        filled = bins.count > 0
        left = np.arange(num_bins) / num_bins + index * width
        ax.bar(left[filled], bins.share[filled], width=0.92 * width, align="edge", color=model_color(index))
        if len(models) == 1:
            for x, count in zip(left[filled] + width / 2, bins.count[filled], strict=True):
                ax.annotate(_short(count), (x, count / bins.count.sum()), ha="center", va="bottom", fontsize=6.5)
    ax.set(xlim=(0, 1), xlabel="Confidence", ylabel="Share of rows")
    ax.set_ylim(0, 1.18 * max(bins.share.max() for bins in models.values()))
    show_percent(ax)


def _short(count: int) -> str:
    if count < 10_000:
        return f"{count}"
    return f"{count / 1e3:.0f}k" if count < 1e6 else f"{count / 1e6:.1f}M"
