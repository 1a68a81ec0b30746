"""Shares shown as percentages."""

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter


def show_percent(ax: Axes) -> None:
    """Labels both axes in percent, with as many digits as the ticks need."""
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
