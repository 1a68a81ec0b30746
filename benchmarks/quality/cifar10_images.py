"""CIFAR-10, CIFAR-100 (near) and MNIST (far) being out of domain: docs/quality.md.

KERAS_BACKEND=torch python benchmarks/quality/cifar10_images.py resnet-20 --data-dir FOLDER
KERAS_BACKEND=jax   python benchmarks/quality/cifar10_images.py wide-resnet-28-10 --data-dir FOLDER

An epoch of the first takes four to five minutes on two cores with PyTorch, three times as long with JAX; the second
follows the paper and wants a GPU. Both go on from their last epoch when stopped and started again.
"""

from functools import partial

import keras
import numpy as np
from augmented_images import AugmentedImages
from image_studies import image_questions
from run_study import arguments, run
from settings import Settings
from study import Study

import keras_sngp as sngp
from benchmarks.data import cifar10, cifar100, mnist
from keras_sngp.deferral import Expert

SETTINGS = {
    "resnet-20": Settings(
        epochs=10,
        learning_rate=0.1,
        residual_blocks=9,
        norm_multiplier=6.0,
        optimizer="sgd",
        weight_decay=5e-4,
        warmup=0.2,
    ),
    "wide-resnet-28-10": Settings(
        epochs=200,
        learning_rate=0.1,
        residual_blocks=12,
        norm_multiplier=6.0,
        optimizer="sgd",
        weight_decay=5e-4,
        schedule="steps",
    ),
}
KERNEL_AMPLITUDE = 128**0.5
CONVERT_ARGUMENTS = {"scale_random_features": True, "gp_kernel_amplitude": KERNEL_AMPLITUDE}
NETWORKS = {"resnet-20": (22, 1), "wide-resnet-28-10": (28, 10)}
SEEDS_AND_MEMBERS = {"resnet-20": (5, 5), "wide-resnet-28-10": (1, 1)}
TITLES = {"resnet-20": "CIFAR-10, ResNet-20", "wide-resnet-28-10": "CIFAR-10, wide ResNet 28-10"}
DESCRIPTION = """A residual network with activations before convolutions (`WideResNet{network}`; shortcuts not
counted, it has {layers} layers) on images shifted by up to four pixels and mirrored; SGD with Nesterov momentum. Out
of domain are CIFAR-100 (near: its classes are others, its images of the same kind) and MNIST (far: with a black
border). 5,000 training images are validation data; the score of each method was chosen by 2,000 of those, cut into
sixteen tiles that were shuffled. The kernel of an SNGP has the amplitude {amplitude:.1f}. Shifts are of 1,000 test
images. The human is one of the about 51 people who labelled each test image for CIFAR-10H."""


def make_classifier(name: str, num_classes: int = 10) -> keras.Model:
    depth, width = NETWORKS[name]
    return sngp.WideResNet(depth, width, num_classes=num_classes, input_shape=(32, 32, 3), dropout_rate=0.1)


def as_colour_images(digits: np.ndarray) -> np.ndarray:
    """In the middle of 32 x 32 black pixels, the same in each channel."""
    return np.repeat(np.pad(digits, ((0, 0), (2, 2), (2, 2)))[..., None], 3, axis=-1)


def main() -> None:
    options = arguments(__doc__, *TITLES)
    name = options.data_set
    seeds, members = SEEDS_AND_MEMBERS[name]
    data = cifar10.load(options.data_dir)
    others = {
        "CIFAR-100": cifar100.load_test(options.data_dir)[0],
        "MNIST": as_colour_images(mnist.load(options.data_dir).test[0]),
    }
    questions = image_questions(data, others)
    study = Study(
        name=f"cifar10-{name}",
        title=TITLES[name],
        description=DESCRIPTION.format(
            network=NETWORKS[name], layers=NETWORKS[name][0] - 2, amplitude=KERNEL_AMPLITUDE
        ),
        seeds=seeds,
        complete_seeds=1,
        members=members,
        process_members=members,
        make_classifier=lambda _: make_classifier(name),
        batches=partial(AugmentedImages, *questions["training"]),
        convert_arguments=CONVERT_ARGUMENTS,
        expert=Expert.from_votes(cifar10.load_human_votes(options.data_dir)),
        **questions,
    )
    run(study, SETTINGS[name], [], options)


if __name__ == "__main__":
    main()
