"""From a classifier that always answers to an SNGP with its weights, and from a trained SNGP to plain layers."""

from keras_sngp.models.conversion.convert import Conversion, convert
from keras_sngp.models.conversion.fold import fold
from keras_sngp.models.conversion.report import ConversionReport, LayerReport

__all__ = [
    "Conversion",
    "ConversionReport",
    "LayerReport",
    "convert",
    "fold",
]
