"""The SNGP of lightning-uq-box, which is that of DUE, on two moons, in a plain PyTorch loop without logging."""

import importlib.util
import sys
import types

import numpy as np
import torch
from measuring import (
    BATCH_SIZE,
    BOUND,
    DATA,
    DROPOUT,
    EPOCHS,
    FEATURES,
    LAYERS,
    LEARNING_RATE,
    SETTLING_EPOCHS,
    STEADY_EPOCHS,
    UNITS,
    main,
    once,
    peak_megabytes_more,
    seconds,
    step_seconds,
)


def without_init(package: str) -> None:
    """Lets submodules be imported without all other methods, which need torchvision's build for GPUs."""
    module = types.ModuleType(package)
    module.__path__ = list(importlib.util.find_spec(package).submodule_search_locations)
    sys.modules[package] = module


for package in ("lightning_uq_box.uq_methods", "lightning_uq_box.models"):
    without_init(package)

from lightning_uq_box.models.fc_resnet import FCResNet  # noqa: E402
from lightning_uq_box.uq_methods.sngp import SNGPClassification  # noqa: E402

CHUNK = 128
moons = np.load(DATA)
x, y, grid = (torch.from_numpy(moons[name]) for name in ("x", "y", "grid"))


def make_plain():
    return FCResNet(2, UNITS, LAYERS, DROPOUT, num_outputs=2)


def make_sngp():
    return SNGPClassification(
        FCResNet(2, UNITS, LAYERS, DROPOUT),
        torch.nn.CrossEntropyLoss(),
        num_targets=2,
        num_gp_features=0,
        num_random_features=FEATURES,
        normalize_gp_features=False,
        feature_scale=None,
        coeff=BOUND,
    )


def fit(model, epochs: int = EPOCHS):
    """Trains; the Gram matrix is kept out of the gradient, in which the package's own loop leaves it."""
    times, loss = [], torch.nn.CrossEntropyLoss()
    is_sngp = isinstance(model, SNGPClassification)
    optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE)
    model.train()
    for _ in range(epochs):
        if is_sngp:
            model.reset_precision_matrix()
        order = torch.randperm(len(x))

        def epoch(order=order) -> None:
            for rows in order.split(BATCH_SIZE):
                optimizer.zero_grad()
                if is_sngp:
                    logits, features = model(x[rows])
                    with torch.no_grad():
                        model.precision += features.t() @ features
                else:
                    logits = model(x[rows])
                loss(logits, y[rows]).backward()
                optimizer.step()

        times.append(once(epoch))
    if is_sngp:
        model.recompute_covariance_matrix()
    return model.eval(), times


def probabilities(model, inputs):
    return torch.cat([model.predict_step(chunk)["pred"].softmax(-1) for chunk in inputs.split(CHUNK)])


def step() -> dict[str, float]:
    epochs = SETTLING_EPOCHS + STEADY_EPOCHS
    return {
        "SNGP": step_seconds(fit(make_sngp(), epochs)[1], len(x)),
        "plain": step_seconds(fit(make_plain(), epochs)[1], len(x)),
    }


def training() -> dict[str, float]:
    return {"SNGP": once(lambda: fit(make_sngp())), "plain": once(lambda: fit(make_plain()))}


def on_grid() -> dict[str, float]:
    model, _ = fit(make_sngp(), 1)
    probabilities(model, grid[:1])
    megabytes = peak_megabytes_more(lambda: probabilities(model, grid))
    return {"SNGP": seconds(lambda: probabilities(model, grid)), "SNGP megabytes": megabytes}


def one_row() -> dict[str, float]:
    process, plain = fit(make_sngp(), 1)[0], fit(make_plain(), 1)[0]
    with torch.inference_mode():
        return {
            "SNGP": seconds(lambda: probabilities(process, grid[:1]), repeats=200),
            "plain": seconds(lambda: plain(grid[:1]).softmax(-1), repeats=200),
        }


main({"step": step, "training": training, "grid": on_grid, "one row": one_row})
