"""A small Vision Transformer of Keras layers as an SNGP: attention is bounded by constraint.

KERAS_BACKEND=jax python examples/vision_transformer.py
"""

import keras
import numpy as np
from keras import layers

import keras_sngp as sngp


@keras.saving.register_keras_serializable("vision_transformer")
class AddPositions(layers.Layer):
    """Adds a trained vector to each patch, another one at each place."""

    def build(self, input_shape):
        self.vectors = self.add_weight(name="vectors", shape=input_shape[1:])

    def call(self, inputs):
        return inputs + self.vectors


def make_classifier(num_classes: int, size: int = 16, patch: int = 4, width: int = 32, blocks: int = 2) -> keras.Model:
    """Patches, `blocks` pre-normalised transformer blocks, and an average over the patches."""
    images = keras.Input((size, size, 1))
    hidden = layers.Conv2D(width, patch, strides=patch, name="patches")(images)
    hidden = layers.Reshape((-1, width))(hidden)
    hidden = AddPositions(name="positions")(hidden)
    for block in range(blocks):
        normed = layers.LayerNormalization()(hidden)
        hidden = hidden + layers.MultiHeadAttention(4, width // 4, name=f"attention_{block}")(normed, normed)
        normed = layers.LayerNormalization()(hidden)
        mlp = layers.Dense(2 * width, activation="gelu", name=f"mlp_{block}_first")(normed)
        hidden = hidden + layers.Dense(width, name=f"mlp_{block}_second")(mlp)
    hidden = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(hidden))
    return keras.Model(images, layers.Dense(num_classes, name="logits")(hidden), name="vision_transformer")


def make_images(rows: int, size: int = 16, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Stripes across (class 0) or along (class 1), with noise."""
    generator = np.random.default_rng(seed)
    labels = np.arange(rows) % 2
    stripes = np.sin(np.arange(size) + generator.uniform(0, 6, (rows, 1)))
    images = np.where(labels[:, None, None] == 0, stripes[:, :, None], stripes[:, None, :])
    return (images + generator.normal(0, 0.3, (rows, size, size)))[..., None].astype("float32"), labels


def main() -> None:
    keras.utils.set_random_seed(0)
    model, report = sngp.convert(make_classifier(num_classes=2), norm_multiplier=1.0)
    print(report)
    model.compile(keras.optimizers.Adam(3e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(*make_images(400), epochs=5, batch_size=32, verbose=2)
    images, labels = make_images(100, seed=1)
    near = model.predict_distribution(images)
    far = model.predict_distribution(np.random.default_rng(2).normal(0, 3, images.shape).astype("float32"))
    print(f"accuracy {np.mean(near.labels == labels):.2f}")
    print(f"variance: stripes {near.variance.mean():.3f}, noise {far.variance.mean():.3f}")


if __name__ == "__main__":
    main()
