"""How all pictures look: colours told apart also by people who do not see red and green, and axes in percent."""

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

MODEL_COLORS = ("#1b6ca8", "#e08214", "#5e3c99", "#1a9641", "#b2182b", "#6e6e6e")
EXPERT_COLOR = "#1a9641"
INK = "#1c2430"
FAINT = "#9aa3ae"


def model_color(index: int) -> str:
    """The colour of the model at this place."""
    return MODEL_COLORS[index % len(MODEL_COLORS)]


def show_percent(ax: Axes) -> None:
    """Labels both axes in percent, with as many digits as the ticks need."""
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
