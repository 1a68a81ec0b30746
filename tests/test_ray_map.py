"""Work on Ray: the same results in the same order, also when workers die."""

import os
import signal
import sys
from pathlib import Path

import keras
import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pytest
from click.testing import CliRunner

from keras_sngp import ray_map as ray_map_module
from keras_sngp.own_data import TrainingSettings, prepare, save_classifier, train
from keras_sngp.own_data.answers import answer_blocks
from keras_sngp.ray_map import ray_map
from keras_sngp.tables.bad_rows import Block
from keras_sngp_cli.main import main

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="Ray starts slowly, and is the same on all")
ROWS, ROWS_A_BLOCK = 400, 20


@pytest.fixture(scope="module")
def ray():
    ray = pytest.importorskip("ray")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield ray
    ray.shutdown()


@pytest.fixture(scope="module")
def table():
    generator = np.random.default_rng(0)
    kinds = generator.integers(0, 2, ROWS)
    return pa.table({"row": np.arange(ROWS), "weight": 4 * kinds + generator.normal(size=ROWS), "kind": kinds})


@pytest.fixture(scope="module")
def classifier(table):
    settings = TrainingSettings(epochs=1)
    return train(prepare(table.drop_columns(["row"]), "kind", settings), settings)


def test_answers_are_those_of_one_process_when_a_worker_is_killed(ray, classifier, table, tmp_path):
    blocks = [Block(table.slice(start, ROWS_A_BLOCK), start + 1) for start in range(0, ROWS, ROWS_A_BLOCK)]
    policy = classifier.policy()
    expected = list(answer_blocks(classifier, policy, blocks, id_column="row"))
    sent = received = 0
    killed = tmp_path / "killed"

    def counted_blocks():
        nonlocal sent
        for block in blocks:
            assert sent - received < 4
            sent += 1
            yield block

    def each(answer, blocks):
        def killed_once(block):
            if block.first > ROWS / 2 and not killed.exists():
                killed.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return answer(block)

        return ray_map(killed_once, blocks, workers=2)

    for answers in answer_blocks(classifier, policy, counted_blocks(), id_column="row", each=each):
        assert answers.equals(expected[received])
        received += 1
    assert received == len(expected)
    assert killed.exists()


def test_what_goes_wrong_in_a_worker_is_told(ray, monkeypatch):
    def fail(number):
        raise ValueError(f"no {number}")

    def die(number):
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(ValueError, match="no 7"):
        list(ray_map(fail, [7], workers=1))
    monkeypatch.setattr(ray_map_module, "RETRIES", 0)
    with pytest.raises(ChildProcessError, match="died 1 times over the same rows"):
        list(ray_map(die, [1], workers=1))


def test_the_command_says_what_ray_needs(classifier, table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_classifier(classifier, Path("animals.sngp"))
    arrow_csv.write_csv(table, "animals.csv")
    arguments = ["predict", "animals.sngp", "animals.csv", "--output", "answers.csv"]
    assert "--workers with --engine ray" in CliRunner().invoke(main, [*arguments, "--workers", "2"]).stderr
    monkeypatch.setitem(sys.modules, "ray", None)
    done = CliRunner().invoke(main, [*arguments, "--engine", "ray"])
    assert done.exit_code == 1
    assert "pip install 'keras-sngp[ray]'" in done.stderr
    assert not Path("answers.csv").exists()
