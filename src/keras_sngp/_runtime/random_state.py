"""Global random generators: seeded, or left as they were; on JAX without TensorFlow, which Keras would import."""

import contextlib
import random
from collections.abc import Iterator

import keras
import numpy as np


def seed_everything(seed: int) -> None:
    """`keras.utils.set_random_seed`; on JAX, where layers draw their seeds from Python's generator, that and NumPy's.

    Keras also seeds TensorFlow where that is installed, and takes seconds to import it.
    """
    if keras.backend.backend() != "jax":
        keras.utils.set_random_seed(seed)
        return
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002


@contextlib.contextmanager
def random_state_kept() -> Iterator[None]:
    """Puts Python's and NumPy's global generators back after the block, in which Keras may be seeded."""
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
