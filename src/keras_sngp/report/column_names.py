"""Which columns hold what, by their names."""

import dataclasses
import re
from collections.abc import Sequence

from keras_sngp.report.prediction_table import ColumnWishes

LABELS = ("label", "labels", "y", "y_true", "target", "class", "true_label")
VARIANCES = ("variance", "variances")
UNCERTAINTIES = ("uncertainty",)
PREFIXES = {
    False: ("probabilities", "probability", "proba", "probs", "prob", "p", "softmax"),
    True: ("logits", "logit"),
}
SHOWN = 30


@dataclasses.dataclass(frozen=True)
class Columns:
    """Names of the columns to read.

    Attributes:
        outputs: Columns of probabilities or logits, or the one column that holds lists of them.
        class_names: What they stand for; empty where only the file's content tells.
        logits: Whether the outputs are logits.
        label: Column of the labels, or None.
        variance: Column of the variance, or None.
        uncertainty: Column of the uncertainty, or None.
        expert: Columns of the expert's votes, or the one with answers; empty without.
    """

    outputs: tuple[str, ...]
    class_names: tuple[str, ...]
    logits: bool
    label: str | None
    variance: str | None
    uncertainty: str | None
    expert: tuple[str, ...]


def find_columns(names: Sequence[str], wishes: ColumnWishes) -> Columns:
    """Chooses columns by the user's wishes and by their usual names.

    Raises:
        ValueError: a column that was named is missing, or none looks like probabilities or logits.
    """
    outputs, class_names, logits = _outputs(names, wishes)
    label = _one(names, wishes.label, LABELS, "--label")
    if label is None and wishes.needs_label:
        raise ValueError(
            f"Expected a column of labels, such as {', '.join(LABELS[:4])}, or its name by --label. "
            f"Received: {_listed(names)}"
        )
    uncertainty = _one(names, wishes.uncertainty, UNCERTAINTIES, "--uncertainty")
    variance = _one(names, None, VARIANCES, "")
    return Columns(
        outputs, class_names, logits, label, variance, uncertainty, _expert(names, wishes.expert, class_names)
    )


def _outputs(names: Sequence[str], wishes: ColumnWishes) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    if wishes.classes:
        for name in wishes.classes:
            _require(names, name, "--classes")
        return wishes.classes, wishes.classes, wishes.logits
    for logits in (True, False) if wishes.logits else (False, True):
        for prefix in PREFIXES[logits]:
            found = _with_prefix(names, prefix)
            if len(found) > 1:
                return tuple(found), tuple(found.values()), logits or wishes.logits
            whole = next((name for name in names if name.lower() == prefix), None)
            if whole is not None:
                return (whole,), (), logits or wishes.logits
    raise ValueError(
        "Expected columns of probabilities or logits, one a class, named like prob_cat or logit_cat, or their names by "
        f"--classes. Received: {_listed(names)}"
    )


def _with_prefix(names: Sequence[str], prefix: str) -> dict[str, str]:
    pattern = re.compile(rf"{prefix}(?:[_.:/ -](.+)|(\d+))", re.IGNORECASE)
    matches = {name: pattern.fullmatch(name) for name in names}
    return {name: match.group(1) or match.group(2) for name, match in matches.items() if match}


def _expert(names: Sequence[str], wish: str | None, class_names: Sequence[str]) -> tuple[str, ...]:
    if wish is None:
        return ()
    if wish in names:
        return (wish,)
    votes = {class_name: name for name, class_name in _with_prefix(names, re.escape(wish)).items()}
    if class_names and set(votes) == set(class_names):
        return tuple(votes[class_name] for class_name in class_names)
    raise ValueError(
        "Expected an accuracy from 0 to 1, a column of the expert's answers, or a column of votes for each class, "
        f"named like {wish}_{class_names[0] if class_names else 'cat'} (--expert {wish}). Received: {_listed(names)}"
    )


def _one(names: Sequence[str], wish: str | None, usual: Sequence[str], option: str) -> str | None:
    if wish is not None:
        _require(names, wish, option)
        return wish
    return next((name for known in usual for name in names if name.lower() == known), None)


def _require(names: Sequence[str], name: str, option: str) -> None:
    if name not in names:
        raise ValueError(f"There is no column {name!r} ({option}). Received: {_listed(names)}")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"the columns {', '.join(names[:SHOWN])}{more}" if names else "no columns"
