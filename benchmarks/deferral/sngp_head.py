"""Trains an SNGP output layer on a network's features and writes its predictions, variance included.

    python benchmarks/deferral/sngp_head.py features.npz --output sngp.npz

The features come from `train_cifar10.py --features`. Written are the mean-field probabilities and the posterior
variance of the CIFAR-10 test images, and of CIFAR-100 as out-of-domain images.
"""

import argparse
from pathlib import Path

import keras
import numpy as np

import keras_sngp as sngp
from keras_sngp._runtime.files import atomic_write


def make_model(width: int) -> sngp.SNGP:
    """Two residual layers under a bound, and a Gaussian process over ten classes."""
    inputs = keras.Input((width,))
    standardised = keras.layers.Normalization(name="standardised")
    backbone = sngp.DeepResNet(num_layers=2, num_hidden=256, spec_norm_bound=0.95)
    model = sngp.SNGP(keras.Sequential([inputs, standardised, backbone]), num_classes=10)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
    return model


def write(path: Path, model: sngp.SNGP, features: np.ndarray, **arrays) -> None:
    prediction = model.predict_distribution(features)
    with atomic_write(path) as temporary:
        np.savez_compressed(temporary, probabilities=prediction.probabilities, variance=prediction.variance, **arrays)
    print(f"wrote {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("features", type=Path)
    parser.add_argument("--output", type=Path, default=Path("sngp.npz"))
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    keras.utils.set_random_seed(options.seed)
    with np.load(options.features) as arrays:
        features = {name: arrays[name] for name in arrays.files}
    model = make_model(features["training"].shape[1])
    model.backbone.get_layer("standardised").adapt(features["training"])
    model.fit(features["training"], features["training_labels"], epochs=options.epochs, batch_size=256, verbose=2)
    write(options.output, model, features["test"], label=features["test_labels"])
    write(options.output.with_name(f"{options.output.stem}-cifar100.npz"), model, features["out_of_domain"])


if __name__ == "__main__":
    main()
