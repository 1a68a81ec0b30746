import json
import re
from pathlib import Path

import keras
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv

from keras_sngp import SNGP
from keras_sngp.metrics.detectors import DETECTORS
from keras_sngp.own_data import TrainingSettings, prepare, save_classifier, train

DOCS = Path(__file__).parents[1] / "docs"
BENCHMARKS = DOCS.parent / "benchmarks" / "own_data"


def test_the_page_on_ones_own_classifier_runs_as_written(tmp_path, monkeypatch, capsys):
    code = re.search(r"```python\n(.*?)```", (DOCS / "your-classifier.md").read_text(), re.DOTALL).group(1)
    layers = [keras.layers.Dense(8, activation="relu", name="hidden"), keras.layers.Dense(3, activation="softmax")]
    x = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
    y = x[:, :3].argmax(axis=1)
    names = {
        "classifier": keras.Sequential([keras.Input((4,)), *layers]),
        "x": x[:40],
        "y": y[:40],
        "x_held_out": x[40:],
        "y_held_out": y[40:],
        "x_new": x,
    }
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "your-classifier.md", "exec"), names)
    assert names["p"].variance.shape == (60,)
    assert re.search(r"hidden +│ Dense +│ bounded", capsys.readouterr().out)
    assert (tmp_path / "classifier.onnx").stat().st_size > 0


def test_calibrating_for_shift_as_the_page_on_choosing_does_lowers_confidence_on_altered_rows():
    code = re.search(r"```python\n(.*?)```", (DOCS / "choosing.md").read_text(), re.DOTALL).group(1)
    generator = np.random.default_rng(0)
    y = generator.integers(0, 2, 600)
    x = (generator.normal(size=(600, 2)) + 3 * y[:, None]).astype("float32")
    inputs = keras.Input((2,))
    model = SNGP(keras.Model(inputs, inputs), 2, num_inducing=128, seed=0)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x[:300], y[:300], epochs=5, verbose=0)
    x_held_out, y_held_out = x[300:], y[300:]
    model.calibrate(x_held_out, y_held_out)
    familiar = model.predict_distribution(x_held_out).max_probability.mean()
    far = model.predict_distribution(x_held_out + 9).max_probability.mean()
    names = {
        "np": np,
        "model": model,
        "x_held_out": x_held_out,
        "y_held_out": y_held_out,
        "shuffled_tiles": lambda rows: rows[::-1] + 6,
    }
    exec(compile(code, "choosing.md", "exec"), names)
    assert model.predict_distribution(x_held_out + 9).max_probability.mean() < far - 0.01
    assert model.predict_distribution(x_held_out).max_probability.mean() > familiar - 0.05


@pytest.fixture
def animals():
    generator = np.random.default_rng(0)
    sheep = generator.integers(0, 2, 200)
    weight, coat = 4 + sheep + generator.normal(size=200), np.array(["fur", "wool"])[sheep]
    return pa.table({"weight": weight, "coat": coat, "animal": np.array(["cat", "sheep"])[sheep]})


def test_the_page_on_ones_own_data_runs_as_written(animals, tmp_path, monkeypatch):
    code, _ = re.findall(r"```python\n(.*?)```", (DOCS / "own-data.md").read_text(), re.DOTALL)
    settings = TrainingSettings(epochs=4, batch_size=32)
    save_classifier(train(prepare(animals, "animal", settings), settings), tmp_path / "animals.sngp")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(code, "own-data.md", "exec"), names)
    assert names["prediction"].variance[1] > 5 * names["prediction"].variance[0]
    assert names["decisions"].defer.tolist()[1]


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="four networks would be compiled")
def test_the_page_on_scikit_learn_runs_as_written(animals, tmp_path, monkeypatch, capsys):
    _, code = re.findall(r"```python\n(.*?)```", (DOCS / "own-data.md").read_text(), re.DOTALL)
    csv.write_csv(animals, tmp_path / "animals.csv")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(code.replace("random_state=0", "random_state=0, epochs=10"), "own-data.md", "exec"), names)
    assert float(capsys.readouterr().out) > 0.9
    assert names["variance"][1] > 5 * names["variance"][0]


def test_the_figures_of_public_data_are_those_measured():
    page = (DOCS / "own-data.md").read_text()
    measured = json.loads((BENCHMARKS / "public_data.json").read_text())
    names = {"adult": "Adult, a table", "clinc": "CLINC150, texts", "mnist": "MNIST, images"}
    figures = {title: measured[name]["keras-sngp"] for name, title in names.items()}
    figures["Adult, scikit-learn's `HistGradientBoostingClassifier`"] = measured["adult"]["trees"]
    keys = ["accuracy", "expected_calibration_error", "negative_log_likelihood", "accuracy_at_80_percent_coverage"]
    for title, of in figures.items():
        assert f"| {title} | " + " | ".join(f"{of[key]:.4f}" for key in keys) + " |" in page
    for score, of in measured["clinc"]["out of scope"].items():
        detection = f"{of['auroc']:.4f} | {of['aupr']:.4f}"
        shares = f"{of['known_deferred']:.1%} | {of['unknown_deferred']:.1%}".replace("%", " %")
        assert f"| `{score}` | {detection} | {shares} | {of['accuracy_at_0.8']:.4f} |" in page


def test_the_figures_of_many_rows_are_those_measured():
    page = (DOCS / "scale.md").read_text()
    of = json.loads((BENCHMARKS / "many_rows.json").read_text())
    assert f"{of['rows']:,} rows of the Adult data, a CSV file of {of['input_gigabytes']} GB, on two cores" in page
    assert f"{of['seconds']} s, {of['rows_a_second']:,} rows a second, {of['peak_megabytes']:,} MB" in page


def test_the_page_on_detectors_runs_as_written_and_names_every_detector(capsys):
    page = (DOCS / "detectors.md").read_text()
    generator = np.random.default_rng(0)
    y = generator.integers(0, 3, 300)
    x = (generator.normal(size=(300, 4)) + 4 * np.eye(3, 4)[y]).astype("float32")
    layers = [keras.layers.Dense(16, activation="relu"), keras.layers.Dense(3, activation="softmax")]
    names = {
        "classifier": keras.Sequential([keras.Input((4,)), *layers]),
        "x_train": x[:200],
        "y_train": y[:200],
        "x_test": x[200:],
        "x_out_of_domain": x[200:] * [1, 1, 1, 8] - 6,
    }
    exec(compile(re.search(r"```python\n(.*?)```", page, re.DOTALL).group(1), "detectors.md", "exec"), names)
    assert float(capsys.readouterr().out.removeprefix("AUROC ")) > 0.9
    for name, detector in DETECTORS.items():
        assert re.search(rf"^\|.*`{re.escape(name)}`.*`{detector.__name__}`", page, re.MULTILINE)
