"""`keras-sngp train`, `predict`, `evaluate` and `show` as a user meets them."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as arrow_parquet
import pytest
from click.testing import CliRunner

from keras_sngp_cli.main import main


def make_table(rows, seed):
    generator = np.random.default_rng(seed)
    kinds = generator.integers(0, 2, rows)
    return pa.table(
        {
            "number": np.arange(rows),
            "weight": 10.0 * kinds + generator.normal(size=rows),
            "coat": np.array(["fur", "wool"])[kinds],
            "animal": np.array(["cat", "sheep"])[kinds],
        }
    )


def invoke(*arguments, **options):
    return CliRunner().invoke(main, list(map(str, arguments)), **options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own data")
    arrow_csv.write_csv(make_table(300, 0), folder / "train.csv")
    arrow_parquet.write_table(make_table(200, 1), folder / "test.parquet")
    arrow_csv.write_csv(make_table(200, 1), folder / "test.csv")
    return folder


@pytest.fixture(scope="module")
def trained(folder):
    options = [
        "--label",
        "animal",
        "--output",
        folder / "animals.sngp",
        "--epochs",
        8,
        "--test",
        folder / "test.parquet",
    ]
    done = invoke("train", folder / "train.csv", *options, "--column", "number=ignore", env={"COLUMNS": "90"})
    assert done.exit_code == 0, done.output
    return done


def test_training_shows_the_columns_and_the_figures(trained, folder):
    for text in (
        "number  ignored   as you asked",
        "weight  number",
        "coat    category  2 words: ",
        "240 rows to train on",
    ):
        assert text in trained.stdout
    assert "test, 200 rows" in trained.stdout
    assert "Accuracy at 80% coverage" in trained.stdout
    assert (folder / "animals-report" / "report.html").exists()
    assert not (folder / "animals.sngp.training").exists()


def test_a_classifier_describes_itself(trained, folder):
    shown = json.loads(invoke("show", folder / "animals.sngp", "--json").stdout)
    assert shown["class_names"] == ["cat", "sheep"]
    assert "coat" in invoke("show", folder / "animals.sngp").stdout


def test_rows_of_csv_parquet_and_standard_input_get_the_same_answers(trained, folder):
    for name, suffix in (("test.csv", "csv"), ("test.parquet", "parquet")):
        done = invoke(
            "predict", folder / "animals.sngp", folder / name, "--output", folder / f"out.{suffix}", "--id", "number"
        )
        assert done.exit_code == 0, done.output
        assert "200 rows" in done.stderr
    answers = [arrow_csv.read_csv(folder / "out.csv"), arrow_parquet.read_table(folder / "out.parquet")]
    assert answers[0].column_names == answers[1].column_names
    assert answers[0]["number"].to_pylist() == list(range(200))
    assert answers[0]["answer"].to_pylist() == answers[1]["answer"].to_pylist()
    np.testing.assert_allclose(answers[0]["prob_cat"], answers[1]["prob_cat"], atol=1e-6)
    piped = invoke(
        "predict",
        folder / "animals.sngp",
        "-",
        "--output",
        "-",
        "--id",
        "number",
        input=(folder / "test.csv").read_bytes(),
    )
    assert piped.exit_code == 0, piped.output
    assert piped.stdout_bytes == (folder / "out.csv").read_bytes()


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_report_on_answers_never_takes_them_for_the_ground_truth(trained, folder, suffix):
    def predict_and_report(*options, label=()):
        answers = folder / f"answers.{suffix}"
        predicted = invoke("predict", folder / "animals.sngp", folder / "test.csv", "--output", answers, *options)
        assert predicted.exit_code == 0, predicted.output
        return invoke("report", answers, "--output", folder / "answers-report", "--json", *label)

    for options, label in (((), ()), ((), ("--label", "answer")), (("--id", "number"), ())):
        done = predict_and_report(*options, label=label)
        assert done.exit_code == 1
        assert "Expected the ground truth beside the answers" in done.stderr
        assert "ccuracy" not in done.stdout
    lines = (folder / "test.csv").read_text().splitlines()
    swap = {"cat": "sheep", "sheep": "cat"}
    wrong = [re.sub("cat|sheep", lambda found: swap[found.group()], line) for line in lines[1:21]]
    (folder / "test.csv").write_text("\n".join([lines[0], *wrong, *lines[21:]]) + "\n")
    try:
        reported = json.loads(predict_and_report("--id", "animal", label=("--label", "animal")).stdout)
        evaluated = json.loads(invoke("evaluate", folder / "animals.sngp", folder / "test.csv", "--json").stdout)
    finally:
        (folder / "test.csv").write_text("\n".join(lines) + "\n")
    accuracy = reported["models"]["answers"]["measures"]["accuracy"]["estimate"]
    assert accuracy == pytest.approx(evaluated["accuracy"])
    assert 0.8 < accuracy < 0.95


@pytest.mark.parametrize("name", ["answer", "decision", "prob_cat"])
def test_a_copied_column_must_not_have_the_name_of_a_column_of_the_answers(trained, folder, name):
    (folder / "named.csv").write_text(f"weight,coat,{name}\n0,fur,1\n")
    done = invoke(
        "predict", folder / "animals.sngp", folder / "named.csv", "--output", folder / "never.csv", "--id", name
    )
    assert done.exit_code == 1
    assert f"whose name the answers do not use. Received: '{name}'" in done.stderr
    assert not (folder / "never.csv").exists()


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_answers_to_no_rows_are_a_file_with_the_same_columns(trained, folder, suffix):
    (folder / "no-rows.csv").write_text("number,weight,coat\n")
    output = folder / f"no-answers.{suffix}"
    done = invoke("predict", folder / "animals.sngp", folder / "no-rows.csv", "--output", output, "--id", "number")
    assert done.exit_code == 0, done.output
    answers = arrow_csv.read_csv(output) if suffix == "csv" else arrow_parquet.read_table(output)
    assert answers.num_rows == 0
    columns = ["number", "answer", "prob_cat", "prob_sheep", "uncertainty", "variance", "decision", "reason"]
    assert answers.column_names == columns


def test_bad_rows_are_told_and_the_exit_code_says_so(trained, folder):
    (folder / "bad.csv").write_text("weight,coat\n0,fur\nheavy,wool\n1\n")
    arguments = ["predict", folder / "animals.sngp", folder / "bad.csv", "--output", folder / "bad-out.csv"]
    done = invoke(*arguments)
    assert done.exit_code == 3
    assert "row 2: weight not a number (deferred)" in done.stderr
    assert "row 3: 1 cells where 2 were expected (deferred)" in done.stderr
    assert arrow_csv.read_csv(folder / "bad-out.csv").num_rows == 3
    assert invoke(*arguments, "--errors", "drop").exit_code == 3
    assert arrow_csv.read_csv(folder / "bad-out.csv").num_rows == 1
    stopped = invoke(*arguments[:-1], folder / "never.csv", "--errors", "stop")
    assert stopped.exit_code == 1
    assert not (folder / "never.csv").exists()


def test_evaluation_and_its_exit_codes(trained, folder):
    arguments = ["evaluate", folder / "animals.sngp", folder / "test.csv", "--json"]
    done = invoke(*arguments, "--accuracy", 0.9)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["accuracy"] > 0.9
    assert invoke(*arguments, "--accuracy", 0.99999).exit_code in (0, 3)
    (folder / "wrong.csv").write_text("weight,coat,animal\n0,fur,sheep\n0,fur,sheep\n")
    wrong = invoke("evaluate", folder / "animals.sngp", folder / "wrong.csv", "--accuracy", 0.5)
    assert wrong.exit_code == 3
    assert "Accuracy 0.0000 is below 0.5" in wrong.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "train.csv", "--label", "kind", "--output", "x.sngp"], "Expected the label in one of the columns"),
        (["train", "nothing.csv", "--label", "a", "--output", "x.sngp"], "no such file"),
        (
            ["train", "train.csv", "--label", "animal", "--output", "x.sngp", "--column", "coat=text"],
            "expected COL=number",
        ),
        (["train", "train.csv", "--label", "animal", "--output", "x.sngp", "--resume"], "leave out --resume"),
        (["predict", "animals.sngp", "test.csv", "--output", "x.xlsx"], "ends in .csv or .parquet, or -"),
        (["predict", "animals.sngp", "test.csv", "--output", "x.csv", "--id", "name"], "as --id. Received: 'name'"),
        (["predict", "train.csv", "test.csv", "--output", "x.csv"], "made by `keras-sngp train`"),
        (["predict", "animals.sngp", "renamed.csv", "--output", "x.csv"], "'weight' may now be 'Weight'"),
        (
            [
                "predict",
                "animals.sngp",
                "test.csv",
                "--output",
                "x.csv",
                "--accuracy",
                "0.9",
                "--budget",
                "0.1",
            ],
            "Pass one of",
        ),
        (["evaluate", "animals.sngp", "test.csv", "--label", "kind"], "Expected the ground truth in a column 'kind'"),
    ],
)
def test_wrong_options_get_one_clear_message(trained, folder, monkeypatch, arguments, message):
    monkeypatch.chdir(folder)
    (folder / "renamed.csv").write_text("Weight,coat\n0,fur\n")
    done = invoke(*arguments)
    assert done.exit_code in (1, 2)
    assert message in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.output
    assert not (folder / "x.csv").exists()
    assert not (folder / "x.sngp").exists()


@pytest.mark.parametrize(
    "command",
    ["predict", pytest.param("train", marks=pytest.mark.long), pytest.param("evaluate", marks=pytest.mark.long)],
)
def test_the_backend_asked_for_is_used(command, tmp_path):
    options = {
        "train": ["nothing.csv", "--label", "y", "--output", "x.sngp"],
        "predict": ["nothing.sngp", "nothing.csv", "--output", "x.csv"],
        "evaluate": ["nothing.sngp", "nothing.csv"],
    }
    backend = keras.backend.backend()
    arguments = [command, *options[command], "--backend", backend]
    code = f"""
