"""Accuracy, calibration and uncertainty against the strength of each shift, as a picture."""

from pathlib import Path

from matplotlib.figure import Figure
from method_names import SNGP_FOR_SHIFT, TEMPERATURE, TEMPERATURE_FOR_SHIFT, WITHOUT_BOUND, WITHOUT_GP
from quality_page import DOCS, methods, picture, shift_mean

ROWS = {"accuracy": "accuracy", "ece": "calibration error", "uncertainty": "1 - largest probability"}
DASHED = (WITHOUT_BOUND, WITHOUT_GP, TEMPERATURE, TEMPERATURE_FOR_SHIFT, SNGP_FOR_SHIFT)


def draw(study: dict) -> Path:
    """Writes the picture of one study into docs/images."""
    kinds = study["rows"][0]["shifts"]
    figure = Figure(figsize=(4 * len(kinds), 8.4), layout="constrained")
    axes = figure.subplots(len(ROWS), len(kinds), sharex=True, sharey="row")
    for column, (kind, points) in enumerate(kinds.items()):
        strengths = [point["strength"] for point in points]
        axes[0, column].set_title(kind)
        axes[-1, column].set_xlabel("strength")
        for row, (quantity, label) in enumerate(ROWS.items()):
            axes[row, 0].set_ylabel(label)
            for method in methods(study):
                values = [shift_mean(study, method, kind, number, quantity) for number in range(len(strengths))]
                style = "--" if method in DASHED else "-"
                axes[row, column].plot(strengths, values, style, label=method if row == column == 0 else None)
    figure.suptitle(study["title"])
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    path = DOCS / "images" / picture(study)
    figure.savefig(path, dpi=80)
    return path
