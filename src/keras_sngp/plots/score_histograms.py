"""Histograms of a score, in domain and out of it."""

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from keras_sngp.metrics.array_checks import checked_vector
from keras_sngp.plots.style import INK, model_color
from keras_sngp.plots.surfaces import OUT_OF_DOMAIN_COLOR

BINS = 50
SHARE_SHOWN = 0.995


def plot_score_histograms(
    ax: Axes,
    in_domain: npt.ArrayLike,
    out_of_domain: npt.ArrayLike,
    score: str = "Uncertainty",
    threshold: float | None = None,
) -> Axes:
    """Draws how a score is distributed on both sides; the less they overlap, the better they can be told apart.

    The largest half percent of either side is counted in the last bar, so that a long tail leaves room for the rest.

    Args:
        ax: Where to draw.
        in_domain: Scores `(rows,)`.
        out_of_domain: Scores `(other rows,)`.
        score: Label of the horizontal axis.
        threshold: Draws a line here, above which cases are deferred.

    Example:

    >>> from matplotlib.figure import Figure
    >>> ax = plot_score_histograms(Figure().subplots(), [0.1, 0.2], [0.7, 0.9], "Entropy")
    >>> ax.get_xlabel()
    'Entropy'
    """
    inside, outside = checked_vector(in_domain, "in_domain"), checked_vector(out_of_domain, "out_of_domain")
    low = min(inside.min(), outside.min())
    high = max(np.quantile(inside, SHARE_SHOWN), np.quantile(outside, SHARE_SHOWN))
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    for values, color, name in ((inside, model_color(0), "in domain"), (outside, OUT_OF_DOMAIN_COLOR, "out of domain")):
        shares = np.histogram(np.minimum(values, edges[-1]), edges)[0] / len(values)
        ax.stairs(shares, edges, fill=True, color=color, alpha=0.45, label=name)
        ax.stairs(shares, edges, color=color, linewidth=1)
    if threshold is not None and low <= threshold <= high:
        ax.axvline(threshold, color=INK, linewidth=1, linestyle="--", label="deferred to the right")
    ax.set(xlim=(edges[0], edges[-1]), xlabel=score, ylabel="Share of rows")
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False)
    return ax
