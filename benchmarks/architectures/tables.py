"""The table of docs/architectures.md, from `results.json`."""

from pathlib import Path

from benchmarks.markdown import markdown_table
from benchmarks.results import read_results

RESULTS = Path(__file__).with_name("results.json")
TREATMENTS = ("bounded", "by constraint", "unbounded", "skipped")
NORMS = {"norm, bounded": "norm, bounded", "norm, by constraint": "norm, constraint"}
DIFFERENCES = ("difference: features", "difference: files", "difference: ONNX")


def tables() -> dict[str, str]:
    lines = []
    for row in read_results(RESULTS)["rows"]:
        norms = ["" if row[name] is None else f"{row[name]:.4f}" for name in NORMS]
        counts = [str(row[name]) for name in TREATMENTS]
        differences = [f"{row[name]:.0e}" for name in DIFFERENCES]
        start = [row["network"], row["backend"], f"{row['parameters']:,}"]
        lines.append([*start, *counts, f"{row['bound']:g}", *norms, *differences])
    headings = ["network", "backend", "parameters", *TREATMENTS, "bound", *NORMS.values(), *DIFFERENCES]
    return {"architectures": markdown_table(headings, lines)}
