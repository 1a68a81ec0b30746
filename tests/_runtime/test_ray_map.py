"""Work on Ray: the same results in the same order, also when workers die."""

import os
import re
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import keras
import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pytest
from click.testing import CliRunner

from keras_sngp._runtime import ray_map as ray_map_module
from keras_sngp._runtime.ray_map import RESULTS_PER_WORKER, ray_map
from keras_sngp.own_data import TrainingSettings, prepare, save_classifier, train
from keras_sngp_cli.main import main

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="Ray starts slowly, and is the same on all")
DOCS = Path(__file__).parents[2] / "docs"
ROWS = 1200
PADDING = "x" * 8000
COMMAND = [sys.executable, "-c", "from keras_sngp_cli.main import main; main()"]


@pytest.fixture(scope="module")
def ray():
    ray = pytest.importorskip("ray")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    with warnings.catch_warnings():
        # JAX's, of forks.
        warnings.simplefilter("ignore", RuntimeWarning)
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield ray
    ray.shutdown()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ray")
    generator = np.random.default_rng(0)
    kinds = generator.integers(0, 2, ROWS)
    table = pa.table({"row": np.arange(ROWS), "weight": 4 * kinds + generator.normal(size=ROWS), "kind": kinds})
    settings = TrainingSettings(epochs=1)
    save_classifier(train(prepare(table.drop_columns(["row"]), "kind", settings), settings), folder / "animals.sngp")
    # Long rows, so that few of them are many blocks.
    arrow_csv.write_csv(table.append_column("padding", pa.array([PADDING] * ROWS)), folder / "animals.csv")
    return folder


@pytest.mark.long
def test_results_come_in_order_and_few_at_a_time_when_a_worker_is_killed(ray, tmp_path):
    killed = tmp_path / "killed"
    sent = received = 0

    def square(number):
        if number == 20 and not killed.exists():
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return os.getpid(), number**2

    def numbers():
        nonlocal sent
        for number in range(40):
            assert sent - received < 2 * RESULTS_PER_WORKER
            sent += 1
            yield number

    processes = set()
    for process, result in ray_map(square, numbers(), workers=2):
        assert result == received**2
        received += 1
        processes.add(process)
    assert received == 40
    assert killed.exists()
    assert len(processes) == 3


@pytest.mark.long
def test_what_goes_wrong_in_a_worker_is_told(ray, monkeypatch):
    def fail(number):
        if number == 8:
            os.kill(os.getpid(), signal.SIGKILL)
        raise ValueError(f"no {number}")

    with pytest.raises(ValueError, match="no 7"):
        list(ray_map(fail, [7], workers=1))
    monkeypatch.setattr(ray_map_module, "RETRIES", 0)
    with pytest.raises(ChildProcessError, match="died 1 times over the same item"):
        list(ray_map(fail, [8], workers=1))


@pytest.mark.long
def test_the_page_on_scale_runs_as_written(ray):
    code = re.search(r"```python\n(.*?)```", (DOCS / "scale.md").read_text(), re.DOTALL).group(1)
    names = {}
    exec(compile(code, "scale.md", "exec"), names)
    alone = names["trained"](3)
    for member, weights in zip(names["members"][3].weights, alone.weights, strict=True):
        np.testing.assert_allclose(member, weights, atol=1e-6)
    assert not np.allclose(names["members"][2].weights[0], alone.weights[0], atol=1e-3)


@pytest.mark.long
def test_the_command_gives_the_same_answers_when_a_worker_is_killed(folder):
    pytest.importorskip("ray")
    arguments = ["predict", str(folder / "animals.sngp"), "-", "--output"]
    whole = (folder / "animals.csv").read_bytes()
    alone = subprocess.run([*COMMAND, *arguments, "-", "--id", "row"], input=whole, capture_output=True, check=True)
    output = folder / "answers.csv"
    options = ["--id", "row", "--engine", "ray", "--workers", "2"]
    command = subprocess.Popen([*COMMAND, *arguments, str(output), *options], stdin=-1, stderr=-1)
    command.stdin.write(whole[: len(whole) // 2])
    command.stdin.flush()
    os.kill(worker_at_work(command.pid), signal.SIGKILL)
    assert not output.exists()
    _, errors = command.communicate(whole[len(whole) // 2 :], timeout=120)
    assert command.returncode == 0, errors.decode()
    assert f"{ROWS:,} rows in" in errors.decode()
    assert output.read_bytes() == alone.stdout


def worker_at_work(ancestor):
    """The process of a worker that has begun with a block."""
    for _ in range(3000):
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                title = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if title.startswith(b"ray::_Worker.call") and ancestor in ancestors(int(folder.name)):
                return int(folder.name)
        time.sleep(0.02)
    raise TimeoutError("Expected a worker. Received: none in a minute")


def ancestors(process):
    while process > 1:
        process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
        yield process


def test_what_ray_needs_is_told(monkeypatch):
    arguments = ["predict", "animals.sngp", "animals.csv", "--output", "never.csv", "--workers", "2"]
    assert "--workers with --engine ray" in CliRunner().invoke(main, arguments).stderr
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r"needs it installed: pip install 'keras-sngp\[ray\]'"):
        list(ray_map(abs, [1]))


@pytest.mark.long
def test_the_command_says_what_ray_needs(folder, monkeypatch):
    monkeypatch.chdir(folder)
    arguments = ["predict", "animals.sngp", "animals.csv", "--output", "never.csv"]
    monkeypatch.setitem(sys.modules, "ray", None)
    done = CliRunner().invoke(main, [*arguments, "--engine", "ray"])
    assert done.exit_code == 1
    assert "pip install 'keras-sngp[ray]'" in done.stderr
    assert not list(folder.glob("never*"))
