"""The pages and tables in docs that show the figures in `results`."""

import json
from collections.abc import Iterable
from pathlib import Path
from statistics import mean, stdev

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
RESULTS = HERE / "results"
PAGE = DOCS / "quality.md"
ORDER = (
    "clinc150-frozen",
    "clinc150-fine-tuned",
    "fashion-mnist",
    "mnist",
    "cifar10-resnet-20",
    "cifar10-wide-resnet-28-10",
    "cifar10-open-set",
    "adult",
)

INTRODUCTION = """# Quality on real data

Every network of a table has the same layers and the same training. MC dropout is the deterministic network with its
dropout left on; the first member of an ensemble is the deterministic network; an SNGP is that network by `convert`,
calibrated (`calibrate`) on validation data, as the temperature is; *for shift*, on a tenth as many altered validation
images as well. Figures are means over seeds ± their standard deviation; ensembles of neighbouring seeds share members,
so theirs is too small.

Out-of-domain inputs are the positives of AUROC, AUPR and FPR95 (test inputs that are flagged when 95 % of the others
are). The score by which they are told is named for each method: the best of the method's on validation data, by which
all settings were chosen too. *Fisher* is what it has of Dempster-Shafer (D-S), variance and mutual information (MI),
combined by their ranks among validation data (`scores.fisher`), the variance counting a half or a quarter where so
named. *Accuracy at 80 %* is that of the surest 80 % of the test inputs, by the largest probability. Latency is that of
128 inputs, as a ratio to the deterministic network. Arrows say which way is better.

What follows from the figures for your choice of method and settings is in [how to choose](choosing.md).
"""

ENDING = """
Made by `make bench-quality` (CLINC150 on the frozen encoder, and Adult) and the scripts in
[`benchmarks/quality`](../benchmarks/quality), one a table, each of which goes on where it was stopped. The figures of
each seed, by every score, the times and the versions are in [`results`](../benchmarks/quality/results).
"""

IN_DOMAIN = ("accuracy", "ece", "nll", "accuracy at 80% coverage")
ABBREVIATIONS = {"Dempster-Shafer": "D-S", "mutual information": "MI", "max probability": "max p"}


def load_studies() -> dict[str, dict]:
    """What the files in `results` hold, in the order of the page."""
    files = {name: RESULTS / f"{name}.json" for name in ORDER}
    return {name: json.loads(file.read_text()) for name, file in files.items() if file.exists()}


def render() -> str:
    """The page."""
    return INTRODUCTION + "".join(map(section, load_studies().values())) + ENDING


def section(study: dict) -> str:
    parts = [f"\n## {study['title']}\n\n{study['description']}\n\n{table(study)}\n"]
    parts.append(f"\n{counted_seeds(study)}; backend {study['backend']}; {used_settings(study)}.\n")
    if "deferral" in study["rows"][0]:
        parts.append(f"\n### Together with a human\n\n{deferral_table(study)}\n")
    if "shifts" in study["rows"][0]:
        parts.append(
            f"\n### Under shift\n\n![Accuracy, calibration and uncertainty by strength](images/{picture(study)})\n"
        )
        parts.append(f"\n{shift_table(study)}\n")
    if study["tried"]:
        parts.append(f"\n### Settings tried, on validation data\n\n{tried_table(study['tried'])}\n")
    return "".join(parts)


def counted_seeds(study: dict) -> str:
    seeds = {method: len(rows_of(study, method)) for method in methods(study)}
    most = max(seeds.values())
    fewer = [f"{method} {count}" for method, count in seeds.items() if count < most]
    return f"{most} {'seeds' if most > 1 else 'seed'}{' (' + ', '.join(fewer) + ')' if fewer else ''}"


def picture(study: dict) -> str:
    return f"shift-{study['study']}.png"


def table(study: dict) -> str:
    """One row a method."""
    others = list(study["rows"][0]["out_of_domain"])
    headings = ["method", "accuracy ↑", "ECE ↓", "NLL ↓", "accuracy at 80 % ↑"]
    for name in others:
        headings += [f"{name}: AUROC ↑", "AUPR ↑", "FPR95 ↓"]
    return markdown([*headings, "score", "latency ↓"], (_method_cells(study, name, others) for name in methods(study)))


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
            cells.append(spread(out_of_domain(row, name, figure) for row in rows))
    names = sorted({ABBREVIATIONS.get(row["score"], row["score"]) for row in rows})
    ratio = study["latency"].get(method)
    return [*cells, " or ".join(names), "" if ratio is None else f"{ratio:.2f}"]


def out_of_domain(row: dict, name: str, figure: str) -> float:
    """By the score that was chosen on validation data."""
    return row["out_of_domain"][name][row["score"]][figure]


def deferral_table(study: dict) -> str:
    """Accuracy of all cases, by the share that goes to the expert."""
    shares = list(study["rows"][0]["deferral"])
    headings = ["method", *(f"{float(share):.0%} handed over" for share in shares)]
    lines = (
        [method, *(spread(row["deferral"][share] for row in rows_of(study, method)) for share in shares)]
        for method in methods(study)
    )
    return markdown(headings, lines)


def shift_table(study: dict) -> str:
    """Accuracy, ECE and mean uncertainty by strength."""
    kinds = study["rows"][0]["shifts"]
    strengths = [point["strength"] for point in next(iter(kinds.values()))]
    headings = ["shift", "method", *(f"strength {strength}" for strength in strengths)]
    lines = [
        [kind, method, *(" / ".join(_shift_figures(study, method, kind, number)) for number in range(len(strengths)))]
        for kind in kinds
        for method in methods(study)
    ]
    return "Accuracy / ECE / mean of 1 - largest probability:\n\n" + markdown(headings, lines)


def _shift_figures(study: dict, method: str, kind: str, number: int) -> list[str]:
    return [f"{shift_mean(study, method, kind, number, figure):.2f}" for figure in ("accuracy", "ece", "uncertainty")]


def shift_mean(study: dict, method: str, kind: str, number: int, figure: str) -> float:
    return mean(row["shifts"][kind][number][figure] for row in rows_of(study, method))


def tried_table(tried: list[dict]) -> str:
    """The settings that differ, and what a network had with them on validation data."""
    varied = [name for name in tried[0]["settings"] if len({str(trial["settings"][name]) for trial in tried}) > 1]
    headings = ["network", *(name.replace("_", " ") for name in varied), "accuracy", "ECE", "NLL", "AUROC", "AUPR"]
    lines = []
    for trial in tried:
        settings = [f"{trial['settings'][name]}" for name in varied]
        lines.append([trial["network"], *settings, *trial_figures(trial)])
    return markdown(headings, lines)


def trial_figures(trial: dict) -> list[str]:
    inside, outside = trial["validation"], trial["out-of-domain validation"]
    figures = [inside["accuracy"], inside["ece"], inside["nll"], outside["auroc"], outside["aupr"]]
    return [f"{figure:.4f}" for figure in figures]


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
