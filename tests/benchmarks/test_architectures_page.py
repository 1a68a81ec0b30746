import importlib
import json
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "benchmarks" / "architectures"


def test_the_page_shows_what_was_measured(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    page = importlib.import_module("page")
    rows = json.loads(page.RESULTS.read_text())
    assert page.PAGE.read_text() == page.render(rows)


def test_every_norm_is_under_its_bound_and_every_file_gives_the_same():
    rows = json.loads((FOLDER / "results.json").read_text())
    assert {row["backend"] for row in rows} == {"jax", "tensorflow", "torch"}
    for row in rows:
        norms = [norm for norm in row["largest_norm"].values() if norm is not None]
        assert max(norms) <= 1.01 * row["bound"], row["network"]
        assert max(row["difference_of_features"], *row["difference"].values()) < 1e-5, row["network"]
