"""Fills the tables of the pages from the results: python -m benchmarks.tables

A table stands in README.md or a page of docs between `<!-- table: NAME -->` and `<!-- end of table -->`; all else there
is written by hand.
"""

from pathlib import Path

from benchmarks.architectures import tables as architectures
from benchmarks.deferral import tables as deferral
from benchmarks.markdown import filled
from benchmarks.quality import tables as quality
from benchmarks.speed import tables as speed

ROOT = Path(__file__).parents[1]


def all_tables() -> dict[str, str]:
    """Every table by the name its marker has."""
    return {name: table for part in (quality, speed, deferral, architectures) for name, table in part.tables().items()}


def filled_pages() -> dict[Path, str]:
    """Each page, as it is with its tables made anew."""
    tables = all_tables()
    return {
        page: filled(page.read_text(), tables.__getitem__) for page in [ROOT / "README.md", *ROOT.glob("docs/*.md")]
    }


def fill_pages() -> None:
    for page, text in filled_pages().items():
        if text != page.read_text():
            page.write_text(text)


if __name__ == "__main__":
    fill_pages()
