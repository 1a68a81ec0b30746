"""A column of texts by a sentence encoder that lies in a folder."""

import dataclasses
import functools
import hashlib
import importlib
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from keras_sngp._runtime.json_checks import checked_fields
from keras_sngp.own_data.inputs.encoded_rows import EncodedRows
from keras_sngp.own_data.inputs.text_cells import check_text_column, read_texts

TOKENIZER = "tokenizer.json"
WEIGHTS = ("model.safetensors", "model.weights.h5")
MOST_TOKENS = 128
ROWS_PER_BATCH = 128
LENGTHS = (16, 32, 64, MOST_TOKENS)


@dataclasses.dataclass(frozen=True)
class EncodedTextColumn:
    r"""A column of texts as mean-pooled outputs of a BERT encoder, of length `sqrt(width)`.

    The encoder's folder has `tokenizer.json`, its configuration and its weights, as
    `keras_hub.models.BertBackbone.from_preset` reads them. It stays where it is: the classifier's file holds its
    path and a hash of its weights.

    Attributes:
        name: The column.
        folder: The encoder.
        sha256: Hash of its weights.
        width: Numbers a text becomes.
    """

    kind: ClassVar[str] = "encoded texts"

    name: str
    folder: str
    sha256: str
    width: int

    @classmethod
    def learn(cls, name: str, folder: Path) -> "EncodedTextColumn":
        folder = folder.resolve()
        return cls(name, str(folder), _hash_of_weights(folder), _encoder(str(folder)).output.shape[-1])

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.width,)

    @property
    def names(self) -> list[str]:
        return [self.name]

    def check(self, names: list[str]) -> None:
        """Raises a ValueError if a table with these columns lacks the texts, or the encoder is not the same."""
        check_text_column(self.name, names)
        if _hash_of_weights(Path(self.folder)) != self.sha256:
            raise ValueError(
                f"Expected the encoder the classifier was trained with in {self.folder}. Received: another"
            )

    def read(self, table: pa.Table) -> EncodedRows:
        """The texts as numbers `(rows, width)`."""
        return read_texts(table, self.name, self._encode)

    def _encode(self, texts: list[str]) -> npt.NDArray[np.float32]:
        ids = _tokens(self.folder, texts)
        lengths = np.array([len(tokens) for tokens in ids])
        encoder = _encoder(self.folder)
        encoded = np.empty((len(ids), self.width), "float32")
        for length in LENGTHS:
            shorter = max((other for other in LENGTHS if other < length), default=0)
            rows = np.flatnonzero((lengths > shorter) & (lengths <= length))
            if len(rows):
                padded = np.zeros((len(rows), length), "int32")
                for place, row in enumerate(rows):
                    padded[place, : lengths[row]] = ids[row]
                mask = (np.arange(length) < lengths[rows, None]).astype("int32")
                inputs = {"token_ids": padded, "padding_mask": mask, "segment_ids": np.zeros_like(padded)}
                encoded[rows] = encoder.predict(inputs, batch_size=ROWS_PER_BATCH, verbose=0)
        return encoded

    def arrays(self) -> dict[str, np.ndarray]:
        return {}

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, **dataclasses.asdict(self)}

    @classmethod
    def from_json(cls, content: dict[str, Any], arrays: dict[str, np.ndarray]) -> "EncodedTextColumn":
        """Reads what `to_json` gave, and refuses anything else with a ValueError."""
        types = {"kind": str, **{field.name: field.type for field in dataclasses.fields(cls)}}
        fields = checked_fields(content, types, "the texts")
        return cls(**{name: value for name, value in fields.items() if name != "kind"})


def _hash_of_weights(folder: Path) -> str:
    files = [folder / name for name in WEIGHTS if (folder / name).is_file()]
    if not files or not (folder / TOKENIZER).is_file():
        raise ValueError(
            f"Expected the folder of an encoder, with {TOKENIZER} and {' or '.join(WEIGHTS)}. Received: {folder}"
        )
    return _sha256(str(files[0]), files[0].stat().st_mtime_ns)


@functools.lru_cache
def _sha256(path: str, changed_at: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tokens(folder: str, texts: list[str]) -> list[list[int]]:
    tokenizers = _required("tokenizers")
    tokenizer = tokenizers.Tokenizer.from_file(str(Path(folder, TOKENIZER)))
    tokenizer.enable_truncation(MOST_TOKENS)
    tokenizer.no_padding()
    return [encoding.ids for encoding in tokenizer.encode_batch(texts)]


@functools.lru_cache(maxsize=1)
def _encoder(folder: str) -> keras.Model:
    backbone = _required("keras_hub").models.BertBackbone.from_preset(folder)
    states = backbone.output["sequence_output"]
    pooled = keras.layers.GlobalAveragePooling1D()(states, mask=backbone.input["padding_mask"])
    scaled = keras.layers.Rescaling(states.shape[-1] ** 0.5)(keras.layers.UnitNormalization()(pooled))
    return keras.Model(backbone.input, scaled)


def _required(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ValueError(
            "Encoders of texts need keras-hub and tokenizers: pip install keras-hub tokenizers. "
            f"Received: no {name} ({error})"
        ) from error
