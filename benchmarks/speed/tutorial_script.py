"""What `keras-sngp moons` does, as a script on the layers of tf-models-official: four methods, and their surfaces."""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from tf_models import MEMBERS, SNGP, Plain, dropout_probabilities, fit, grid, probabilities

FOLDER = Path(sys.argv[1])


def draw(name: str, chances: np.ndarray) -> None:
    chance = chances[:, 1].reshape(100, 100)
    figure, places = plt.subplots(1, 2, figsize=(10, 4))
    for axes, surface in zip(places, (chance, chance * (1 - chance)), strict=True):
        figure.colorbar(axes.imshow(surface, origin="lower", extent=(-3.5, 3.5, -2.5, 2.5)), ax=axes)
    figure.savefig(FOLDER / f"{name}.png")


FOLDER.mkdir(parents=True, exist_ok=True)
plain = fit(Plain())
draw("deterministic", tf.nn.softmax(plain(grid)).numpy())
draw("mc-dropout", dropout_probabilities(plain, grid).numpy())
members = [tf.nn.softmax(fit(Plain())(grid)).numpy() for _ in range(MEMBERS)]
draw("deep-ensemble", np.mean(members, axis=0))
draw("sngp", probabilities(fit(SNGP()), grid).numpy())
