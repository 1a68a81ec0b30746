"""Prints the section of a version in CHANGELOG.md, and fails where there is none or the source has another version.

Usage: python .ci/release_notes.py v0.1.0
"""

import re
import sys
from pathlib import Path

from release_check import source_version

CHANGELOG = Path(__file__).resolve().parents[1] / "CHANGELOG.md"


def section(version: str) -> str:
    """The lines below the heading `## [version]`, up to the next heading of that size."""
    text = CHANGELOG.read_text(encoding="utf-8")
    found = re.search(rf"^## \[{re.escape(version)}\][^\n]*\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    notes = found.group(1).strip() if found else ""
    if not notes:
        sys.exit(f"Expected a section `## [{version}]` with text in CHANGELOG.md. Received: none")
    return notes


if __name__ == "__main__":
    version = sys.argv[1].removeprefix("v")
    if version != source_version():
        sys.exit(f"Expected the tag of version {source_version()}, as in the source. Received: {sys.argv[1]}")
    print(section(version))
