"""A network of keras.applications as an SNGP: what is bounded, and what it then says of images.

KERAS_BACKEND=jax python examples/convert_pretrained.py --network MobileNetV2
KERAS_BACKEND=jax python examples/convert_pretrained.py --network ResNet50 --weights imagenet --norm-multiplier 6
"""

import argparse

import keras
import numpy as np

import keras_sngp as sngp

NETWORKS = ("ResNet50", "DenseNet121", "MobileNetV2", "EfficientNetB0")


def make_classifier(network: str, num_classes: int, size: int = 32, weights: str | None = None) -> keras.Model:
    """A plain classifier: the network's features, averaged over the image, and a dense layer."""
    features = getattr(keras.applications, network)(
        include_top=False, weights=weights, input_shape=(size, size, 3), pooling="avg"
    )
    return keras.Model(features.input, keras.layers.Dense(num_classes, name="logits")(features.output), name=network)


def make_images(rows: int, num_classes: int, size: int = 32, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noise on a brightness that tells the class."""
    labels = np.arange(rows) % num_classes
    noise = np.random.default_rng(seed).normal(0, 20, (rows, size, size, 3))
    return (noise + 255 * (labels + 0.5)[:, None, None, None] / num_classes).astype("float32"), labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=NETWORKS, default="MobileNetV2")
    parser.add_argument("--weights", choices=["imagenet"], help="pretrained weights, downloaded by Keras")
    parser.add_argument("--norm-multiplier", type=float, default=0.95)
    arguments = parser.parse_args()

    keras.utils.set_random_seed(0)
    classifier = make_classifier(arguments.network, num_classes=4, weights=arguments.weights)
    model, report = sngp.convert(classifier, norm_multiplier=arguments.norm_multiplier)
    print(report)
    model.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(*make_images(64, 4), epochs=2, batch_size=16, verbose=2)
    images, labels = make_images(64, 4, seed=1)
    prediction = sngp.fold(model).predict_distribution(images)
    print(f"accuracy {np.mean(prediction.labels == labels):.2f}, variance {prediction.variance.mean():.3f}")


if __name__ == "__main__":
    main()
