"""The one decorator that makes our Keras objects loadable without `custom_objects`."""

from typing import TypeVar

import keras

PACKAGE = "keras_sngp"

Registered = TypeVar("Registered")


def register(thing: Registered) -> Registered:
    """Registers a class or function with Keras under the constant name `keras_sngp>Name`."""
    return keras.saving.register_keras_serializable(package=PACKAGE)(thing)
