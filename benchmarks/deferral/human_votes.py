"""Machine, human and both on CIFAR-10: what deferring the least sure images gains.

    python -m benchmarks.deferral.human_votes network.npz sngp-head.npz --votes human_votes_test.npz

The expert is a person drawn at random from the about 51 who labelled each test image for CIFAR-10H. A policy for each
share is learned on one half of the test images, drawn at random, and evaluated on the other; repeated, to see the
spread. Writes `results.json` and the picture, and fills docs/deferral.md.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmarks.deferral.tables import COLUMNS, RESULTS, policies_table
from benchmarks.results import write_results
from benchmarks.tables import ROOT, fill_pages
from keras_sngp.deferral import (
    DeferralPolicy,
    Expert,
    JointAccuracyCurve,
    NoSuchPolicyError,
    joint_accuracy,
    joint_accuracy_curve,
    uncertainty_of,
)
from keras_sngp.plots import plot_joint_accuracy
from keras_sngp.report.prediction_table import PredictionTable
from keras_sngp.report.read_predictions import read_predictions

BUDGETS = (0.05, 0.1, 0.2, 0.3)
PROMISES = (0.95, 0.98, 0.99)
SCORE = "max_probability"
PICTURE = ROOT / "docs" / "images" / "machine-and-human.png"


def policies_of(learned: PredictionTable) -> Iterator[tuple[str, DeferralPolicy]]:
    """Those that the rows allow, each with its name."""
    options = {"score": SCORE, "variance": learned.variance}
    for budget in BUDGETS:
        yield f"budget {budget:.2f}", DeferralPolicy.for_budget(learned.probabilities, budget, **options)
    for accuracy in PROMISES:
        try:
            policy = DeferralPolicy.for_accuracy(learned.probabilities, learned.labels, accuracy, **options)
        except NoSuchPolicyError:
            continue
        yield f"accuracy {accuracy:.2f}", policy


def outcome_of(policy: DeferralPolicy, table: PredictionTable, expert: Expert) -> dict[str, float]:
    """What the policy does on rows it was not learned on."""
    decisions = policy.decide(table.probabilities, variance=table.variance)
    correct = expert.correct_probability(table.labels)
    return {
        "deferred": decisions.deferral_rate,
        "machine": float(1 - table.mistakes.mean()),
        "human": float(correct.mean()),
        "answered": float(1 - table.mistakes[~decisions.defer].mean()),
        "joint": joint_accuracy(decisions.defer, table.mistakes, correct),
    }


def run(table: PredictionTable, expert: Expert, splits: int) -> list[dict]:
    """A record for each policy: means over splits with the 2.5 % and 97.5 % quantiles."""
    outcomes = []
    for split in range(splits):
        order = np.random.default_rng(split).permutation(len(table))
        held_out, rest = order[: len(table) // 2], order[len(table) // 2 :]
        evaluated, people = table.of_rows(rest), expert.of_rows(rest)
        for name, policy in policies_of(table.of_rows(held_out)):
            outcomes.append({"policy": name, **outcome_of(policy, evaluated, people)})
    return [
        {
            "model": table.name,
            "policy": name,
            "splits": len(rows),
            **{column: spread(rows[column]) for column in COLUMNS},
        }
        for name, rows in pd.DataFrame(outcomes).groupby("policy", sort=False)
    ]


def spread(figures: pd.Series) -> list[float]:
    return [float(figures.mean()), *figures.quantile([0.025, 0.975])]


def curve_of(table: PredictionTable, expert: Expert) -> JointAccuracyCurve:
    uncertainty = uncertainty_of(SCORE, table.probabilities, variance=table.variance)
    return joint_accuracy_curve(uncertainty, table.mistakes, expert.correct_probability(table.labels))


def first_share_above(curve: JointAccuracyCurve) -> float | None:
    """The smallest share, below a half, from which on machine and human together beat either alone."""
    below = np.flatnonzero(curve.accuracy[:-1] <= max(curve.accuracy[0], curve.accuracy[-1]))
    below = below[curve.share[below] < 0.5]
    first = int(below[-1]) + 1 if len(below) else 0
    return float(curve.share[first]) if first < len(curve.share) // 2 else None


def draw(curves: dict[str, JointAccuracyCurve]) -> Figure:
    """Joint accuracy on all test images against the share deferred."""
    figure = Figure(figsize=(7.6, 4.6), layout="constrained")
    axes = figure.subplots()
    plot_joint_accuracy(axes, curves)
    axes.set_title("CIFAR-10: machine and human together")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("predictions", type=Path, nargs="+")
    parser.add_argument("--votes", type=Path, required=True)
    parser.add_argument("--splits", type=int, default=100)
    parser.add_argument("--results", type=Path, default=RESULTS, help="the file; for another one no page is filled")
    parser.add_argument("--picture", type=Path, default=PICTURE)
    options = parser.parse_args()
    with np.load(options.votes) as arrays:
        expert = Expert.from_votes(arrays["counts"])
    tables = [read_predictions(path) for path in options.predictions]
    policies = {table.name: run(table, expert, options.splits) for table in tables}
    curves = {table.name: curve_of(table, expert) for table in tables}
    for name, rows in policies.items():
        print(f"{name}: better than either alone from a share of {first_share_above(curves[name])} on")
        print(policies_table(rows))
    write_results(options.results, {"policies": [row for rows in policies.values() for row in rows]})
    draw(curves).savefig(options.picture, dpi=110)
    if options.results == RESULTS:
        fill_pages()


if __name__ == "__main__":
    main()
