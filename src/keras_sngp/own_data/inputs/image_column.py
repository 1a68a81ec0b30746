"""A column of images, as what a network takes."""

import dataclasses
import io
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from PIL import Image, UnidentifiedImageError

from keras_sngp._runtime.json_checks import checked_fields
from keras_sngp._tables.cells import Mask
from keras_sngp.own_data.inputs.encoded_rows import EncodedRows

LARGEST_SIDE = 64
SMALLEST_SIDE = 4
CHANNELS = {1: "L", 3: "RGB"}


@dataclasses.dataclass(frozen=True)
class ImageColumn:
    r"""A column of images of one size.

    .. math:: z = 2 x / \text{highest} - 1

    Attributes:
        name: The column.
        height: Rows of an image as the network sees it.
        width: Columns.
        channels: 1 for grey, 3 for colours.
        highest: The largest value of the training images: 255, or 1 or another number for arrays.
    """

    kind: ClassVar[str] = "images"

    name: str
    height: int
    width: int
    channels: int
    highest: float

    @classmethod
    def learn(cls, name: str, column: pa.ChunkedArray) -> "ImageColumn":
        """Takes the size of arrays as it is, and of encoded images the median one, at most 64 x 64.

        Raises:
            ValueError: values that are no images.
        """
        if is_tensor(column.type):
            shape = column.type.shape
            height, width, channels = (*shape, 1) if len(shape) == 2 else shape
            values = _arrays(column)
            if not np.isfinite(values).all() or values.min() < 0:
                raise ValueError(f"Images in {name!r} must be finite numbers from 0. Received: from {values.min()}")
            return cls(name, height, width, _checked_channels(channels, name), float(values.max()) or 1.0)
        sizes, modes = [], set()
        for content in column.to_pylist():
            image = opened(content)
            if image is not None:
                sizes.append(image.size)
                modes.add(image.mode)
        if not sizes:
            raise ValueError(f"Expected images in column {name!r}. Received: none that can be read")
        width, height = (int(np.clip(side, SMALLEST_SIDE, LARGEST_SIDE)) for side in np.median(sizes, axis=0))
        return cls(name, height, width, 1 if modes <= {"L", "1", "I", "I;16"} else 3, 255.0)

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.height, self.width, self.channels)

    @property
    def names(self) -> list[str]:
        return [self.name]

    def check(self, names: list[str]) -> None:
        """Raises a ValueError if a table with these columns lacks the images."""
        if self.name not in names:
            raise ValueError(f"Expected images in a column {self.name!r}. Received: {', '.join(map(repr, names))}")

    def read(self, table: pa.Table) -> EncodedRows:
        """The images `(rows, height, width, channels)`, from -1 to 1; one that cannot be read is all zeros."""
        self.check(table.column_names)
        column = table[self.name]
        values, bad = (self._read_arrays if is_tensor(column.type) else self._read_files)(column)
        return EncodedRows(values, [f"{self.name} not an image" if odd else "" for odd in bad], bad)

    def _read_arrays(self, column: pa.ChunkedArray) -> tuple[npt.NDArray[np.float32], Mask]:
        expected = self.input_shape if len(column.type.shape) == 3 else self.input_shape[:2]
        if tuple(column.type.shape) != expected:
            raise ValueError(f"Images in {self.name!r} must be {expected}. Received: {tuple(column.type.shape)}")
        values = _arrays(column).reshape(len(column), *self.input_shape)
        bad = ~np.isfinite(values).reshape(len(column), -1).all(axis=1)
        return np.clip(np.nan_to_num(2 * values / self.highest - 1), -1e3, 1e3).astype("float32"), bad

    def _read_files(self, column: pa.ChunkedArray) -> tuple[npt.NDArray[np.float32], Mask]:
        values, bad = np.zeros((len(column), *self.input_shape), "float32"), np.zeros(len(column), bool)
        for row, content in enumerate(column.to_pylist()):
            image = opened(content)
            if image is None:
                bad[row] = True
            else:
                resized = image.convert(CHANNELS[self.channels]).resize((self.width, self.height))
                values[row] = 2 * np.asarray(resized, "float32").reshape(self.input_shape) / self.highest - 1
        return values, bad

    def arrays(self) -> dict[str, np.ndarray]:
        return {}

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, **dataclasses.asdict(self)}

    @classmethod
    def from_json(cls, content: dict[str, Any], arrays: dict[str, np.ndarray]) -> "ImageColumn":
        """Reads what `to_json` gave, and refuses anything else with a ValueError."""
        types = {"kind": str, **{field.name: field.type for field in dataclasses.fields(cls)}}
        fields = checked_fields(content, types, "the images")
        column = cls(**{name: value for name, value in fields.items() if name != "kind"})
        _checked_channels(column.channels, column.name)
        if column.highest <= 0 or min(column.height, column.width) < 1:
            raise ValueError(f"Expected images of a size. Received: {fields}")
        return column


def is_tensor(kind: pa.DataType) -> bool:
    """Whether cells are arrays `(height, width)` or `(height, width, channels)`."""
    return isinstance(kind, pa.FixedShapeTensorType) and len(kind.shape) in (2, 3)


def is_encoded_image(kind: pa.DataType) -> bool:
    """Whether cells may be files of images: bytes, or bytes beside a path as some data sets have them."""
    if pa.types.is_struct(kind):
        return "bytes" in {kind.field(number).name for number in range(kind.num_fields)}
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def opened(content: Any) -> Image.Image | None:
    """The image in some bytes, or None if there is none."""
    content = content.get("bytes") if isinstance(content, dict) else content
    if not content:
        return None
    try:
        image = Image.open(io.BytesIO(content))
        image.load()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return image


def _arrays(column: pa.ChunkedArray) -> np.ndarray:
    array = column.combine_chunks()
    values: np.ndarray = array.to_numpy_ndarray().astype("float32")
    return values


def _checked_channels(channels: int, name: str) -> int:
    if channels not in CHANNELS:
        raise ValueError(f"Images in {name!r} must have 1 channel or 3, the last axis. Received: {channels}")
    return channels
