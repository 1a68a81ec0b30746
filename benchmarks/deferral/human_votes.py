"""Machine, human and both on CIFAR-10: what handing over the least sure images gains.

    python benchmarks/deferral/human_votes.py predictions.npz --votes human_votes_test.npz --page docs/deferral.md

The expert is a person drawn at random from the about 51 who labelled each test image for CIFAR-10H. A policy for each
share is learned on one half of the test images, drawn at random, and judged on the other; repeated, to see the spread.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from keras_sngp._runtime.files import atomic_write
from keras_sngp.deferral import (
    DeferralPolicy,
    Expert,
    NoSuchPolicyError,
    joint_accuracy,
    joint_accuracy_curve,
    uncertainty_of,
)
from keras_sngp.plots import plot_joint_accuracy
from keras_sngp.report.evaluation import check_same_cases
from keras_sngp.report.prediction_table import PredictionTable
from keras_sngp.report.read_predictions import read_predictions

BUDGETS = (0.05, 0.1, 0.2, 0.3)
PROMISES = (0.95, 0.98, 0.99)


def mean_of(tables: list[PredictionTable]) -> PredictionTable:
    """A deep ensemble: the mean of the members' probabilities."""
    check_same_cases(tables)
    probabilities = np.mean([table.probabilities for table in tables], axis=0)
    return PredictionTable("ensemble", tables[0].class_names, probabilities, tables[0].labels)


def judge(policy: DeferralPolicy, table: PredictionTable, expert: Expert) -> dict[str, float]:
    """What the policy does on rows it was not learned on."""
    decisions = policy.decide(table.probabilities, variance=table.variance)
    correct = expert.correct_probability(table.labels)
    answered = ~decisions.defer
    return {
        "deferred": decisions.deferral_rate,
        "machine": float(1 - table.mistakes.mean()),
        "human": float(correct.mean()),
        "answered": float(1 - table.mistakes[answered].mean()),
        "joint": joint_accuracy(decisions.defer, table.mistakes, correct),
    }


