"""What a network looks at in a row: columns of a table, a text, an image; learned from training data."""

from keras_sngp.own_data.inputs.encoded_text_column import EncodedTextColumn
from keras_sngp.own_data.inputs.image_column import ImageColumn
from keras_sngp.own_data.inputs.infer_columns import infer_schema
from keras_sngp.own_data.inputs.kinds import Inputs, inputs_from_json, learn_inputs
from keras_sngp.own_data.inputs.schema import TableSchema
from keras_sngp.own_data.inputs.word_column import WordColumn

__all__ = [
    "EncodedTextColumn",
    "ImageColumn",
    "Inputs",
    "TableSchema",
    "WordColumn",
    "infer_schema",
    "inputs_from_json",
    "learn_inputs",
]
