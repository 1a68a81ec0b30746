"""The kinds of inputs a classifier can look at, and which one suits some data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from keras_sngp.own_data.inputs.encoded_text_column import EncodedTextColumn
from keras_sngp.own_data.inputs.image_column import ImageColumn, is_encoded_image, is_tensor
from keras_sngp.own_data.inputs.infer_columns import infer_schema
from keras_sngp.own_data.inputs.schema import TableSchema
from keras_sngp.own_data.inputs.word_column import WordColumn

Inputs = TableSchema | ImageColumn | WordColumn | EncodedTextColumn
KINDS: dict[str, type[Inputs]] = {kind.kind: kind for kind in (TableSchema, ImageColumn, WordColumn, EncodedTextColumn)}


def learn_inputs(
    table: pa.Table,
    *,
    overrides: Mapping[str, str] | None = None,
    text: str | None = None,
    encoder: Path | None = None,
) -> Inputs:
    """Finds what to look at in training data.

    A column of texts, if one is named; else a column of images, if there is one; else all columns.

    Args:
        table: The training data, without their label.
        overrides: Kinds of some columns; see `infer_schema`.
        text: A column of texts.
        encoder: Folder of a sentence encoder for them; without it their words are looked at.
    """
    if text is not None:
        if text not in table.column_names:
            raise ValueError(f"Expected texts in one of {', '.join(map(repr, table.column_names))}. Received: {text!r}")
        return WordColumn.learn(text, table) if encoder is None else EncodedTextColumn.learn(text, encoder)
    images = [field.name for field in table.schema if is_tensor(field.type) or is_encoded_image(field.type)]
    if len(images) > 1:
        raise ValueError(f"Expected one column of images. Received: {', '.join(map(repr, images))}")
    return ImageColumn.learn(images[0], table[images[0]]) if images else infer_schema(table, overrides)


def inputs_from_json(content: dict[str, Any], arrays: dict[str, np.ndarray]) -> Inputs:
    """Reads what `to_json` and `arrays` of one of the kinds gave; a ValueError for anything else."""
    kind = KINDS.get(str(content.get("kind")))
    if kind is None:
        raise ValueError(f"Expected inputs of one of the kinds {', '.join(KINDS)}. Received: {content!r:.80}")
    return kind.from_json(content, arrays)