def run(table: PredictionTable, expert: Expert, splits: int, score: str) -> dict[str, Any]:
    """Learns and judges every policy on each split; means and the 2.5 % and 97.5 % quantiles."""
    outcomes: dict[str, list[dict[str, float]]] = {}
    for split in range(splits):
        order = np.random.default_rng(split).permutation(len(table))
        held_out, rest = order[: len(table) // 2], order[len(table) // 2 :]
        learned, judged = table.of_rows(held_out), table.of_rows(rest)
        people = expert.of_rows(rest)
        options = {"score": score, "variance": learned.variance}
        for budget in BUDGETS:
            policy = DeferralPolicy.for_budget(learned.probabilities, budget, **options)
            outcomes.setdefault(f"budget {budget:.2f}", []).append(judge(policy, judged, people))
        for accuracy in PROMISES:
            outcomes.setdefault(f"accuracy {accuracy:.2f}", [])
            try:
                policy = DeferralPolicy.for_accuracy(learned.probabilities, learned.labels, accuracy, **options)
            except NoSuchPolicyError:
                continue
            outcomes[f"accuracy {accuracy:.2f}"].append(judge(policy, judged, people))
    return {name: summary(rows) for name, rows in outcomes.items() if rows}


def summary(rows: list[dict[str, float]]) -> dict[str, Any]:
    figures: dict[str, Any] = {"splits": len(rows)}
    for name in rows[0]:
        values = np.array([row[name] for row in rows])
        low, high = np.quantile(values, [0.025, 0.975])
        figures[name] = {"mean": float(values.mean()), "low": float(low), "high": float(high)}
    return figures


def cell(figure: dict[str, float], digits: int = 1) -> str:
    return f"{100 * figure['mean']:.{digits}f} % ({100 * figure['low']:.{digits}f}–{100 * figure['high']:.{digits}f})"


def as_table(results: dict[str, Any]) -> str:
    """The figures as a Markdown table."""
    lines = [
        "| policy | handed over | machine alone | human alone | answers the machine gives | together |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in results.items():
        cells = [cell(row[key]) for key in ("deferred", "machine", "human", "answered", "joint")]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def first_share_above(table: PredictionTable, expert: Expert, score: str) -> float | None:
    """The smallest share from which on machine and human together beat either alone, on all test images."""
    uncertainty = uncertainty_of(score, table.probabilities, variance=table.variance)
    curve = joint_accuracy_curve(uncertainty, table.mistakes, expert.correct_probability(table.labels))
    below = np.flatnonzero(curve.accuracy[:-1] <= max(curve.accuracy[0], curve.accuracy[-1]))
    below = below[curve.share[below] < 0.5]
    last = int(below[-1]) if len(below) else -1
    return float(curve.share[last + 1]) if last + 1 < len(curve.share) // 2 else None


def draw(tables: list[PredictionTable], expert: Expert, score: str) -> Figure:
    """Joint accuracy on all test images against the share handed over."""
    figure = Figure(figsize=(7.6, 4.6), layout="constrained")
    ax = figure.subplots()
    curves = {}
    for table in tables:
        uncertainty = uncertainty_of(score, table.probabilities, variance=table.variance)
        curves[table.name] = joint_accuracy_curve(uncertainty, table.mistakes, expert.correct_probability(table.labels))
    plot_joint_accuracy(ax, curves)
    ax.set_title("CIFAR-10: machine and human together")
    return figure


def page(models: dict[str, dict[str, Any]], shares: dict[str, float | None], splits: int, command: str) -> str:
    told = "; ".join(
        f"`{name}` from {100 * share:.1f} % on" if share is not None else f"`{name}` never"
        for name, share in shares.items()
    )
    tables = "\n\n".join(f"## {name}\n\n{as_table(results)}" for name, results in models.items())
    return f"""# Machine and human on CIFAR-10

![Joint accuracy against the share of images handed over](images/machine-and-human.png)

A small residual network, trained here, and the people of CIFAR-10H, about 51 of whom labelled each of the 10,000
test images. The expert is one of them, drawn at random for each image. On one random half of the images a policy is
learned, by the largest probability; on the other half it hands the least sure images to the expert. Means over {splits}
such splits, with the range that holds 95 % of them.

With few images handed over the two together beat the machine but not the human, who is better; with enough of them they
beat both: {told} (on all test images).

*budget 0.10* hands over a tenth of the images at most, on average. *accuracy 0.98* promises that the answers the
machine gives are right with that probability, with a chance of 5 % to fail.

{tables}

Made by `{command}`, from predictions of [`train_cifar10.py`](../benchmarks/deferral/train_cifar10.py) and
[`sngp_head.py`](../benchmarks/deferral/sngp_head.py).

Reference: Peterson et al. 2019, "Human uncertainty makes classification more robust", arXiv:1908.07086 (CIFAR-10H).
"""


def write_text(path: Path, text: str) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(f"wrote {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("predictions", type=Path, nargs="+")
    parser.add_argument("--ensemble", type=Path, nargs="+", default=[], help="also judge the mean of these predictions")
    parser.add_argument("--votes", type=Path, required=True)
    parser.add_argument("--splits", type=int, default=100)
    parser.add_argument("--score", default="max_probability")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--page", type=Path, help="write a page of documentation here")
    parser.add_argument("--picture", type=Path, help="draw joint accuracy here")
    options = parser.parse_args()
    with np.load(options.votes) as arrays:
        expert = Expert.from_votes(arrays["counts"])
    tables = [read_predictions(path) for path in options.predictions]
    if options.ensemble:
        tables.append(mean_of([read_predictions(path) for path in options.ensemble]))
    models = {}
    for table in tables:
        models[table.name] = run(table, expert, options.splits, options.score)
        print(f"{table.name}, {options.splits} splits\n{as_table(models[table.name])}\n")
    if options.json is not None:
        write_text(options.json, json.dumps(models, indent=2) + "\n")
    if options.picture is not None:
        with atomic_write(options.picture) as temporary:
            draw(tables, expert, options.score).savefig(temporary, dpi=110)
        print(f"wrote {options.picture}")
    if options.page is not None:
        names = " ".join(path.name for path in options.predictions)
        names += " --ensemble " + " ".join(path.name for path in options.ensemble) if options.ensemble else ""
        command = f"python benchmarks/deferral/human_votes.py {names} --votes human_votes_test.npz"
        shares = {table.name: first_share_above(table, expert, options.score) for table in tables}
        write_text(options.page, page(models, shares, options.splits, command))


if __name__ == "__main__":
    main()
