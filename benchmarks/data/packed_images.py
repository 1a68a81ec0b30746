"""Reads images from Parquet files and from the binary batches of CIFAR."""

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from benchmarks.data.local_or_download import require


def read_parquet_images(paths: Sequence[Path], label: str) -> tuple[np.ndarray, np.ndarray]:
    """Images of a column `image` of `{bytes, path}`, any lossless format that Pillow reads, and their labels."""
    import pyarrow.parquet
    from PIL import Image

    images, labels = [], []
    for path in paths:
        table = pyarrow.parquet.read_table(path, columns=["image", label])
        images += [np.asarray(Image.open(io.BytesIO(row["bytes"]))) for row in table.column("image").to_pylist()]
        labels.append(table.column(label).to_numpy())
    return np.stack(images), np.concatenate(labels)


def read_binary_batches(path: Path, names: Sequence[str], label_bytes: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of label bytes, the last of which counts, and three planes of 32 x 32, from files within a tar."""
    with tarfile.open(path) as archive:
        members = {PurePosixPath(member.name).name: member for member in archive.getmembers() if member.isfile()}
        require(set(names) <= set(members), f"an archive of {', '.join(sorted(members))}")
        content = b"".join(archive.extractfile(members[name]).read() for name in names)  # type: ignore[union-attr]
    width = label_bytes + 3 * 32 * 32
    require(len(content) % width == 0, f"{len(content):,} bytes, which are no rows of {width}")
    rows = np.frombuffer(content, np.uint8).reshape(-1, width)
    return rows[:, label_bytes:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), rows[:, label_bytes - 1]
