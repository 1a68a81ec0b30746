"""Six classes of CIFAR-10, the other four, CIFAR-100 and MNIST being out of domain: docs/quality.md.

KERAS_BACKEND=torch python benchmarks/quality/cifar10_open_set.py --data-dir FOLDER

An epoch takes about two minutes on one core.
"""

import dataclasses
from functools import partial

import numpy as np
from augmented_images import AugmentedImages
from cifar10_images import CONVERT_ARGUMENTS, SETTINGS, as_colour_images, make_classifier
from image_studies import UNFAMILIAR_ROWS, plain_questions, standardised
from run_study import arguments, run
from study import Study

from benchmarks.data import cifar10, cifar100, mnist
from benchmarks.data.labelled_images import ImagesAndLabels

NETWORK = "resnet-20"
KNOWN = np.array([0, 1, 2, 4, 5, 9])
DESCRIPTION = """The ResNet-20 of the table of CIFAR-10, trained as it was but on six classes: {known} (the first split
of Vaze et al. 2022, arXiv:2110.06207). Out of domain are the test images of the other four (near: {unknown}), CIFAR-100
(near) and MNIST (far). 5,000 training images of the six are validation data; the score of each method was chosen by
2,000 training images of the four, which no network was trained on: unfamiliar inputs of the kind to be found, where the
table of all ten classes has shuffled tiles."""


def of_known_classes(part: ImagesAndLabels) -> ImagesAndLabels:
    """The images of those, with labels from 0."""
    images, labels = part
    known = np.isin(labels, KNOWN)
    return images[known], np.searchsorted(KNOWN, labels[known])


def of_other_classes(part: ImagesAndLabels) -> np.ndarray:
    images, labels = part
    return images[~np.isin(labels, KNOWN)]


def main() -> None:
    options = arguments(__doc__)
    data = cifar10.load(options.data_dir)
    known = dataclasses.replace(data, train=of_known_classes(data.train), test=of_known_classes(data.test))
    others = {
        "four other classes": of_other_classes(data.test),
        "CIFAR-100": cifar100.load_test(options.data_dir)[0],
        "MNIST": as_colour_images(mnist.load(options.data_dir).test[0]),
    }
    questions = plain_questions(known, others)
    names = np.array(data.class_names)
    study = Study(
        name="cifar10-open-set",
        title="CIFAR-10, six classes of ten",
        description=DESCRIPTION.format(known=", ".join(names[KNOWN]), unknown=", ".join(np.delete(names, KNOWN))),
        seeds=1,
        complete_seeds=0,
        members=1,
        process_members=1,
        ablations=False,
        make_classifier=lambda _: make_classifier(NETWORK, len(KNOWN)),
        batches=partial(AugmentedImages, *questions["training"]),
        convert_arguments=CONVERT_ARGUMENTS,
        out_of_domain_validation=standardised(of_other_classes(data.train)[:UNFAMILIAR_ROWS]),
        **questions,
    )
    run(study, SETTINGS[NETWORK], [], options)


if __name__ == "__main__":
    main()
