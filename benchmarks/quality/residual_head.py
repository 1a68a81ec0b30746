"""A projection, residual blocks and logits, after the dense network of the SNGP tutorial."""

import keras
from settings import Settings


def residual_head(features, num_classes: int, settings: Settings, width: int = 512):
    hidden = keras.layers.Dense(width, name="projection")(features)
    for _ in range(settings.residual_blocks):
        residual = keras.layers.Dense(width, activation="relu")(hidden)
        hidden = keras.layers.Add()([hidden, keras.layers.Dropout(0.1)(residual)])
    return keras.layers.Dense(num_classes, name="logits")(hidden)
