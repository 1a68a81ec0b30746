"""Files of results, tables, and the pages they fill."""

import pandas as pd
import pytest

from benchmarks.deferral.tables import policies_table
from benchmarks.markdown import filled, markdown_table
from benchmarks.quality import tables
from benchmarks.results import read_results, write_results
from benchmarks.speed.tables import goal_row, growth_tables
from benchmarks.speed.works import Goal
from benchmarks.tables import filled_pages

SEEDS = (0, 1)
METHODS = {"deterministic": 0.90, "SNGP": 0.92}
SETTINGS = {"epochs": 2, "norm_multiplier": 0.95}


def records():
    for seed in SEEDS:
        for method, accuracy in METHODS.items():
            place = {"method": method, "seed": seed}
            figures = {"accuracy": accuracy + seed / 100, "nll": 0.5, "ece": 0.01, "accuracy at 80% coverage": 0.99}
            yield {"data": "test", **place, **figures}
            combined = {"Fisher": 0.91} if method == "SNGP" else {}
            for score, auroc in {"entropy": 0.7, "Dempster-Shafer": accuracy, **combined}.items():
                mark = {"chosen": True} if score == "Dempster-Shafer" else {}
                yield {"data": "far", **place, "score": score, **mark, "auroc": auroc, "aupr": 0.5, "fpr95": 0.4}
            shifted = {"accuracy": accuracy, "ece": 0.1, "uncertainty": 0.2}
            yield {"data": "unshifted", **place, "strength": 0, **shifted}
            yield {"data": "noise", **place, "strength": 1, **shifted, "accuracy": 0.5}


@pytest.fixture
def study(tmp_path, monkeypatch):
    tried = {"network": "SNGP", "epochs": 2, "accuracy": 0.9, "ece": 0.1, "nll": 0.5, "auroc": 0.8, "aupr": 0.7}
    bounds = [tried | {"norm_multiplier": bound} for bound in (6.0, 0.95)]
    results = {"study": "adult", "title": "Blobs", "settings": SETTINGS, "backend": "jax"}
    results |= {"latency": {"deterministic": 1.0, "SNGP": 1.5}, "tried": bounds, "records": list(records())}
    write_results(tmp_path / "adult.json", results)
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    (found,) = tables.read_studies()
    return found


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_results_have_one_line_a_record_and_eight_digits(tmp_path):
    results = {"study": "blobs", "records": [{"seed": 0, "nll": 1 / 3}, {"seed": 1, "nll": 2e-9 / 3}], "tried": []}
    write_results(tmp_path / "new" / "results.json", results)
    lines = (tmp_path / "new" / "results.json").read_text().splitlines()
    assert len([line for line in lines if "seed" in line]) == 2
    found = read_results(tmp_path / "new" / "results.json")
    assert found["records"] == [{"seed": 0, "nll": 0.33333333}, {"seed": 1, "nll": 6.6666667e-10}]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["results.json"]
    assert read_results(tmp_path / "none.json") == {}


def test_a_page_is_filled_between_its_markers_alone():
    end = "<!-- end of table -->\n"
    page = f"Before.\n\n<!-- table: one -->\nold\n{end}Between.\n<!-- table: two -->\n{end}"
    new = filled(page, {"one": markdown_table(["a", "b"], [["1", "2"]]), "two": "two"}.__getitem__)
    one = "<!-- table: one -->\n| a | b |\n|---|---|\n| 1 | 2 |\n<!-- end of table -->"
    assert new == f"Before.\n\n{one}\nBetween.\n<!-- table: two -->\ntwo\n<!-- end of table -->\n"
    with pytest.raises(KeyError, match="three"):
        filled("<!-- table: three -->\n<!-- end of table -->", {}.__getitem__)


def test_the_pages_show_what_the_results_hold():
    for page, text in filled_pages().items():
        assert page.read_text() == text, f"{page.name} is not what `python -m benchmarks.tables` makes"


def test_a_method_has_means_and_deviations_over_seeds(study):
    heading, _, plain, sngp, _, below = tables.methods_table(study).splitlines()
    assert cells(heading)[5:9] == ["far: AUROC ↑", "AUPR ↑", "FPR95 ↓", "score"]
    assert cells(plain)[:2] == ["deterministic", "0.9050 ± 0.0071"]
    assert cells(sngp)[-5:] == ["0.9200 ± 0.0000", "0.5000 ± 0.0000", "0.4000 ± 0.0000", "D-S", "1.50"]
    assert below == "2 seeds; backend jax; epochs 2, norm multiplier 0.95."


