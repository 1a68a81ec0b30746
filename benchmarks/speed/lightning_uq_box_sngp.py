"""The SNGP of lightning-uq-box, which is that of DUE, on two moons, in a plain PyTorch loop without logging."""

import importlib.util
import sys
import types

import torch

from benchmarks.speed import moons
from benchmarks.speed.measuring import main, once


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
x, y, grid = map(torch.from_numpy, moons.load())


def make(kind: str):
    shape = (2, moons.UNITS, moons.LAYERS, moons.DROPOUT)
    if kind == "plain":
        return FCResNet(*shape, num_outputs=2)
    return SNGPClassification(
        FCResNet(*shape),
        torch.nn.CrossEntropyLoss(),
        num_targets=2,
        num_gp_features=0,
        num_random_features=moons.FEATURES,
        normalize_gp_features=False,
        feature_scale=None,
        coeff=moons.BOUND,
    )


def fit(kind: str, epochs: int):
    """Trains; the Gram matrix is kept out of the gradient, in which the package's own loop leaves it."""
    model, loss, is_sngp = make(kind).train(), torch.nn.CrossEntropyLoss(), kind == "SNGP"
    optimizer = torch.optim.Adam(model.parameters(), moons.LEARNING_RATE)

    def epoch() -> None:
        if is_sngp:
            model.reset_precision_matrix()
        for rows in torch.randperm(len(x)).split(moons.BATCH_SIZE):
            optimizer.zero_grad()
            if is_sngp:
                logits, features = model(x[rows])
                with torch.no_grad():
                    model.precision += features.t() @ features
            else:
                logits = model(x[rows])
            loss(logits, y[rows]).backward()
            optimizer.step()

    times = [once(epoch) for _ in range(epochs)]
    if is_sngp:
        model.recompute_covariance_matrix()
    return model.eval(), times


@torch.inference_mode()
def probabilities(model, inputs):
    return torch.cat([model.predict_step(chunk)["pred"].softmax(-1) for chunk in inputs.split(CHUNK)])


@torch.inference_mode()
def plain_probabilities(model, inputs):
    return model(inputs).softmax(-1)


if __name__ == "__main__":
    main(moons.works_of(fit, {"SNGP": probabilities, "plain": plain_probabilities}, grid))
