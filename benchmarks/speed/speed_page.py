"""docs/speed.md, from results.json and findings.md: python benchmarks/speed/speed_page.py"""

import json
import statistics
from collections.abc import Iterator
from pathlib import Path

from works import GOALS, JAX, WORKS, Goal

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
FINDINGS = HERE / "findings.md"
PAGE = HERE.parents[1] / "docs" / "speed.md"
PICTURE = PAGE.parent / "images" / "speed-growth.png"

INTRODUCTION = """# Speed

The same work by this library and by others, in turn, on the same machine: {cores} {processor} cores, {date}. Each
figure is a median over processes, with the smallest and the largest in brackets. Others have environments of their own,
made by the benchmark from the package index. How busy the machine was beside is shown with each table: the number of
processes that wanted a core in the minute before the table was begun, and in the last minute of it.

"""
GROWTH = """## How cost grows

A head on a trunk of 128 units, JAX. A training step is of 128 rows, posterior and prediction are of 8,192 rows, with
1,024 features and 10 classes where they are not what is varied. Devices are the same cores made to look like several.

![Seconds by random features, classes, rows and devices](images/speed-growth.png)

Prediction and the sums of the posterior grow with the square of the random features M, once products outweigh what
Keras does for a batch, and the posterior's factor with their cube: from 4,096 on it is most of the time. A training
step grows with M alone. Classes cost little, since one covariance serves all; at 1,000 the logits and the
probabilities, which NumPy computes, show. Rows cost in proportion; memory is that of the answers, and of batches held
ready. Devices that share two cores gain nothing: what is seen is what sharing out costs.
"""
ENDING = """
## Doing it again

`make bench-speed` measures all and writes this page, `benchmarks/speed/results.json` and the picture. One table:
`python benchmarks/speed/run.py --only grid`. What is measured is in `benchmarks/speed/works.py`, one script for each
environment beside it. {versions}
"""


def render(results: dict) -> str:
    machine = results["machine"]
    dates = sorted({work["date"] for work in results["works"].values()})
    introduction = INTRODUCTION.format(
        cores=machine["cores"], processor=machine["processor"], date=" to ".join(sorted({dates[0], dates[-1]}))
    )
    tables = [table for work in WORKS for table in _section(work.name, work.title, results)]
    return "\n".join(
        [
            introduction + _markdown(_goal_rows(results)),
            "",
            FINDINGS.read_text(),
            *_growth_section(results),
            "## All measurements",
            "",
            *tables,
            ENDING.format(versions=_versions(machine)).lstrip("\n"),
        ]
    )


def show(results: dict) -> str:
    """The goals as they stand, for the terminal."""
    return "\n".join(
        "  ".join(f"{cell:<50}" if not n else f"{cell:>22}" for n, cell in enumerate(row))
        for row in _goal_rows(results)
    )


def _goal_rows(results: dict) -> list[list[str]]:
    return [
        ["what", "reached", "to reach", ""],
        *(_goal_row(goal, results) for goal in GOALS if _measured(goal, results)),
    ]


def _goal_row(goal: Goal, results: dict) -> list[str]:
    values = values_of(results, goal.work, *goal.measure)
    if goal.against is not None:
        others = statistics.median(values_of(results, goal.against_work or goal.work, *goal.against))
        values = [value / others for value in values]
    reached = statistics.median(values)
    met = reached >= goal.limit if goal.at_least else reached <= goal.limit
    return [goal.text, _spread(values), f"{'>=' if goal.at_least else '<='} {goal.limit:g}", "yes" if met else "no"]


def _measured(goal: Goal, results: dict) -> bool:
    return {goal.work, goal.against_work or goal.work} <= set(results["works"])


def values_of(results: dict, work: str, subject: str, measure: str) -> list[float]:
    return [measures[measure] for measures in results["works"][work]["subjects"][subject]]


def _section(name: str, title: str, results: dict) -> Iterator[str]:
    work = results["works"].get(name)
    if work is None or name == "growth":
        return
    rows = [["", "", "median", "smallest to largest"]]
    for subject, rounds in work["subjects"].items():
        for measure in rounds[0]:
            values = [measures[measure] for measures in rounds]
            median, spread = _spread(values, _unit(measure)).split(" (")
            rows.append([subject, measure, median, spread.rstrip(")")])
    before, after = work["load"]
    yield f"**{title}** ({len(rounds)} rounds; {before:.1f} processes before, {after:.1f} at the end)\n"
    yield _markdown(rows) + "\n"


def _growth_section(results: dict) -> Iterator[str]:
    if "growth" not in results["works"]:
        return
    (growth,) = results["works"]["growth"]["subjects"][JAX]
    yield GROWTH
    for axis, points in growth.items():
        measures = list(next(iter(points.values())))
        rows = [[axis, *measures]]
        for size, measured in points.items():
            rows.append([f"{int(size):,}", *(_number(measured[measure], _unit(measure)) for measure in measures)])
        yield _markdown(rows) + "\n"


def _unit(measure: str) -> str:
    return next((unit for word, unit in (("megabytes", "MB"), ("GFLOP/s", "")) if word in measure), "s")


def _spread(values: list[float], unit: str = "") -> str:
    median, least, most = (_number(value, unit) for value in (statistics.median(values), min(values), max(values)))
    return f"{median} ({least} to {most})"


def _number(value: float, unit: str) -> str:
    if unit == "s" and abs(value) < 1:
        value, unit = 1000 * value, "ms"
    return f"{value:,.0f} {unit}".rstrip() if abs(value) >= 100 else f"{value:#.3g} {unit}".rstrip(" .")


def _markdown(rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])


def _versions(machine: dict) -> str:
    each = [
        f"{environment}: {', '.join(f'{package} {version}' for package, version in versions.items())}"
        for environment, versions in machine["versions"].items()
    ]
    return f"Python {machine['python']}. " + ". ".join(each) + "."


if __name__ == "__main__":
    PAGE.write_text(render(json.loads(RESULTS.read_text())))
