"""Files of results: JSON with one line a record, so that a change of one figure is a change of one line."""

import json
from pathlib import Path
from typing import Any

DIGITS = 8


def write_results(file: Path, results: dict[str, Any]) -> None:
    """Each key on a line, and of a list of records each record; figures with eight digits."""
    lines = ",\n".join(f" {json.dumps(key)}: {_text(value)}" for key, value in results.items())
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(f"{{\n{lines}\n}}\n")
    partial.replace(file)


def read_results(file: Path) -> dict[str, Any]:
    """What `write_results` wrote; nothing if there is no such file."""
    return json.loads(file.read_text()) if file.exists() else {}


def _text(value: Any) -> str:
    if not (isinstance(value, list) and value and isinstance(value[0], dict)):
        return json.dumps(_rounded(value))
    return "[\n" + ",\n".join(f"  {json.dumps(_rounded(record))}" for record in value) + "\n ]"


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
