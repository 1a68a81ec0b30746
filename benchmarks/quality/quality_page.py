"""The page in docs that shows the figures in `results`."""

import json
from collections.abc import Iterable
from pathlib import Path
from statistics import mean, stdev

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PAGE = HERE.parents[1] / "docs" / "quality.md"
ORDER = (
    "clinc150-frozen",
    "clinc150-fine-tuned",
    "fashion-mnist",
    "mnist",
    "cifar10",
    "adult",
)

INTRODUCTION = """# Quality on real data

Every network of a table has the same layers and the same training: AdamW with a cosine schedule. MC dropout is the
deterministic network with its dropout left on; the first member of an ensemble is the deterministic network; an SNGP is
that network by `convert`, calibrated (`calibrate`) on validation data like the temperature. Figures are means over
seeds ± their standard deviation. Out-of-domain inputs are the positives of AUROC, AUPR and FPR95 (test inputs that are
flagged when 95 % of the others are); the score is named for each method. *Accuracy at 80 %* is that of the surest 80 % of the test inputs, by the largest probability. Arrows say which way is better. Latency is for
128 inputs, as a ratio to the deterministic network.
"""

ENDING = """
Made by `make bench-quality`. The figures of each seed, by every score, and the versions are in
[`benchmarks/quality/results`](../benchmarks/quality/results).
"""

IN_DOMAIN = ("accuracy", "ece", "nll", "accuracy at 80% coverage")
ABBREVIATIONS = {"Dempster-Shafer": "D-S", "mutual information": "MI", "max probability": "max p"}


def render() -> str:
    """The page, from the files in `results`."""
    files = [RESULTS / f"{name}.json" for name in ORDER]
    studies = [json.loads(file.read_text()) for file in files if file.exists()]
    return INTRODUCTION + "".join(map(section, studies)) + ENDING


def section(study: dict) -> str:
    seeds = sorted({row["seed"] for row in study["rows"]})
    parts = [f"\n## {study['title']}\n\n{study['description']}\n\n{table(study)}\n"]
    parts.append(f"\n{len(seeds)} seeds; backend {study['backend']}; {used_settings(study)}.\n")
    if "shifts" in study["rows"][0]:
        parts.append(f"\n### Under shift\n\n{shift_table(study)}\n")
    if study["tried"]:
        parts.append(f"\n### Settings tried, on validation data\n\n{tried_table(study['tried'])}\n")
    return "".join(parts)


def table(study: dict) -> str:
    """One row a method."""
    others = list(study["rows"][0]["out_of_domain"])
    headings = ["method", "accuracy ↑", "ECE ↓", "NLL ↓", "accuracy at 80 % ↑"]
    for name in others:
        headings += [f"{name}: AUROC ↑", "AUPR ↑", "FPR95 ↓"]
    headings += ["score", "latency ↓", "training, s ↓"]
    return markdown(headings, (_method_cells(study, name, others) for name in methods(study)))


def methods(study: dict) -> list[str]:
    return list(dict.fromkeys(row["method"] for row in study["rows"]))


def rows_of(study: dict, method: str) -> list[dict]:
    return [row for row in study["rows"] if row["method"] == method]


def _method_cells(study: dict, method: str, others: list[str]) -> list[str]:
    rows = rows_of(study, method)
    cells = [method]
    cells += [spread(row["test"][figure] for row in rows) for figure in IN_DOMAIN]
    for name in others:
        for figure in ("auroc", "aupr", "fpr95"):
            cells.append(spread(row["out_of_domain"][name][row["score"]][figure] for row in rows))
    names = sorted({ABBREVIATIONS.get(row["score"], row["score"]) for row in rows})
    ratio = study["latency"].get(method)
    seconds = mean(row["training_seconds"] for row in rows)
    return [*cells, " or ".join(names), "" if ratio is None else f"{ratio:.2f}", f"{seconds:.0f}"]


def shift_table(study: dict) -> str:
    """Accuracy, ECE and mean uncertainty (1 - largest probability) by strength, a row each."""
    kinds = study["rows"][0]["shifts"]
    strengths = [point["strength"] for point in next(iter(kinds.values()))]
    lines = []
    for kind in kinds:
        for method in methods(study):
            for figure in ("accuracy", "ece", "uncertainty"):
                found = [
                    f"{mean(row['shifts'][kind][i][figure] for row in rows_of(study, method)):.3f}"
                    for i in range(len(strengths))
                ]
                lines.append([kind, method, figure, *found])
    return markdown(["shift", "method", "figure", *(f"strength {strength}" for strength in strengths)], lines)


def tried_table(tried: list[dict]) -> str:
    """The settings that differ, and what an SNGP had with them on validation data."""
    varied = [name for name in tried[0]["settings"] if len({str(trial["settings"][name]) for trial in tried}) > 1]
    headings = [*(name.replace("_", " ") for name in varied), "accuracy", "ECE", "NLL", "AUROC", "AUPR"]
    lines = []
    for trial in tried:
        inside, outside = trial["validation"], trial.get("out-of-domain validation", {})
        figures = [inside["accuracy"], inside["ece"], inside["nll"], outside.get("auroc"), outside.get("aupr")]
        settings = [f"{trial['settings'][name]}" for name in varied]
        lines.append([*settings, *("" if figure is None else f"{figure:.4f}" for figure in figures)])
    return markdown(headings, lines)


def used_settings(study: dict) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in study["settings"].items())


def spread(figures: Iterable[float]) -> str:
    """Mean ± standard deviation."""
    found = list(figures)
    return f"{mean(found):.4f}" + (f" ± {stdev(found):.4f}" if len(found) > 1 else "")


def markdown(headings: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    headings = list(headings)
    return "\n".join([_line(headings), "|---" * len(headings) + "|", *map(_line, lines)])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
