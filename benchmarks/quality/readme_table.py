"""The table in the README."""

from collections.abc import Iterator

from quality_page import DOCS, load_studies, markdown, methods, out_of_domain, rows_of, spread

PAGE = DOCS.parent / "README.md"
START, END = "<!-- figures -->\n", "<!-- end of figures -->"
SHOWN = ("deterministic", "MC dropout", "deep ensemble", "SNGP", "SNGP ensemble")
HEADINGS = ("trained on, asked about", "method", "accuracy ↑", "ECE ↓", "AUROC ↑", "AUPR ↑", "latency ↓")


def render() -> str:
    """The README with the table as it is by the files in `results`."""
    before, rest = PAGE.read_text().split(START)
    return f"{before}{START}{markdown(HEADINGS, _lines())}\n{END}{rest.split(END)[1]}"


def _lines() -> Iterator[list[str]]:
    for study in load_studies().values():
        other = next(iter(study["rows"][0]["out_of_domain"]))
        for method in methods(study):
            if method.split(" (")[0] in SHOWN:
                yield [f"{study['title']}; {other}", method, *_cells(study, method, other)]


def _cells(study: dict, method: str, other: str) -> list[str]:
    rows = rows_of(study, method)
    cells = [spread(row["test"][figure] for row in rows).split()[0] for figure in ("accuracy", "ece")]
    cells += [spread(out_of_domain(row, other, figure) for row in rows).split()[0] for figure in ("auroc", "aupr")]
    return [*cells, f"{study['latency'][method]:.2f}"]
