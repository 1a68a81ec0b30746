"""Trained models as programs that run without Keras, with their uncertainty."""

from keras_sngp.models.export.export import export_model

__all__ = [
    "export_model",
]
