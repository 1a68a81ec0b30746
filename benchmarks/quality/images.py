"""The studies of images: docs/quality.md.

    python -m benchmarks.quality.images fashion-mnist --data-dir FOLDER
    KERAS_BACKEND=torch python -m benchmarks.quality.images cifar10-resnet-20 --data-dir FOLDER

An epoch on CIFAR-10 takes four to five minutes on two cores with PyTorch, three times as long with JAX.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from sklearn.model_selection import train_test_split

import keras_sngp as sngp
from benchmarks.data import cifar10, cifar100, corruptions, fashion_mnist, mnist
from benchmarks.data.labelled_images import ImagesAndLabels, LabelledImages
from benchmarks.data.letters import make_letters
from benchmarks.quality.augmented_images import AugmentedImages
from benchmarks.quality.run_study import arguments, run
from benchmarks.quality.study import Settings, Study
from keras_sngp.deferral import Expert
from keras_sngp.own_data.architecture import ConvolutionalArchitecture

VALIDATION_ROWS, SHIFTED_ROWS, UNFAMILIAR_ROWS, LETTERS = 5_000, 1_000, 2_000, 5_000
TILES = 4
SHIFTS = {"noise": corruptions.gaussian_noise, "blur": corruptions.gaussian_blur, "rotation": corruptions.rotation}
GREY = {"fashion-mnist": (fashion_mnist, "Fashion-MNIST"), "mnist": (mnist, "MNIST")}
KNOWN_CLASSES = np.array([0, 1, 2, 4, 5, 9])
CONVERT_ARGUMENTS = {"scale_random_features": True, "gp_kernel_amplitude": 128**0.5}

GREY_IMAGES = Settings(epochs=6, learning_rate=3e-3, residual_blocks=3, norm_multiplier=6.0)
RESNET_20 = Settings(10, 0.1, 9, norm_multiplier=6.0, optimizer="sgd", weight_decay=5e-4, warmup=0.2)
SETTINGS = {
    "fashion-mnist": GREY_IMAGES,
    "mnist": replace(GREY_IMAGES, epochs=2, norm_multiplier=2.0),
    "cifar10-resnet-20": RESNET_20,
    "cifar10-open-set": RESNET_20,
}


def standardised(images: np.ndarray) -> np.ndarray:
    """Values about 0 in float32, `(n, height, width, channels)`."""
    images = images if images.ndim == 4 else images[..., None]
    return images.astype("float32") / 128 - 1


def plain_questions(data: LabelledImages, others: dict[str, np.ndarray]) -> dict[str, Any]:
    """The parts of a `Study` that are images as they are; 5,000 of those for training are for validation."""
    images, labels = data.train
    fitted, kept = train_test_split(np.arange(len(labels)), test_size=VALIDATION_ROWS, random_state=0, stratify=labels)
    return {
        "training": (standardised(images[fitted]), labels[fitted]),
        "validation": (standardised(images[kept]), labels[kept]),
        "test": (standardised(data.test[0]), data.test[1]),
        "out_of_domain": {name: standardised(other) for name, other in others.items()},
    }


def image_questions(data: LabelledImages, others: dict[str, np.ndarray]) -> dict[str, Any]:
    """Those, and what is made of images: shuffled tiles to choose a score by, and shifts."""
    questions = plain_questions(data, others)
    return questions | {
        "out_of_domain_validation": shuffled_tiles(questions["validation"][0][:UNFAMILIAR_ROWS]),
        "altered_rows": VALIDATION_ROWS // 10,
        "shifts": {
            (kind, strength): standardised(worsen(data.test[0][:SHIFTED_ROWS], strength))
            for kind, worsen in SHIFTS.items()
            for strength in corruptions.STRENGTHS
        },
    }


def shuffled_tiles(images: np.ndarray) -> np.ndarray:
    """Images cut into sixteen tiles that are put together in another order, the same for all."""
    rows, height, width = images.shape[:3]
    split_shape = (rows, TILES, height // TILES, TILES, width // TILES, *images.shape[3:])
    tiles = np.moveaxis(images.reshape(split_shape), 3, 2)
    order = np.random.default_rng(0).permutation(TILES**2)
    mixed = tiles.reshape(rows, TILES**2, *tiles.shape[3:])[:, order].reshape(tiles.shape)
    return np.moveaxis(mixed, 2, 3).reshape(images.shape)


def grey_study(name: str, data_dir: Path | None) -> Study:
    """Fashion-MNIST or MNIST; the other and printed letters are out of domain."""
    data = {study: (loader.load(data_dir), title) for study, (loader, title) in GREY.items()}
    familiar, title = data.pop(name)
    ((other, other_title),) = data.values()
    return Study(
        name=name,
        title=title,
        seeds=3,
        members=5,
        make_classifier=lambda _: ConvolutionalArchitecture(28, 28, 1, num_classes=10).make_classifier(),
        **image_questions(familiar, {other_title: other.test[0], "letters": make_letters(LETTERS)[0]}),
    )


def make_resnet_20(num_classes: int = 10) -> keras.Model:
    return sngp.WideResNet(22, 1, num_classes=num_classes, input_shape=(32, 32, 3), dropout_rate=0.1)


def cifar10_study(name: str, data_dir: Path | None) -> Study:
    """ResNet-20 on CIFAR-10; CIFAR-100 (near) and MNIST (far) are out of domain."""
    questions = image_questions(cifar10.load(data_dir), colour_images(data_dir))
    return Study(
        name=name,
        title="CIFAR-10, ResNet-20",
        seeds=5,
        complete_seeds=1,
        members=5,
        make_classifier=lambda _: make_resnet_20(),
        batches=partial(AugmentedImages, *questions["training"]),
        convert_arguments=CONVERT_ARGUMENTS,
        expert=Expert.from_votes(cifar10.load_human_votes(data_dir)),
        **questions,
    )


def open_set_study(name: str, data_dir: Path | None) -> Study:
    """ResNet-20 on six classes of CIFAR-10; the other four are out of domain too."""
    data = cifar10.load(data_dir)
    known = replace(data, train=of_known_classes(data.train), test=of_known_classes(data.test))
    questions = plain_questions(known, {"four other classes": of_other_classes(data.test), **colour_images(data_dir)})
    return Study(
        name=name,
        title="CIFAR-10, six classes of ten",
        seeds=1,
        complete_seeds=0,
        members=1,
        process_members=1,
        ablations=False,
        make_classifier=lambda _: make_resnet_20(len(KNOWN_CLASSES)),
        batches=partial(AugmentedImages, *questions["training"]),
        convert_arguments=CONVERT_ARGUMENTS,
        out_of_domain_validation=standardised(of_other_classes(data.train)[:UNFAMILIAR_ROWS]),
        **questions,
    )


def colour_images(data_dir: Path | None) -> dict[str, np.ndarray]:
    return {"CIFAR-100": cifar100.load_test(data_dir)[0], "MNIST": in_colour(mnist.load(data_dir).test[0])}


def in_colour(images: np.ndarray) -> np.ndarray:
    """Grey images of 28 x 28 in the middle of 32 x 32 black pixels, the same in each channel."""
    return np.repeat(np.pad(images, ((0, 0), (2, 2), (2, 2)))[..., None], 3, axis=-1)


def of_known_classes(part: ImagesAndLabels) -> ImagesAndLabels:
    """The images of those, with labels from 0."""
    images, labels = part
    known = np.isin(labels, KNOWN_CLASSES)
    return images[known], np.searchsorted(KNOWN_CLASSES, labels[known])


def of_other_classes(part: ImagesAndLabels) -> np.ndarray:
    images, labels = part
    return images[~np.isin(labels, KNOWN_CLASSES)]


STUDIES = {**dict.fromkeys(GREY, grey_study), "cifar10-resnet-20": cifar10_study, "cifar10-open-set": open_set_study}

if __name__ == "__main__":
    chosen = arguments(__doc__, *STUDIES)
    study = STUDIES[chosen.study](chosen.study, chosen.data_dir)
    run(study, SETTINGS[chosen.study], chosen)
