"""Which of Keras's backends are there; imported before Keras, which may not start."""

import importlib.util
import os

BACKENDS = ("jax", "tensorflow", "torch")


def installed_backends() -> list[str]:
    """The Keras backends whose packages are installed, in our order of preference."""
    return [name for name in BACKENDS if importlib.util.find_spec(name) is not None]


def explain_missing_backend() -> str:
    """One sentence: which backend was asked for, which are there, and what to do."""
    installed = installed_backends()
    asked = os.environ.get("KERAS_BACKEND")
    wanted = f"KERAS_BACKEND={asked}" if asked else "Keras's default backend"
    if installed:
        return (
            f"keras_sngp could not start Keras with {wanted}. Installed backends: {', '.join(installed)}. "
            f"Choose one with KERAS_BACKEND={installed[0]}."
        )
    return (
        f"keras_sngp could not start Keras with {wanted}, and no backend is installed. Install one with "
        "pip install 'keras-sngp[jax]' (or [tensorflow], or [torch])."
    )
