"""keras-sngp on two moons: KERAS_BACKEND=jax python benchmarks/speed/ours_two_moons.py step"""

import keras
import numpy as np
from measuring import (
    BATCH_SIZE,
    BOUND,
    DATA,
    DROPOUT,
    EPOCHS,
    FEATURES,
    LAYERS,
    LEARNING_RATE,
    MEMBERS,
    SAMPLES,
    SETTLING_EPOCHS,
    STEADY_EPOCHS,
    UNITS,
    epoch_times,
    main,
    once,
    peak_megabytes_more,
    seconds,
    step_seconds,
)

import keras_sngp as sngp

PASSES_A_BATCH = 4096
moons = np.load(DATA)
x, y, grid = moons["x"], moons["y"], moons["grid"]


def make_plain() -> keras.Model:
    return compiled(sngp.DeepResNet(2, LAYERS, UNITS, DROPOUT))


def make_sngp() -> sngp.SNGP:
    backbone = sngp.DeepResNet(num_layers=LAYERS, num_hidden=UNITS, dropout_rate=DROPOUT, spec_norm_bound=BOUND)
    return compiled(sngp.SNGP(backbone, 2, FEATURES))


def compiled(model):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(LEARNING_RATE), loss, metrics=["accuracy"])
    return model


def fit(model, epochs: int = EPOCHS, callbacks=()):
    model.fit(x, y, batch_size=BATCH_SIZE, epochs=epochs, verbose=0, callbacks=list(callbacks))
    return model


def step() -> dict[str, float]:
    def of(model) -> float:
        times = epoch_times(keras.callbacks.Callback)
        fit(model, SETTLING_EPOCHS + STEADY_EPOCHS, [times])
        return step_seconds(times.seconds, len(x))

    return {"SNGP": of(make_sngp()), "plain": of(make_plain())}


def training() -> dict[str, float]:
    return {"SNGP": once(lambda: fit(make_sngp())), "plain": once(lambda: fit(make_plain()))}


def predictors() -> dict[str, object]:
    return {"SNGP": fit(make_sngp(), 1), "plain": sngp.Deterministic(fit(make_plain(), 1))}


def on_grid() -> dict[str, float]:
    model = fit(make_sngp(), 1)
    model.predict_distribution(grid[:1])
    megabytes = peak_megabytes_more(lambda: model.predict_distribution(grid))
    return {"SNGP": seconds(lambda: model.predict_distribution(grid)), "SNGP megabytes": megabytes}


def one_row() -> dict[str, float]:
    return {
        name: seconds(lambda model=model: model.predict_distribution(grid[:1]), repeats=200)
        for name, model in predictors().items()
    }


def one_row_folded() -> dict[str, float]:
    model = sngp.fold(fit(make_sngp(), 1))
    return {"SNGP": seconds(lambda: model.predict_distribution(grid[:1]), repeats=200)}


def mc_dropout() -> dict[str, float]:
    model = sngp.MCDropout(fit(make_plain(), 1), num_samples=SAMPLES)
    return {"MC dropout": seconds(lambda: model.predict_distribution(grid, batch_size=PASSES_A_BATCH))}


def deep_ensemble() -> dict[str, float]:
    return {"deep ensemble": once(lambda: fit(sngp.DeepEnsemble(make_plain, MEMBERS)))}


def ten_fits() -> dict[str, float]:
    return {"ten fits": once(lambda: [fit(make_plain()) for _ in range(MEMBERS)])}


main(
    {
        "step": step,
        "training": training,
        "grid": on_grid,
        "one row": one_row,
        "one row, folded": one_row_folded,
        "MC dropout": mc_dropout,
        "deep ensemble": deep_ensemble,
        "ten fits": ten_fits,
    }
)
