"""Writes the two-moons experiment to a folder: pictures, numbers, the model, and a page to mail."""

from pathlib import Path

from keras_sngp._runtime.files import atomic_write
from keras_sngp.report.page import write_page
from keras_sngp.report.text_table import NOTHING, TextTable
from keras_sngp_cli.moons.experiment import TITLES, Result
from keras_sngp_cli.moons.figures import draw_comparison, draw_method

TEMPLATE = Path(__file__).parent / "moons.html"
MODEL = "sngp.keras"
DOTS_PER_INCH = 110
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


def measures_table(result: Result) -> TextTable:
    """The measures in columns, for each method a row."""
    rows = [
        [TITLES[name], *(_shown(method.measures.get(key), form) for key, (_, form) in COLUMNS.items())]
        for name, method in result.methods.items()
    ]
    return TextTable("Two moons", ["Method", *(title for title, _ in COLUMNS.values())], rows)


def _shown(measure: float | None, form: str) -> str:
    return NOTHING if measure is None else form.format(measure)


def write_report(result: Result, folder: Path) -> list[Path]:
    """Writes all files, each of them whole or not at all, and returns their paths."""
    summary = result.as_json()
    figures = {"comparison": draw_comparison(result), **{name: draw_method(result, name) for name in result.methods}}
    written = write_page(
        folder,
        TEMPLATE,
        figures,
        summary,
        DOTS_PER_INCH,
        table=measures_table(result),
        titles=TITLES,
        config=summary["config"],
        versions=summary["versions"],
        measures=summary["methods"],
    )
    with atomic_write(folder / MODEL) as temporary:
        result.sngp.save(temporary)
    return [*written, folder / MODEL]