from keras_sngp_cli.main import main
try:
    main({arguments})
finally:
    import keras
    print(keras.backend.backend())
"""
    other = "jax" if backend != "jax" else "torch"
    environment = {**os.environ, "KERAS_BACKEND": other}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == f"{backend}\n"


@pytest.mark.long
def test_an_interrupted_training_keeps_the_best_network_and_goes_on(folder):
    output = folder / "interrupted.sngp"
    code = "from keras_sngp_cli.main import main; main()"
    command = [
        sys.executable,
        "-c",
        code,
        "train",
        str(folder / "train.csv"),
        "--label",
        "animal",
        "--output",
        str(output),
    ]
    options = ["--epochs", "4000", "--patience", "4000"]
    environment = {**os.environ, "KERAS_BACKEND": keras.backend.backend()}
    process = subprocess.Popen([*command, *options], stderr=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    record = folder / "interrupted.sngp.training" / "best.json"
    give_up = time.monotonic() + 120
    while not record.exists() and process.poll() is None and time.monotonic() < give_up:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors.decode()
    assert b"--resume goes on" in errors
    assert output.exists()
    assert record.exists()
    wrong = invoke("train", folder / "train.csv", "--label", "animal", "--output", output, "--resume", "--seed", 1)
    assert "--resume needs the data and options" in wrong.stderr


def test_a_detector_is_kept_asked_and_reported_by_its_name(folder):
    model, answers = folder / "with-knn.sngp", folder / "by-knn.csv"
    options = ["--label", "animal", "--output", model, "--epochs", 2, "--column", "number=ignore"]
    done = invoke("train", folder / "train.csv", *options, "--detector", "knn", "--detector", "mahalanobis++")
    assert done.exit_code == 0, done.output
    for score in ("knn", "mahalanobis++", "energy"):
        predicted = invoke(
            "predict", model, folder / "test.csv", "--output", answers, "--score", score, "--id", "animal"
        )
        assert predicted.exit_code == 0, predicted.output
        table = arrow_csv.read_csv(answers)
        assert table[score].to_pylist() == table["uncertainty"].to_pylist()
        arguments = ["report", answers, "--label", "animal", "--output", folder / "by-score", "--json", "--score"]
        reported = invoke(*arguments, score)
        assert reported.exit_code == 0, reported.output
    missing = invoke(*arguments, "vim")
    assert missing.exit_code == 1
    assert "There is no column 'vim' (--uncertainty or --score)" in missing.stderr
    both = invoke(*arguments, "energy", "--uncertainty", "variance")
    assert both.exit_code == 2
    assert "--score energy reads a column of that name. Received: --uncertainty as well" in both.stderr
    unkept = invoke("predict", model, folder / "test.csv", "--output", folder / "never.csv", "--score", "vim")
    assert unkept.exit_code == 1
    assert "keeps no detector 'vim': train it with `--detector vim`" in unkept.stderr
    assert not (folder / "never.csv").exists()
