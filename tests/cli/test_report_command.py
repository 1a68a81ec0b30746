"""`keras-sngp report` as a user meets it."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from click.testing import CliRunner

from keras_sngp_cli.main import main


@pytest.fixture
def predictions(tmp_path):
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet([0.4, 0.4, 0.4], 400)
    labels = (probabilities.cumsum(axis=1) < generator.random((400, 1))).sum(axis=1)
    names = np.array(["cat", "dog", "emu"])
    path = tmp_path / "network.csv"
    rows = [
        f"{','.join(f'{p:.4f}' for p in row)},{names[label]},{names[label if k % 9 else 0]}"
        for k, (row, label) in enumerate(zip(probabilities, labels, strict=True))
    ]
    path.write_text("\n".join(["prob_cat,prob_dog,prob_emu,label,doctor", *rows]) + "\n")
    return path


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr("keras_sngp.report.intervals.RESAMPLES", 20)


def invoke(*arguments):
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def test_help_does_not_import_keras_or_arrow():
    code = "import sys; from keras_sngp_cli.main import main; main(['report', '--help'], standalone_mode=False)"
    loaded = f"{code}; print(sorted({{'keras', 'numpy', 'pyarrow', 'matplotlib', 'keras_sngp'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
    for option in ("--label", "--ood", "--expert", "--budget", "--accuracy", "--costs", "--output", "--json"):
        assert option in done.stdout


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="the report runs no network")
def test_the_command_from_the_shell(predictions, tmp_path):
    environment = {**os.environ, "KERAS_BACKEND": keras.backend.backend(), "COLUMNS": "80"}
    command = [sys.executable, "-c", "from keras_sngp_cli.main import main; main()", "report", str(predictions)]
    options = ["--expert", "doctor", "--budget", "0.1", "--output", str(tmp_path / "out")]
    done = subprocess.run([*command, *options], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    for text in ("Accuracy", "ECE, 15 equal-width bins", "What an expert's time would buy", "against"):
        assert text in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "…" not in done.stdout
    assert "report.html" in done.stderr
    written = {path.name for path in (tmp_path / "out").iterdir()}
    pictures = {"joint_accuracy.png", "reliability.png", "selective.png"}
    assert written == pictures | {"policy.json", "report.html", "results.json"}


def test_json_is_all_that_goes_to_standard_output(predictions, tmp_path):
    done = invoke(predictions, "--json", "--accuracy", "0.7", "--output", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == json.loads((tmp_path / "out" / "results.json").read_text())
    assert json.loads(done.stdout)["models"]["network"]["policy"]["rule"] == "accuracy"


def test_costs_and_out_of_domain_predictions(predictions, tmp_path):
    (tmp_path / "costs.json").write_text('{"mistake": {"cat": 5}, "expert_call": 0.2}')
    other = tmp_path / "other.csv"
    other.write_text("prob_cat,prob_dog,prob_emu\n" + "0.4,0.3,0.3\n" * 50)
    options = ["--costs", tmp_path / "costs.json", "--expert", "0.97", "--ood", other, "--output", tmp_path / "out"]
    done = invoke(predictions, *options)
    assert done.exit_code == 0, done.output
    assert "Mean cost a case" in done.stdout
    assert "detects out-of-domain cases" in done.stdout.replace("\n", " ")
    assert (tmp_path / "out" / "out_of_domain.png").exists()


@pytest.mark.parametrize(
    "options, code, message",
    [
        (["--budget", "0.1", "--accuracy", "0.9"], 2, "Pass one of --budget, --accuracy and --costs"),
        (["--costs", "costs.json"], 2, "--costs needs --expert"),
        (["--ood", "a.csv", "--ood", "b.csv"], 2, "Pass one --ood for each FILE. Received: 2 for 1"),
        (["--budget", "5"], 2, "5.0 is not in the range 0<=x<=1"),
        (["--expert", "95"], 1, "--expert must be an accuracy from 0 to 1, or a column. Received: 95"),
        (["--expert", "nurse"], 1, "--expert nurse"),
        (["--label", "truth"], 1, "There is no column 'truth'"),
        (["--score", "variance"], 1, "The score 'variance' needs a column 'variance'"),
        (["--expert", "0.9", "--costs", "none.json"], 1, "none.json"),
    ],
)
def test_options_that_cannot_be_met_end_in_a_plain_message(predictions, tmp_path, options, code, message):
    done = invoke(predictions, *options, "--output", tmp_path / "out")
    assert done.exit_code == code
    assert message in done.output
    assert "Traceback" not in done.output
    assert not (tmp_path / "out" / "report.html").exists()


def test_files_of_different_lengths_are_refused(predictions, tmp_path):
    shorter = tmp_path / "shorter.csv"
    shorter.write_text("\n".join(predictions.read_text().splitlines()[:-5]) + "\n")
    done = invoke(predictions, shorter, "--output", tmp_path / "out")
    assert done.exit_code == 1
    assert "Received: 400 rows in network and 395 in shorter" in done.output
    assert "Expected different files" in invoke(predictions, predictions, "--output", tmp_path / "out").output


def test_a_missing_file_is_named(tmp_path):
    done = invoke(tmp_path / "none.csv", "--output", tmp_path / "out")
    assert done.exit_code == 1
    assert "none.csv: Expected a file. Received: no such file" in done.output
