"""Whether Python is running on numbers or only recording a computation."""

import keras


def is_traced(tensor) -> bool:
    """True while a graph is being recorded, when a tensor has a shape but no values to look at.

    Each backend refuses with an error of its own: JAX with a TypeError, TensorFlow with a
    NotImplementedError, PyTorch's shape-only device with a RuntimeError, Keras with a ValueError.
    """
    try:
        keras.ops.convert_to_numpy(tensor[:0])
    except (TypeError, NotImplementedError, RuntimeError, ValueError, AttributeError):
        return True
    return False
