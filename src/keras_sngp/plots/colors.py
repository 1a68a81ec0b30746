"""Colours of the models, told apart also by people who do not see red and green."""

MODEL_COLORS = ("#1b6ca8", "#e08214", "#5e3c99", "#1a9641", "#b2182b", "#6e6e6e")
EXPERT_COLOR = "#1a9641"
INK = "#1c2430"
FAINT = "#9aa3ae"


def model_color(index: int) -> str:
    """The colour of the model at this place."""
    return MODEL_COLORS[index % len(MODEL_COLORS)]
