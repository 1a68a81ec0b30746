"""keras-sngp on two moons: KERAS_BACKEND=jax python -m benchmarks.speed.ours_two_moons step"""

import statistics
import subprocess
import sys
from pathlib import Path

import keras

import keras_sngp as sngp
from benchmarks.speed import moons
from benchmarks.speed.measuring import main, once, seconds

PASSES_PER_BATCH = 4096
COMMAND = Path(sys.executable).with_name("keras-sngp")
IMPORT = "import keras, time; t = time.perf_counter(); import keras_sngp; print(time.perf_counter() - t)"
x, y, grid = moons.load()


def make(kind: str) -> keras.Model:
    if kind == "plain":
        return sngp.DeepResNet(2, moons.LAYERS, moons.UNITS, moons.DROPOUT)
    backbone = sngp.DeepResNet(
        num_layers=moons.LAYERS, num_hidden=moons.UNITS, dropout_rate=moons.DROPOUT, spec_norm_bound=moons.BOUND
    )
    return sngp.SNGP(backbone, 2, moons.FEATURES)


def fit(kind: str, epochs: int = moons.EPOCHS) -> tuple[keras.Model, list[float]]:
    model, epoch_seconds = moons.fit_keras(keras, make(kind), epochs)
    return (model if kind == "SNGP" else sngp.Deterministic(model)), epoch_seconds


def one_row_folded() -> dict[str, float]:
    model = sngp.fold(fit("SNGP", 1)[0])
    return {"SNGP": seconds(lambda: model.predict_distribution(grid[:1]), repeats=200)}


def mc_dropout() -> dict[str, float]:
    model = sngp.MCDropout(moons.fit_keras(keras, make("plain"), 1)[0], num_samples=moons.SAMPLES)
    return {"MC dropout": seconds(lambda: model.predict_distribution(grid, batch_size=PASSES_PER_BATCH))}


def deep_ensemble() -> dict[str, float]:
    ensemble = sngp.DeepEnsemble(lambda: moons.compile_keras(keras, make("plain")), moons.MEMBERS)
    options = {"batch_size": moons.BATCH_SIZE, "epochs": moons.EPOCHS, "verbose": 0}
    return {"deep ensemble": once(lambda: ensemble.fit(x, y, **options))}


def ten_fits() -> dict[str, float]:
    return {"ten fits": once(lambda: [fit("plain") for _ in range(moons.MEMBERS)])}


def start() -> dict[str, float]:
    """How long a user waits for the command's help, and for the import once Keras is there."""
    helped = seconds(lambda: subprocess.run([COMMAND, "--help"], check=True, stdout=subprocess.DEVNULL), repeats=5)
    imports = [float(subprocess.check_output([sys.executable, "-c", IMPORT], text=True)) for _ in range(5)]
    return {"help": helped, "import over Keras": statistics.median(imports)}


if __name__ == "__main__":
    predict = dict.fromkeys(("SNGP", "plain"), lambda model, rows: model.predict_distribution(rows))
    further = {"one row, folded": one_row_folded, "MC dropout": mc_dropout, "deep ensemble": deep_ensemble}
    further |= {"ten fits": ten_fits, "start": start}
    main({**moons.works_of(fit, predict, grid), **further})
