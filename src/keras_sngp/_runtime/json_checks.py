"""Checks of JSON that may come from a stranger."""

import math
from typing import Any

CHECKS: dict[Any, tuple[str, Any]] = {
    str: ("text", lambda value: isinstance(value, str)),
    bool: ("true or false", lambda value: isinstance(value, bool)),
    int: ("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool)),
    float: ("a finite number", lambda value: _is_number(value)),
    list: ("a list", lambda value: isinstance(value, list)),
    dict: ("an object", lambda value: isinstance(value, dict)),
    float | None: ("a finite number or null", lambda value: value is None or _is_number(value)),
    str | None: ("text or null", lambda value: value is None or isinstance(value, str)),
    tuple[str, ...]: ("a list of texts", lambda value: _is_list_of(value, str)),
    tuple[int, ...]: ("a list of whole numbers", lambda value: _is_list_of(value, int)),
}


def checked_fields(content: Any, types: dict[str, Any], what: str) -> dict[str, Any]:
    """The fields of an object, if they are those of the given types and no others.

    Raises:
        ValueError: anything else.
    """
    if not isinstance(content, dict) or set(content) != set(types):
        received = ", ".join(sorted(content)) if isinstance(content, dict) else type(content).__name__
        raise ValueError(f"Expected {what} with the fields {', '.join(sorted(types))}. Received: {received:.200}")
    for name, kind in types.items():
        expected, fits = CHECKS[kind]
        if not fits(content[name]):
            raise ValueError(f"Expected {expected} as {name!r} of {what}. Received: {content[name]!r:.80}")
    return content


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_list_of(value: Any, kind: type) -> bool:
    return isinstance(value, list) and all(isinstance(item, kind) and not isinstance(item, bool) for item in value)
