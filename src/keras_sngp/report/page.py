"""Writes a page to a folder: pictures, numbers, and HTML that holds the pictures, so that it can be mailed."""

import base64
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, select_autoescape
from matplotlib.figure import Figure

from keras_sngp._runtime.files import atomic_write
from keras_sngp.report.text_table import percent

RESULTS, PAGE = "results.json", "report.html"


def write_page(
    folder: Path,
    template: Path,
    figures: Mapping[str, Figure],
    results: dict[str, Any],
    dots_per_inch: int = 130,
    **context: Any,
) -> list[Path]:
    """Writes all files, each of them whole or not at all, and returns their paths.

    Args:
        folder: Where to.
        template: A Jinja template that extends `layout.html`. It sees `pictures`, by name as `data:` addresses.
        figures: Pictures, each of which becomes `NAME.png`.
        results: What goes into `results.json`.
        dots_per_inch: Resolution of the pictures.
        **context: What else the template sees.
    """
    pictures = {name: _png(figure, dots_per_inch) for name, figure in figures.items()}
    addresses = {name: "data:image/png;base64," + base64.b64encode(png).decode() for name, png in pictures.items()}
    contents = {
        **{f"{name}.png": picture for name, picture in pictures.items()},
        RESULTS: (json.dumps(results, indent=2, allow_nan=False) + "\n").encode(),
        PAGE: _environment(template.parent).get_template(template.name).render(pictures=addresses, **context).encode(),
    }
    for name, content in contents.items():
        with atomic_write(folder / name) as temporary:
            temporary.write_bytes(content)
    return [folder / name for name in contents]


def _environment(templates: Path) -> Environment:
    loader = ChoiceLoader([FileSystemLoader(templates), PackageLoader("keras_sngp.report")])
    environment = Environment(loader=loader, autoescape=select_autoescape())
    environment.filters["percent"] = percent
    return environment


def _png(figure: Figure, dots_per_inch: int) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dots_per_inch)
    return buffer.getvalue()
