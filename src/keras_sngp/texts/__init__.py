"""Texts of anybody's data: by the words in them, or by a sentence encoder."""

from keras_sngp.texts.encoded_text_column import EncodedTextColumn as EncodedTextColumn
from keras_sngp.texts.word_column import WordColumn as WordColumn
