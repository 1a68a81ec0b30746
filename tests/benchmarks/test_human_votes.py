"""The benchmark with human votes, on small random data."""

import sys

import numpy as np
import pytest

from benchmarks.deferral import human_votes
from benchmarks.results import read_results


@pytest.fixture
def files(tmp_path):
    """Predictions and votes of people who are right more often."""
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.full(10, 0.05), 2000)
    labels = (probabilities.cumsum(axis=1) < generator.random((2000, 1))).sum(axis=1).clip(0, 9)
    votes = np.where(generator.random((2000, 20)) < 0.95, labels[:, None], generator.integers(0, 10, (2000, 20)))
    np.savez(tmp_path / "network.npz", probabilities=probabilities, label=labels)
    np.savez(tmp_path / "votes.npz", counts=(votes[:, :, None] == np.arange(10)).sum(axis=1))
    return tmp_path


def test_the_benchmark_writes_figures_and_picture(files, monkeypatch, capsys):
    arguments = [files / "network.npz", "--votes", files / "votes.npz", "--splits", 3]
    arguments += ["--results", files / "results.json", "--picture", files / "picture.png"]
    monkeypatch.setattr(sys, "argv", ["human_votes", *map(str, arguments)])
    human_votes.main()
    policies = {one["policy"]: one for one in read_results(files / "results.json")["policies"]}
    tenth = policies["budget 0.10"]
    assert (tenth["model"], tenth["splits"]) == ("network", 3)
    mean, low, high = tenth["joint"]
    assert low <= mean <= high
    assert mean > tenth["machine"][0]
    assert "| budget 0.10 |" in capsys.readouterr().out
    assert (files / "picture.png").stat().st_size > 10_000