def test_detectors_have_a_row_with_both_features_and_the_settings_chosen(study):
    assert tables.detectors_table(study) == tables.NOT_MEASURED
    found = [
        {"data": "far", "features": features, "seed": seed, "detector": name, "setting": setting}
        | {"auroc": 0.9 + seed / 10, "aupr": 0.8, "fpr95": 0.2}
        for seed in SEEDS
        for features in METHODS
        for name, setting in {"energy": {}, "knn": {"num_neighbors": 1 + 9 * seed}}.items()
    ]
    heading, _, energy, knn, own, _, below = tables.detectors_table(
        study | {"detectors": pd.DataFrame(found)}
    ).splitlines()
    assert cells(heading) == ["detector", "far: deterministic features", "far: SNGP features"]
    assert cells(energy) == ["energy", *["0.950 ± 0.071 / 0.800 ± 0.000 / 0.200 ± 0.000"] * 2]
    assert cells(knn)[0] == "knn"
    assert cells(own)[0] == "own score"
    assert [cell[:5] for cell in cells(own)[1:]] == ["0.900", "0.920"]
    assert "2 seeds." in below
    one_seed = study | {"detectors": pd.DataFrame(found[:4])}
    assert cells(tables.detectors_table(one_seed).splitlines()[2])[1] == "0.900 / 0.800 / 0.200"
    assert below.endswith("(plain | SNGP features): knn num neighbors 1 or 10 | 1 or 10.")


def test_methods_of_fewer_seeds_are_named():
    found = pd.DataFrame(
        [{"method": "SNGP", "seed": 0}, {"method": "MC dropout", "seed": 0}, {"method": "SNGP", "seed": 1}]
    )
    assert tables.counted_seeds(found) == "2 seeds (MC dropout 1)"


def test_shifts_start_with_the_images_as_they_are(study):
    *_, sngp = tables.shift_table(study).splitlines()
    assert cells(sngp) == ["noise", "SNGP", "0.92 / 0.10 / 0.20", "0.50 / 0.10 / 0.20"]


def test_settings_that_differ_are_shown_and_swept_in_order(study):
    heading, _, first, _ = tables.tried_table(study).splitlines()
    assert cells(heading)[:2] == ["network", "norm multiplier"]
    assert cells(first) == ["SNGP", "6.0", "0.9000", "0.1000", "0.5000", "0.8000", "0.7000"]
    title, _, _, _, *swept = tables.sweeps("norm_multiplier").splitlines()
    assert title == "Blobs:"
    assert [cells(line)[0] for line in swept] == ["0.95", "6.0"]
    assert tables.sweeps("epochs") == ""


def test_methods_and_scores_are_compared_out_of_domain(study):
    assert cells(tables.compared_table().splitlines()[-1]) == ["Blobs", "far", "0.900", "", "", "", "0.920", "", ""]
    assert cells(tables.scores_table().splitlines()[-1])[:6] == ["Blobs", "far", "SNGP", "", "0.700", "0.920"]
    assert len(tables.behind_table().splitlines()) == 2


def test_the_combined_score_stands_beside_the_best_of_one_network(study, monkeypatch):
    heading, _, line = tables.combined_table().splitlines()
    assert cells(heading)[2:5] == ["D-S", "variance", "D-S and variance"]
    assert cells(line) == ["Blobs", "far", "0.920", "", "0.910", "0.900", "deterministic", "+0.010"]
    found = [
        {"data": data, "features": "SNGP", "seed": seed, "detector": "knn", "auroc": auroc + seed / 100}
        for seed in SEEDS
        for data, auroc in {"far": 0.93, "another": 0.99}.items()
    ]
    monkeypatch.setattr(tables, "read_studies", lambda: [study | {"detectors": pd.DataFrame(found)}])
    assert cells(tables.combined_table().splitlines()[-1])[-3:] == ["0.935", "knn (SNGP)", "-0.025"]


def test_a_share_of_cases_has_its_range():
    policy = {"policy": "budget 0.10", "deferred": [0.1, 0.09, 0.11]}
    policy |= {key: [0.95, 0.94, 0.96] for key in ("machine", "human", "answered", "joint")}
    assert cells(policies_table([policy]).splitlines()[-1])[:3] == [
        "budget 0.10",
        "10.0 % (9.0–11.0)",
        "95.0 % (94.0–96.0)",
    ]


def test_a_goal_is_judged_by_the_median_over_rounds_of_both():
    goal = Goal("ours / theirs", "step", ("ours", "SNGP"), ("theirs", "SNGP"), 0.5)
    rounds = {"ours": [1.0, 3.0, 9.0], "theirs": [4.0, 8.0, 6.0]}
    measures = [{"work": "step", "subject": name, "SNGP": one} for name, values in rounds.items() for one in values]
    assert goal_row(goal, {"measures": measures}) == ["ours / theirs", "0.500 (0.167 to 1.50)", "<= 0.5", "yes"]


def test_growth_has_a_table_for_each_thing_that_is_varied():
    growth = [{"work": "growth", "varied": "rows", "size": 1_000, "prediction": 0.01, "prediction megabytes": 2.5}]
    growth.append({"work": "growth", "varied": "devices", "size": 2, "step": 2.0})
    rows, devices = growth_tables({"growth": growth}).split("\n\n")
    assert cells(rows.splitlines()[-1]) == ["1,000", "10.0 ms", "2.50 MB"]
    assert cells(devices.splitlines()[-1]) == ["2", "2.00 s"]
