"""The tables of docs/speed.md, from `results.json`."""

import statistics
from pathlib import Path
from typing import Any

from benchmarks.markdown import markdown_table
from benchmarks.results import read_results
from benchmarks.speed.works import GOALS, WORKS, Goal

RESULTS = Path(__file__).with_name("results.json")

Results = dict[str, Any]


def values_of(results: Results, work: str, subject: str, measure: str) -> list[float]:
    """What one subject measured, over rounds."""
    return [row[measure] for row in results["measures"] if (row["work"], row["subject"]) == (work, subject)]


def goals_table(results: Results) -> str:
    return markdown_table(["what", "reached", "to reach", ""], goal_rows(results))


def goal_rows(results: Results) -> list[list[str]]:
    measured = {row["work"] for row in results["measures"]}
    return [goal_row(goal, results) for goal in GOALS if {goal.work, goal.against_work or goal.work} <= measured]


def goal_row(goal: Goal, results: Results) -> list[str]:
    values = values_of(results, goal.work, *goal.measure)
    if goal.against is not None:
        others = statistics.median(values_of(results, goal.against_work or goal.work, *goal.against))
        values = [value / others for value in values]
    reached = statistics.median(values)
    met = reached >= goal.limit if goal.at_least else reached <= goal.limit
    sign = ">=" if goal.at_least else "<="
    return [goal.text, "{} ({} to {})".format(*_spread(values)), f"{sign} {goal.limit:g}", "yes" if met else "no"]


def growth_tables(results: Results) -> str:
    """One table for each thing that is varied."""
    tables = []
    for varied in dict.fromkeys(row["varied"] for row in results["growth"]):
        rows = [row for row in results["growth"] if row["varied"] == varied]
        measures = [name for name in rows[0] if name not in ("work", "varied", "size")]
        lines = [[f"{row['size']:,}", *(_number(row[name], _unit(name)) for name in measures)] for row in rows]
        tables.append(markdown_table([varied, *measures], lines))
    return "\n\n".join(tables)


def measurements(results: Results) -> str:
    """One table for each work, under its title."""
    tables = []
    for work in WORKS:
        rows = [row for row in results["measures"] if row["work"] == work.name]
        if not rows:
            continue
        lines = []
        for subject in dict.fromkeys(row["subject"] for row in rows):
            of_subject = [row for row in rows if row["subject"] == subject]
            for measure in [name for name in of_subject[0] if name not in ("work", "subject", "round")]:
                median, least, most = _spread([row[measure] for row in of_subject], _unit(measure))
                lines.append([subject, measure, median, f"{least} to {most}"])
        (when,) = (one for one in results["works"] if one["work"] == work.name)
        load = f"{when['load before']:.1f} processes before, {when['load after']:.1f} at the end"
        table = markdown_table(["", "", "median", "smallest to largest"], lines)
        tables.append(f"**{work.title}** ({len(of_subject)} rounds; {load})\n\n{table}")
    return "\n\n".join(tables)


def versions(results: Results) -> str:
    machine = results["machine"]
    of_each = [
        f"{environment}: {', '.join(f'{package} {version}' for package, version in found.items())}"
        for environment, found in machine["versions"].items()
    ]
    return f"Python {machine['python']}. {'. '.join(of_each)}."


def tables() -> dict[str, str]:
    """By the names that their markers in the page have."""
    makers = {"goals": goals_table, "growth": growth_tables, "measurements": measurements, "versions": versions}
    results = read_results(RESULTS)
    return {f"speed {name}": make(results) for name, make in makers.items()}


def _unit(measure: str) -> str:
    return next((unit for word, unit in (("megabytes", "MB"), ("GFLOP/s", "")) if word in measure), "s")


def _spread(values: list[float], unit: str = "") -> list[str]:
    """Median, smallest and largest."""
    return [_number(value, unit) for value in (statistics.median(values), min(values), max(values))]


def _number(value: float, unit: str) -> str:
    if unit == "s" and abs(value) < 1:
        value, unit = 1000 * value, "ms"
    return f"{value:,.0f} {unit}".rstrip() if abs(value) >= 100 else f"{value:#.3g} {unit}".rstrip(" .")
