"""Writes the two-moons experiment to a folder: pictures, numbers, the model, and a page to mail."""

import base64
import io
import json
from pathlib import Path

from jinja2 import Environment, PackageLoader, select_autoescape
from matplotlib.figure import Figure

from keras_sngp._runtime.files import atomic_write
from keras_sngp.experiments.two_moons import TITLES, Result
from keras_sngp.report.moons_figures import draw_comparison, draw_method

COLUMNS = {
    "test_accuracy": ("Acc.", "{:.3f}"),
    "test_nll": ("NLL", "{:.4f}"),
    "test_ece": ("ECE", "{:.4f}"),
    "test_brier": ("Brier", "{:.4f}"),
    "ood_mean_confidence": ("OOD\nconf.", "{:.3f}"),
    "ood_auroc": ("OOD\nAUROC", "{:.3f}"),
    "variance_auroc": ("Var.\nAUROC", "{:.3f}"),
    "fit_seconds": ("Train\n(s)", "{:.1f}"),
    "predict_seconds": ("Pred.\n(s)", "{:.2f}"),
}


def table_rows(result: Result) -> list[list[str]]:
    """The table as text: a title and a cell for each column, for each method."""
    return [
        [TITLES[name]]
        + [form.format(method.measures[key]) if key in method.measures else "–" for key, (_, form) in COLUMNS.items()]
        for name, method in result.methods.items()
    ]


def write_report(result: Result, folder: Path) -> list[Path]:
    """Writes all files, each of them whole or not at all, and returns their paths."""
    pictures = {
        "comparison": _png(draw_comparison(result)),
        **{name: _png(draw_method(result, name)) for name in result.methods},
    }
    contents = {
        **{f"{name}.png": picture for name, picture in pictures.items()},
        "results.json": json.dumps(result.as_json(), indent=2).encode(),
        "report.html": _page(result, pictures).encode(),
    }
    for name, content in contents.items():
        with atomic_write(folder / name) as temporary:
            temporary.write_bytes(content)
    with atomic_write(folder / "sngp.keras") as temporary:
        result.sngp.save(temporary)
    return [folder / name for name in (*contents, "sngp.keras")]


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def _page(result: Result, pictures: dict[str, bytes]) -> str:
    environment = Environment(loader=PackageLoader("keras_sngp.report"), autoescape=select_autoescape())
    summary = result.as_json()
    return environment.get_template("moons.html").render(
        headings=["Method", *(title for title, _ in COLUMNS.values())],
        rows=table_rows(result),
        titles=TITLES,
        pictures={
            name: "data:image/png;base64," + base64.b64encode(picture).decode() for name, picture in pictures.items()
        },
        config=summary["config"],
        versions=summary["versions"],
        measures=summary["methods"],
    )
