"""What the studies of images share: how they are split, made worse, and shown to a network."""

from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from benchmarks.data import corruptions
from benchmarks.data.labelled_images import ImagesAndLabels, LabelledImages

VALIDATION_ROWS = 5_000
SHIFTED_ROWS = 1_000
UNFAMILIAR_ROWS = 2_000
ALTERED_ROWS = VALIDATION_ROWS // 10
TILES = 4
SHIFTS = {"noise": corruptions.gaussian_noise, "blur": corruptions.gaussian_blur, "rotation": corruptions.rotation}


def standardised(images: np.ndarray) -> np.ndarray:
    """Values about 0 in float32, `(n, height, width, channels)`."""
    images = images if images.ndim == 4 else images[..., None]
    return images.astype("float32") / 128 - 1


def split(data: LabelledImages) -> tuple[ImagesAndLabels, ImagesAndLabels]:
    """Images to train on, and 5,000 for validation, always the same."""
    images, labels = data.train
    fitted, kept = train_test_split(np.arange(len(labels)), test_size=VALIDATION_ROWS, random_state=0, stratify=labels)
    return (images[fitted], labels[fitted]), (images[kept], labels[kept])


def plain_questions(data: LabelledImages, others: dict[str, np.ndarray]) -> dict[str, Any]:
    """The parts of a `Study` that are images as they are."""
    (images, labels), (kept, kept_labels) = split(data)
    return {
        "training": (standardised(images), labels),
        "validation": (standardised(kept), kept_labels),
        "test": (standardised(data.test[0]), data.test[1]),
        "out_of_domain": {name: standardised(other) for name, other in others.items()},
    }


def image_questions(data: LabelledImages, others: dict[str, np.ndarray]) -> dict[str, Any]:
    """Those, and what is made of images: shuffled tiles to choose a score by, and shifts."""
    questions = plain_questions(data, others)
    return questions | {
        "out_of_domain_validation": shuffled_tiles(questions["validation"][0][:UNFAMILIAR_ROWS]),
        "altered_rows": ALTERED_ROWS,
        "shifts": {
            (kind, strength): standardised(worsen(data.test[0][:SHIFTED_ROWS], strength))
            for kind, worsen in SHIFTS.items()
            for strength in corruptions.STRENGTHS
        },
        "shifted_rows": np.arange(SHIFTED_ROWS),
    }


def shuffled_tiles(images: np.ndarray) -> np.ndarray:
    """Images cut into sixteen tiles that are put together in another order, the same for all."""
    rows, height, width = images.shape[:3]
    split_shape = (rows, TILES, height // TILES, TILES, width // TILES, *images.shape[3:])
    tiles = np.moveaxis(images.reshape(split_shape), 3, 2)
    order = np.random.default_rng(0).permutation(TILES**2)
    mixed = tiles.reshape(rows, TILES**2, *tiles.shape[3:])[:, order].reshape(tiles.shape)
    return np.moveaxis(mixed, 2, 3).reshape(images.shape)
