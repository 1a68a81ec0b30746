"""The benchmark with human votes, on small random data."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "deferral" / "human_votes.py"


def test_the_benchmark_writes_figures_page_and_picture(tmp_path, monkeypatch, capsys):
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.full(10, 0.05), 2000)
    labels = (probabilities.cumsum(axis=1) < generator.random((2000, 1))).sum(axis=1).clip(0, 9)
    answers = np.where(generator.random((2000, 20)) < 0.95, labels[:, None], generator.integers(0, 10, (2000, 20)))
    np.savez(tmp_path / "network.npz", probabilities=probabilities, label=labels)
    np.savez(tmp_path / "votes.npz", counts=(answers[:, :, None] == np.arange(10)).sum(axis=1))
    outputs = {
        name: tmp_path / f"out.{ending}" for name, ending in {"json": "json", "page": "md", "picture": "png"}.items()
    }
    network = str(tmp_path / "network.npz")
    arguments = [network, "--ensemble", network, network, "--votes", str(tmp_path / "votes.npz"), "--splits", "3"]
    for name, path in outputs.items():
        arguments += [f"--{name}", str(path)]
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *arguments])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    models = json.loads(outputs["json"].read_text())
    assert models["ensemble"] == models["network"]
    rows = models["network"]
    tenth = rows["budget 0.10"]
    assert tenth["splits"] == 3
    assert tenth["machine"]["mean"] < tenth["joint"]["mean"]
    assert "| budget 0.10 |" in capsys.readouterr().out
    assert "| budget 0.10 |" in outputs["page"].read_text()
    assert outputs["picture"].stat().st_size > 10_000
