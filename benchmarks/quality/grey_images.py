"""Fashion-MNIST or MNIST, the other and printed letters being out of domain: docs/quality.md.

python benchmarks/quality/grey_images.py fashion-mnist --data-dir FOLDER
"""

from dataclasses import replace

import keras
from image_studies import image_questions
from run_study import arguments, run
from settings import Settings
from study import SNGP, Study

from benchmarks.data import fashion_mnist, mnist
from benchmarks.data.letters import make_letters
from keras_sngp.own_data.architecture import ConvolutionalArchitecture

LETTERS = 5_000
TITLES = {"fashion-mnist": "Fashion-MNIST", "mnist": "MNIST"}
FIRST = Settings(epochs=3, learning_rate=3e-3, residual_blocks=3, norm_multiplier=2.0)
LONGER = replace(FIRST, epochs=6)
SETTINGS = {"fashion-mnist": replace(LONGER, norm_multiplier=6.0), "mnist": replace(FIRST, epochs=2)}
TRIED = {
    "fashion-mnist": [
        *((SNGP, replace(FIRST, norm_multiplier=bound)) for bound in (2.0, 0.95, 6.0)),
        *((SNGP, replace(FIRST, gp_kernel_scale=scale)) for scale in (1.0, 4.0)),
        *((SNGP, replace(LONGER, norm_multiplier=bound)) for bound in (0.5, 1.0, 2.0, 6.0)),
        (SNGP, replace(LONGER, gp_kernel_scale=1.5)),
        (SNGP, replace(FIRST, epochs=10)),
    ],
    "mnist": [],
}
DESCRIPTION = """A convolution that halves the image and a residual network of three blocks with 16, 32 and 64
filters (`WideResNet(10, 1)`). Out of domain are {other} (its test images) and 5,000 printed letters A to J in many
fonts (`letters.make_letters`), a stand-in for notMNIST. 5,000 training images are validation data; the score of each
method was chosen by 2,000 of those, cut into sixteen tiles that were shuffled. Shifts are of 1,000 test images."""


def make_classifier(_: Settings) -> keras.Model:
    return ConvolutionalArchitecture(28, 28, 1, num_classes=10).make_classifier()


def main() -> None:
    options = arguments(__doc__, *TITLES)
    data_sets = {"fashion-mnist": fashion_mnist.load(options.data_dir), "mnist": mnist.load(options.data_dir)}
    data = data_sets.pop(options.data_set)
    ((other, unfamiliar),) = data_sets.items()
    letters, _ = make_letters(LETTERS)
    study = Study(
        name=options.data_set,
        title=TITLES[options.data_set],
        description=DESCRIPTION.format(other=TITLES[other]),
        seeds=3,
        members=5,
        process_members=5,
        make_classifier=make_classifier,
        **image_questions(data, {TITLES[other]: unfamiliar.test[0], "letters": letters}),
    )
    run(study, SETTINGS[options.data_set], TRIED[options.data_set], options)


if __name__ == "__main__":
    main()
