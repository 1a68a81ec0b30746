"""A column of texts by the words and pairs of words in them, when there is no encoder."""

import dataclasses
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.preprocessing import normalize

from keras_sngp._runtime.json_checks import checked_fields
from keras_sngp.own_data.inputs.encoded_rows import EncodedRows
from keras_sngp.own_data.inputs.text_cells import check_text_column, read_texts, texts_of

PLACES = 1 << 14
MOST_DIRECTIONS = 256


@dataclasses.dataclass(frozen=True, eq=False)
class WordColumn:
    r"""A column of texts as counts of words, weighted by how rare they are, along their main directions.

    .. math:: z = \sqrt{d} \, V^T t / \|V^T t\|, \qquad t_w = n_w \log\frac{1 + n}{1 + n_{\text{with } w}} + n_w

    with `n_w` how often the text has the word or pair of words that hashing puts in place `w`, `V` the first `d`
    singular vectors of the training texts.

    Attributes:
        name: The column.
        weights: Of each place, `(places,)`.
        directions: `V`, `(places, d)`.
    """

    kind: ClassVar[str] = "words"

    name: str
    weights: npt.NDArray[np.float32]
    directions: npt.NDArray[np.float32]

    @classmethod
    def learn(cls, name: str, table: pa.Table) -> "WordColumn":
        counts = _counts(texts_of(table, name)[0])
        rows_with = np.bincount(counts.nonzero()[1], minlength=PLACES)
        weights = np.log((1 + counts.shape[0]) / (1 + rows_with)) + 1
        directions = min(MOST_DIRECTIONS, counts.shape[0] - 1)
        decomposition = TruncatedSVD(directions, random_state=0).fit(counts.multiply(weights).tocsr())
        return cls(name, weights.astype("float32"), decomposition.components_.T.astype("float32"))

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.directions.shape[1],)

    @property
    def names(self) -> list[str]:
        return [self.name]

    def check(self, names: list[str]) -> None:
        """Raises a ValueError if a table with these columns lacks the texts."""
        check_text_column(self.name, names)

    def read(self, table: pa.Table) -> EncodedRows:
        """The texts as numbers `(rows, d)`; one without a known word is all zeros."""
        return read_texts(table, self.name, self._encode)

    def _encode(self, texts: list[str]) -> npt.NDArray[np.float32]:
        along = np.asarray(_counts(texts).multiply(self.weights).tocsr() @ self.directions)
        encoded: npt.NDArray[np.float32] = (normalize(along) * np.sqrt(along.shape[1])).astype("float32")
        return encoded

    def arrays(self) -> dict[str, np.ndarray]:
        return {"weights": self.weights, "directions": self.directions}

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.name}

    @classmethod
    def from_json(cls, content: dict[str, Any], arrays: dict[str, np.ndarray]) -> "WordColumn":
        """Reads what `to_json` and `arrays` gave, and refuses anything else with a ValueError."""
        fields = checked_fields(content, {"kind": str, "name": str}, "the texts")
        shapes = {name: array.shape for name, array in arrays.items()}
        if set(shapes) != {"weights", "directions"} or shapes["weights"] != shapes["directions"][:1] != (PLACES,):
            raise ValueError(f"Expected the weights and directions of {PLACES} places. Received: {shapes}")
        if not all(array.dtype == np.float32 and np.isfinite(array).all() for array in arrays.values()):
            raise ValueError("Expected finite weights and directions. Received: others")
        return cls(fields["name"], arrays["weights"], arrays["directions"])


def _counts(texts: list[str]) -> Any:
    return HashingVectorizer(n_features=PLACES, ngram_range=(1, 2), alternate_sign=False, norm=None).transform(texts)
