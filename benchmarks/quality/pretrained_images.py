"""CIFAR-10 and CIFAR-100 on an encoder trained on ImageNet, frozen: docs/quality.md.

    python -m benchmarks.quality.pretrained_images cifar10 --data-dir FOLDER
    python -m benchmarks.quality.pretrained_images cifar100 --data-dir FOLDER

The encoder's features are computed once, in an hour with PyTorch on two cores, and kept in the work folder as
efficientnet-lite0-features.npz. Its arrays `(rows, 1280)` in float32 are train (50,000 rows), test, c100 (10,000),
mnist, letters (5,000), noise, tiles (2,000; of CIFAR-10's validation images) and c100_tiles (1,000). A set that is
missing there is computed and added.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from benchmarks.data import cifar10, cifar100, mnist
from benchmarks.data.letters import make_letters
from benchmarks.quality.image_encoder import WIDTH, embed
from benchmarks.quality.images import LETTERS, UNFAMILIAR_ROWS, VALIDATION_ROWS, in_colour, shuffled_tiles
from benchmarks.quality.run_study import arguments, run
from benchmarks.quality.study import Settings, Study, make_head
from keras_sngp._runtime.files import atomic_write

HEAD_WIDTH, FAR_DIGITS, NOISE_ROWS = 512, 5_000, 2_000
CIFAR100_VALIDATION, CIFAR100_TEST = 1_000, 2_000
SETTINGS = Settings(epochs=10, learning_rate=1e-3, residual_blocks=1)

Images = dict[str, Callable[[], np.ndarray]]


def split(labels: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of the rows to go on with, and of those kept apart, as many of each class."""
    return tuple(train_test_split(np.arange(len(labels)), test_size=rows, random_state=0, stratify=labels))


def split_cifar100(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows to train on, to validate on and to test on, all of the published test images."""
    rest, test = split(labels, CIFAR100_TEST)
    train, validation = split(labels[rest], CIFAR100_VALIDATION)
    return rest[train], rest[validation], test


def cifar10_study(data_dir: Path | None, features: Callable[[Images], dict[str, np.ndarray]]) -> Study:
    data, (others, _) = cifar10.load(data_dir), cifar100.load_test(data_dir)
    (images, labels), test = data.train, data.test
    train, validation = split(labels, VALIDATION_ROWS)
    tiles = shuffled_tiles(images[validation[:UNFAMILIAR_ROWS]])
    found = features(
        {"train": lambda: images, "test": lambda: test[0], "c100": lambda: others, "tiles": lambda: tiles}
        | far_images(data_dir)
    )
    return pretrained_study(
        found,
        images=test[0],
        name="cifar10-pretrained",
        title="CIFAR-10, pretrained encoder",
        make_classifier=partial(make_head, WIDTH, 10, HEAD_WIDTH),
        training=(found["train"][train], labels[train]),
        validation=(found["train"][validation], labels[validation]),
        test=(found["test"], test[1]),
        near={"CIFAR-100": found["c100"]},
        out_of_domain_validation=found["tiles"],
    )


def cifar100_study(data_dir: Path | None, features: Callable[[Images], dict[str, np.ndarray]]) -> Study:
    """Of the 10,000 published test images alone, 70 of a class for training."""
    (images, labels), others = cifar100.load_test(data_dir), cifar10.load(data_dir).test[0]
    train, validation, test = split_cifar100(labels)
    tiles = shuffled_tiles(images[validation])
    found = features(
        {"c100": lambda: images, "test": lambda: others, "c100_tiles": lambda: tiles} | far_images(data_dir)
    )
    parts = {
        name: (found["c100"][rows], labels[rows])
        for name, rows in {"training": train, "validation": validation, "test": test}.items()
    }
    return pretrained_study(
        found,
        images=images[test],
        name="cifar100-pretrained",
        title="CIFAR-100 (7,000 of its test images for training), pretrained encoder",
        make_classifier=partial(make_head, WIDTH, 100, HEAD_WIDTH),
        near={"CIFAR-10": found["test"]},
        out_of_domain_validation=found["c100_tiles"],
        **parts,
    )


def pretrained_study(found: dict[str, np.ndarray], images: np.ndarray, near: dict[str, Any], **parts: Any) -> Study:
    far = {"MNIST": found["mnist"], "letters": found["letters"], "noise": found["noise"]}
    return Study(seeds=5, members=5, out_of_domain=near | far, shared_step=lambda rows: embed(images[:rows]), **parts)


def far_images(data_dir: Path | None) -> Images:
    return {
        "mnist": lambda: in_colour(mnist.load(data_dir).test[0][:FAR_DIGITS]),
        "letters": lambda: in_colour(make_letters(LETTERS)[0]),
        "noise": lambda: np.random.default_rng(0).integers(0, 256, (NOISE_ROWS, 32, 32, 3), dtype="uint8"),
    }


def kept_features(file: Path, images: Images) -> dict[str, np.ndarray]:
    """The encoder's features of every set, from the file, or computed and added to it."""
    found = dict(np.load(file)) if file.exists() else {}
    missing = [name for name in images if name not in found]
    for name in missing:
        found[name] = embed(images[name]())
    if missing:
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(file) as temporary:
            np.savez(temporary, **found)
    return found


STUDIES = {"cifar10": cifar10_study, "cifar100": cifar100_study}

if __name__ == "__main__":
    chosen = arguments(__doc__, *STUDIES)
    features = partial(kept_features, chosen.work_dir / "efficientnet-lite0-features.npz")
    run(STUDIES[chosen.study](chosen.data_dir, features), SETTINGS, chosen)
