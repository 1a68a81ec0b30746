"""Draws the pictures of docs/quality.md and docs/speed.md from the results: python -m benchmarks.pictures"""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.quality import method_names as names
from benchmarks.quality.tables import Study, methods, read_studies, shift_means
from benchmarks.results import read_results
from benchmarks.speed.tables import RESULTS as SPEED
from benchmarks.tables import ROOT

IMAGES = ROOT / "docs" / "images"
QUANTITIES = {"accuracy": "accuracy", "ece": "calibration error", "uncertainty": "1 - largest probability"}
DASHED = (names.WITHOUT_BOUND, names.WITHOUT_GP, names.TEMPERATURE, names.TEMPERATURE_FOR_SHIFT, names.SNGP_FOR_SHIFT)
PHASES = {"step": "training step, 128 rows", "posterior": "posterior", "prediction": "prediction"}
VARIED = {
    "features": "random features, 8,192 rows",
    "classes": "classes, 8,192 rows",
    "rows": "rows",
    "devices": "devices, 8,192 rows",
}


def draw_shift(study: Study) -> Figure:
    """Accuracy, calibration and uncertainty against the strength of each shift."""
    means = shift_means(study)
    kinds = means.index.unique("data")
    figure = Figure(figsize=(4 * len(kinds), 8.4), layout="constrained")
    axes = figure.subplots(len(QUANTITIES), len(kinds), sharex=True, sharey="row")
    for column, kind in enumerate(kinds):
        axes[0, column].set_title(kind)
        axes[-1, column].set_xlabel("strength")
        for row, (quantity, label) in enumerate(QUANTITIES.items()):
            axes[row, 0].set_ylabel(label)
            for method in methods(study):
                points = means.loc[(kind, method), quantity].sort_index()
                style = "--" if method in DASHED else "-"
                axes[row, column].plot(points.index, points, style, label=method if row == column == 0 else None)
    figure.suptitle(study["title"])
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    return figure


def draw_growth(growth: list[dict]) -> Figure:
    """How cost grows with features, classes, rows and devices."""
    figure = Figure(figsize=(10, 7), layout="constrained")
    for axes, (varied, title) in zip(figure.subplots(2, 2).flat, VARIED.items(), strict=True):
        _draw_points(axes, [row for row in growth if row["varied"] == varied])
        axes.set_xlabel(title)
    return figure


def _draw_points(axes: Axes, points: list[dict]) -> None:
    sizes = [point["size"] for point in points]
    for phase, label in PHASES.items():
        if phase in points[0]:
            axes.loglog(sizes, [point[phase] for point in points], "o-", label=label)
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.set_ylabel("seconds")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)


def draw_all() -> None:
    for study in read_studies():
        if names.UNSHIFTED in set(study["records"]["data"]):
            draw_shift(study).savefig(IMAGES / f"shift-{study['study']}.png", dpi=80)
    draw_growth(read_results(SPEED)["growth"]).savefig(IMAGES / "speed-growth.png", dpi=110)


if __name__ == "__main__":
    draw_all()
