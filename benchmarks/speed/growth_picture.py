"""How cost grows with features, classes, rows and devices: docs/images/speed-growth.png."""

from speed_page import PICTURE
from works import JAX

PHASES = {"step": "training step, 128 rows", "posterior": "posterior", "prediction": "prediction"}
TITLES = {
    "features": "random features, 8,192 rows",
    "classes": "classes, 8,192 rows",
    "rows": "rows",
    "devices": "devices, 8,192 rows",
}


def draw(results: dict) -> None:
    from matplotlib.figure import Figure

    (growth,) = results["works"]["growth"]["subjects"][JAX]
    figure = Figure(figsize=(10, 7), layout="constrained")
    for axes, (axis, title) in zip(figure.subplots(2, 2).flat, TITLES.items(), strict=True):
        points = growth[axis]
        sizes = [int(size) for size in points]
        for phase, label in PHASES.items():
            if phase in next(iter(points.values())):
                axes.loglog(sizes, [point[phase] for point in points.values()], "o-", label=label)
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.minorticks_off()
        axes.set_xlabel(title)
        axes.set_ylabel("seconds")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    figure.savefig(PICTURE, dpi=110)
