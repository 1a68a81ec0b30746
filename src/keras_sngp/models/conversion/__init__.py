"""From a classifier that always answers to an SNGP with its weights, and from a trained SNGP to plain layers."""

from keras_sngp.models.conversion.convert import Conversion as Conversion
from keras_sngp.models.conversion.convert import convert as convert
from keras_sngp.models.conversion.fold import fold as fold
from keras_sngp.models.conversion.report import ConversionReport as ConversionReport
from keras_sngp.models.conversion.report import LayerReport as LayerReport
