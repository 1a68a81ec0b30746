"""CLINC150: short questions of 150 intents, and questions out of their scope (Larson et al. 2019, CC BY 3.0)."""

import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.data.local_or_download import PublicFile, local_or_download, read_checked, require

FILE = PublicFile(
    "data_full.json",
    "https://raw.githubusercontent.com/clinc/oos-eval/master/data/data_full.json",
    "sha256:36923c3705a59e08fe9c3883d8bc2dd966ef93e22cb78ac41171782a698d56e0",
)
COUNTS = {"train": 15_000, "val": 3_000, "test": 4_500, "oos_train": 100, "oos_val": 100, "oos_test": 1_000}
EXPECTED = "CLINC150: an object with " + ", ".join(f"{count:,} rows of {split}" for split, count in COUNTS.items())

TextsAndLabels = tuple[list[str], npt.NDArray[np.int64]]


@dataclasses.dataclass(frozen=True)
class Clinc150:
    """The splits as published; a label is the index of an intent in `intents`."""

    intents: tuple[str, ...]
    train: TextsAndLabels
    validation: TextsAndLabels
    test: TextsAndLabels
    out_of_scope_train: list[str]
    out_of_scope_validation: list[str]
    out_of_scope_test: list[str]


def load(data_dir: str | os.PathLike | None = None) -> Clinc150:
    """Reads `data_full.json` from a local folder, or downloads it from GitHub (clinc/oos-eval).

    Example:

        data = benchmarks.data.clinc150.load("my-data")
        texts, labels = data.train

    Raises:
        ValueError: The file is not the published one: other splits, or other counts.
        FileNotFoundError, OSError: There is no such file; see `local_or_download`.
    """
    path = local_or_download("clinc150", [FILE.name], FILE, data_dir)
    return read_checked(path, EXPECTED, _read)


def _read(path: Path) -> Clinc150:
    splits = json.loads(path.read_text(encoding="utf-8"))
    counts = {split: len(splits.get(split, ())) for split in COUNTS}
    require(counts == COUNTS, f"counts {counts}")
    texts = {split: [text for text, _ in rows] for split, rows in splits.items()}
    intents = tuple(sorted({intent for _, intent in splits["train"]}))
    require(len(intents) == 150, f"{len(intents)} intents")
    numbers = {intent: number for number, intent in enumerate(intents)}

    def labelled(split: str) -> TextsAndLabels:
        return texts[split], np.array([numbers[intent] for _, intent in splits[split]])

    return Clinc150(
        intents,
        labelled("train"),
        labelled("val"),
        labelled("test"),
        texts["oos_train"],
        texts["oos_val"],
        texts["oos_test"],
    )
