"""A policy as JSON, numbers kept to the last bit."""

import json
import math
from pathlib import Path
from typing import Any

from keras_sngp._runtime.files import atomic_write

FORMAT = "keras_sngp deferral policy"
VERSION = 1
RULES = ("budget", "accuracy", "costs")


def save(policy: dict[str, Any], path: str | Path) -> None:
    """Writes the policy's fields; an infinite threshold becomes text, which JSON has no number for."""
    threshold = policy["threshold"]
    shown = {**policy, "threshold": threshold if math.isfinite(threshold) else str(threshold)}
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps({"format": FORMAT, "version": VERSION, **shown}, indent=2) + "\n")


def load(path: str | Path, names: list[str]) -> dict[str, Any]:
    """Reads the fields back.

    Raises:
        ValueError: not JSON, not a policy, another version, or fields that are missing or of the wrong kind.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"A deferral policy is a JSON file. Received: {path}, {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"Expected a file saved by `DeferralPolicy.save`. Received: {path}")
    if content.get("version") != VERSION:
        raise ValueError(f"Expected version {VERSION} of the policy's format. Received: {content.get('version')}")
    fields = {name: value for name, value in content.items() if name not in ("format", "version")}
    if set(fields) != set(names):
        raise ValueError(f"Expected the fields {', '.join(names)}. Received: {', '.join(fields)}")
    return _checked(fields, path)


def _checked(fields: dict[str, Any], path: str | Path) -> dict[str, Any]:
    try:
        fields["threshold"] = float(fields["threshold"])
        fields["num_classes"], fields["rows"], fields["deferred"] = (
            int(fields[name]) for name in ("num_classes", "rows", "deferred")
        )
        if fields["mistake_costs"] is not None:
            fields["mistake_costs"] = tuple(tuple(float(cost) for cost in row) for row in fields["mistake_costs"])
            fields["expert_costs"] = tuple(float(cost) for cost in fields["expert_costs"])
    except (TypeError, ValueError) as error:
        raise ValueError(f"The policy's numbers cannot be read. Received: {path}, {error}") from error
    if math.isnan(fields["threshold"]) or fields["rule"] not in RULES:
        raise ValueError(
            f"A policy has a threshold and one of the rules {', '.join(RULES)}. "
            f"Received: {fields['threshold']}, {fields['rule']!r}"
        )
    return fields
