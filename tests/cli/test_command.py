import json
import os
import subprocess
import sys

import keras
import pytest

BACKEND = keras.backend.backend()
QUICK = ["moons", "--epochs", "1", "--members", "1", "--samples", "2"]


def run(*arguments, backend=BACKEND, **options):
    environment = {**os.environ, "KERAS_BACKEND": backend, "COLUMNS": "100"}
    command = [sys.executable, "-c", "from keras_sngp_cli.main import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, **options)


def test_help_does_not_import_keras():
    code = "import sys; from keras_sngp_cli.main import main; main(['moons', '--help'], standalone_mode=False)"
    loaded = f"{code}; print(sorted({{'keras', 'numpy', 'matplotlib', 'keras_sngp'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
    for option in ("--output", "--epochs", "--members", "--samples", "--seed", "--backend", "--json"):
        assert option in done.stdout


def test_moons_writes_everything_and_prints_a_table(tmp_path):
    done = run(*QUICK, "--output", str(tmp_path / "new" / "folder"), "--seed", "3", backend="torch")
    assert done.returncode == 0, done.stderr
    written = {path.name for path in (tmp_path / "new" / "folder").iterdir()}
    assert written == {
        "comparison.png",
        "deterministic.png",
        "mc_dropout.png",
        "deep_ensemble.png",
        "sngp.png",
        "results.json",
        "report.html",
        "sngp.keras",
    }
    for text in ("Deterministic", "MC dropout", "Deep ensemble", "SNGP", "Acc.", "ECE"):
        assert text in done.stdout
    results = json.loads((tmp_path / "new" / "folder" / "results.json").read_text())
    assert results["config"]["seed"] == 3
    assert results["versions"]["backend"] == "torch"
    assert set(results["methods"]) == {"deterministic", "mc_dropout", "deep_ensemble", "sngp"}


@pytest.mark.skipif(
    BACKEND != "jax", reason="trains four methods again; what is printed does not depend on the backend"
)
@pytest.mark.long
def test_json_is_all_that_goes_to_standard_output(tmp_path):
    done = run(*QUICK, "--output", str(tmp_path), "--json", "--backend", BACKEND, backend="torch")
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert printed == json.loads((tmp_path / "results.json").read_text())
    assert printed["versions"]["backend"] == BACKEND


def test_an_output_folder_that_cannot_be_written_is_refused_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    done = run("moons", "--output", str(tmp_path / "file" / "folder"))
    assert done.returncode == 2
    assert "expected a folder that can be written to. Received:" in done.stderr


@pytest.mark.parametrize("option", ["--epochs", "--members", "--samples"])
def test_numbers_below_one_are_refused(option, tmp_path):
    done = run("moons", option, "0", "--output", str(tmp_path))
    assert done.returncode == 2
    assert f"Invalid value for '{option}': 0 is not in the range x>=1" in done.stderr


def test_an_unknown_backend_is_refused_with_the_known_ones():
    done = run("moons", "--backend", "numpy")
    assert done.returncode == 2
    assert "'numpy' is not one of 'jax', 'tensorflow', 'torch'" in done.stderr


def run_without(names, then, backend):
    code = f"import sys; sys.modules.update(dict.fromkeys({names})); {then}"
    environment = {**os.environ, "KERAS_BACKEND": backend}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)


def test_importing_with_an_unknown_backend_says_what_is_installed():
    done = run_without([], "import keras_sngp", backend="theano")
    assert "ImportError: keras_sngp could not start Keras with KERAS_BACKEND=theano" in done.stderr
    assert "Installed backends: jax, tensorflow, torch. Choose one with KERAS_BACKEND=jax." in done.stderr


def test_a_missing_backend_is_explained_by_library_and_command(tmp_path):
    done = run_without(["jax"], "import keras_sngp", backend="jax")
    assert "ImportError: keras_sngp could not start Keras with KERAS_BACKEND=jax" in done.stderr
    command = f"from keras_sngp_cli.main import main; main(['moons', '--output', {str(tmp_path)!r}])"
    done = run_without(["torch"], command, backend="torch")
    assert done.returncode == 1
    assert "Error: keras_sngp could not start Keras with KERAS_BACKEND=torch" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_backend_at_all_says_what_to_install():
    done = run_without(["jax", "tensorflow", "torch"], "import keras_sngp", backend="jax")
    assert "no backend is installed. Install one with pip install 'keras-sngp[jax]'" in done.stderr


def test_the_scores_that_help_lists_are_those_of_the_library():
    from keras_sngp.metrics import scores
    from keras_sngp.metrics.detectors import DETECTORS, FROM_FEATURES
    from keras_sngp.own_data.classifier import SCORES
    from keras_sngp_cli.options import CLASSIFIER_SCORES, PREDICTION_SCORES
    from keras_sngp_cli.options import DETECTORS as OPTION_DETECTORS

    assert PREDICTION_SCORES == scores.OF_PREDICTIONS
    assert set(CLASSIFIER_SCORES) == set(SCORES)
    assert set(PREDICTION_SCORES) < set(scores.SCORES)
    assert tuple(FROM_FEATURES) == OPTION_DETECTORS
    assert set(CLASSIFIER_SCORES) == {*DETECTORS, "out_of_domain"}
