"""Trains a small residual network on CIFAR-10, and an SNGP output layer on its features, for `human_votes`.

    KERAS_BACKEND=torch python -m benchmarks.deferral.train_cifar10 --data-dir DATA --output FOLDER

Writes the predictions of the test images as `network.npz` and `sngp-head.npz`, which `keras-sngp report` reads too.
"""

import argparse
from pathlib import Path

import keras
import numpy as np
from keras import layers

import keras_sngp as sngp
from benchmarks.data import cifar10
from benchmarks.quality.augmented_images import AugmentedImages
from benchmarks.quality.study import LOSS, Settings, make_optimizer
from keras_sngp._runtime.files import atomic_write

MEAN, DEVIATION = np.array([[0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]], "float32") * 255
WIDTH, NUM_CLASSES, BATCH_SIZE, LABEL_SMOOTHING, HEAD_EPOCHS = 32, 10, 256, 0.1, 10


def make_network() -> keras.Model:
    """Logits; its shape is that of David Page's network for DAWNBench ("How to train your ResNet", 2018)."""

    def convolution(inputs, filters: int, pool: bool = False):
        outputs = layers.Conv2D(filters, 3, padding="same", use_bias=False)(inputs)
        outputs = layers.ReLU()(layers.BatchNormalization()(outputs))
        return layers.MaxPooling2D()(outputs) if pool else outputs

    def residual(inputs, filters: int):
        return layers.Add()([inputs, convolution(convolution(inputs, filters), filters)])

    inputs = keras.Input((32, 32, 3))
    hidden = convolution(convolution(inputs, WIDTH), 2 * WIDTH, pool=True)
    hidden = convolution(residual(hidden, 2 * WIDTH), 4 * WIDTH, pool=True)
    hidden = residual(convolution(hidden, 8 * WIDTH, pool=True), 8 * WIDTH)
    features = layers.GlobalMaxPooling2D(name="features")(hidden)
    return keras.Model(inputs, layers.Dense(NUM_CLASSES)(features))


def train_network(images: np.ndarray, labels: np.ndarray, epochs: int) -> keras.Model:
    network = make_network()
    settings = Settings(epochs, 0.2, 2, BATCH_SIZE, warmup=0.25, optimizer="sgd", weight_decay=5e-4)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=LABEL_SMOOTHING)
    network.compile(make_optimizer(settings, -(-len(labels) // BATCH_SIZE)), loss)
    batches = AugmentedImages(images, np.eye(NUM_CLASSES)[labels], BATCH_SIZE, seed=0, augmented=True)
    network.fit(batches, epochs=epochs, verbose=2)
    return network


def train_head(features: np.ndarray, labels: np.ndarray) -> sngp.SNGP:
    """Two residual layers under a bound, and a Gaussian process over ten classes."""
    standardised = layers.Normalization()
    standardised.adapt(features)
    backbone = sngp.DeepResNet(num_layers=2, num_hidden=256, spec_norm_bound=0.95)
    model = sngp.SNGP(keras.Sequential([keras.Input(features.shape[1:]), standardised, backbone]), NUM_CLASSES)
    model.compile(keras.optimizers.Adam(1e-3), LOSS)
    model.fit(features, labels, epochs=HEAD_EPOCHS, batch_size=BATCH_SIZE, verbose=2)
    return model


def of_both_sides(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Outputs as the mean over an image and its mirror image."""
    return (model.predict(images, 500, verbose=0) + model.predict(images[:, :, ::-1], 500, verbose=0)) / 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, help="folder of the data sets; by default KERAS_SNGP_DATA")
    parser.add_argument("--output", type=Path, default=Path("build/deferral"))
    parser.add_argument("--epochs", type=int, default=20)
    options = parser.parse_args()
    keras.utils.set_random_seed(0)
    data = cifar10.load(options.data_dir)
    (images, labels), (test, test_labels) = (((x - MEAN) / DEVIATION, y) for x, y in (data.train, data.test))
    network = train_network(images, labels, options.epochs)
    trunk = keras.Model(network.input, network.get_layer("features").output)
    head = train_head(of_both_sides(trunk, images), labels).predict_distribution(of_both_sides(trunk, test))
    options.output.mkdir(parents=True, exist_ok=True)
    for name, arrays in {
        "network": {"logits": of_both_sides(network, test)},
        "sngp-head": {"probabilities": head.probabilities, "variance": head.variance},
    }.items():
        with atomic_write(options.output / f"{name}.npz") as temporary:
            np.savez_compressed(temporary, label=test_labels, class_names=np.array(data.class_names), **arrays)


if __name__ == "__main__":
    main()
