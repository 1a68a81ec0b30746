"""Which columns hold what, by their names."""

import dataclasses
import re
from collections.abc import Mapping, Sequence

from keras_sngp._tables import columns as vocabulary

PREFIXES = {False: vocabulary.PROBABILITIES, True: vocabulary.LOGITS}
MOST_NAMES_SHOWN = 30


@dataclasses.dataclass(frozen=True)
class ColumnNames:
    """Columns the user named; None where they are to be found by their usual names."""

    label: str | None = None
    uncertainty: str | None = None
    expert: str | None = None
    classes: tuple[str, ...] = ()
    logits: bool = False
    needs_label: bool = True


@dataclasses.dataclass(frozen=True)
class Columns:
    """Names of the columns to read.

    Attributes:
        outputs: Columns of probabilities or logits, or the one column that holds lists of them.
        class_names: What they stand for; empty where only the file's content tells.
        logits: Whether the outputs are logits.
        label: Column of the labels, or None.
        variance: Column of the variance, or one for each class; empty without.
        uncertainty: Column of the uncertainty, or None.
        expert: Columns of the expert's votes, or the one with answers; empty without.
    """

    outputs: tuple[str, ...]
    class_names: tuple[str, ...]
    logits: bool
    label: str | None
    variance: tuple[str, ...]
    uncertainty: str | None
    expert: tuple[str, ...]

    @property
    def needed(self) -> list[str]:
        """All of them, each once."""
        single = [column for column in (self.label, self.uncertainty) if column]
        return list(dict.fromkeys([*self.outputs, *single, *self.variance, *self.expert]))


def find_columns(
    names: Sequence[str],
    wanted: ColumnNames,
    groups: Mapping[str, tuple[str, ...]],
    class_names: tuple[str, ...] = (),
) -> Columns:
    """Chooses columns by what the user named and by their usual names.

    Args:
        names: The columns there are.
        wanted: What the user named.
        groups: Columns that have a name together.
        class_names: What the file says the classes are called.

    Raises:
        ValueError: a column that was named is missing, none looks like probabilities or logits, or there is no ground
            truth.
    """
    outputs, found_names, logits = _outputs(names, wanted, groups)
    class_names = class_names or found_names
    label = _one(names, wanted.label, vocabulary.LABELS, "--label")
    if wanted.needs_label:
        _check_is_truth(names, label)
    uncertainty = _one([*groups, *names], wanted.uncertainty, vocabulary.UNCERTAINTIES, "--uncertainty or --score")
    if uncertainty is not None and uncertainty in groups:
        (uncertainty,) = _single(groups[uncertainty], uncertainty)
    variance = _one([*groups, *names], None, vocabulary.VARIANCES, "")
    return Columns(
        outputs,
        class_names,
        logits,
        label,
        groups.get(variance, (variance,)) if variance else (),
        uncertainty,
        _expert(names, wanted.expert, class_names, max(len(outputs), 2), groups),
    )


def _check_is_truth(names: Sequence[str], label: str | None) -> None:
    answers = {vocabulary.ANSWER, vocabulary.DECISION} <= set(names)
    if answers and label in (None, vocabulary.ANSWER):
        raise ValueError(
            f"Expected the ground truth beside the answers, in a column {vocabulary.LABEL!r} or one named by --label. "
            f"Received: only the machine's own answers, in {vocabulary.ANSWER!r}; `keras-sngp predict --id COL` copies "
            "a column of your data"
        )
    if label is None:
        raise ValueError(
            f"Expected a column of labels, the ground truth, such as {', '.join(vocabulary.LABELS[:4])}, or its name "
            f"by --label. Received: {_listed(names)}"
        )


def _outputs(
    names: Sequence[str], wanted: ColumnNames, groups: Mapping[str, tuple[str, ...]]
) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    if wanted.classes:
        chosen = tuple(column for name in wanted.classes for column in groups.get(name, (name,)))
        for name in chosen:
            _require(names, name, "--classes")
        return chosen, chosen if len(chosen) > 1 else (), wanted.logits
    in_groups = {column for group in groups.values() for column in group}
    alone = [name for name in names if name not in in_groups]
    for logits in (True, False) if wanted.logits else (False, True):
        for prefix in PREFIXES[logits]:
            group = next((columns for name, columns in groups.items() if name.lower() == prefix), None)
            if group is not None:
                return group, (), logits or wanted.logits
            found = _with_prefix(alone, prefix)
            if len(found) > 1:
                return tuple(found), tuple(found.values()), logits or wanted.logits
            whole = next((name for name in alone if name.lower() == prefix), None)
            if whole is not None:
                return (whole,), (), logits or wanted.logits
    raise ValueError(
        "Expected columns of probabilities or logits, one a class, named like prob_cat or logit_cat, or their names by "
        f"--classes. Received: {_listed(names)}"
    )


def _with_prefix(names: Sequence[str], prefix: str) -> dict[str, str]:
    pattern = re.compile(rf"{prefix}(?:[_.:/ -](.+)|(\d+))", re.IGNORECASE)
    matches = {name: pattern.fullmatch(name) for name in names}
    return {name: match.group(1) or match.group(2) for name, match in matches.items() if match}


def _expert(
    names: Sequence[str],
    given: str | None,
    class_names: Sequence[str],
    num_classes: int,
    groups: Mapping[str, tuple[str, ...]],
) -> tuple[str, ...]:
    if given is None:
        return ()
    if given in names:
        return (given,)
    if given in groups:
        check_votes(len(groups[given]), given, num_classes)
        return groups[given]
    votes = {class_name: name for name, class_name in _with_prefix(names, re.escape(given)).items()}
    if class_names and set(votes) == set(class_names):
        return tuple(votes[class_name] for class_name in class_names)
    raise ValueError(
        "Expected an accuracy from 0 to 1, a column of the expert's answers, or a column of votes for each class, "
        f"named like {given}_{class_names[0] if class_names else 'cat'} (--expert {given}). Received: {_listed(names)}"
    )


def _one(names: Sequence[str], given: str | None, usual: Sequence[str], option: str) -> str | None:
    if given is not None:
        _require(names, given, option)
        return given
    return next((name for known in usual for name in names if name.lower() == known), None)


def check_votes(width: int, name: str, num_classes: int) -> None:
    """Raises a ValueError unless votes have a number for each class."""
    if width != num_classes:
        raise ValueError(f"Expected votes for each of {num_classes} classes in {name!r}. Received: {width}")


def _single(columns: tuple[str, ...], name: str) -> tuple[str, ...]:
    if len(columns) != 1:
        raise ValueError(f"Expected one number for each row in {name!r}. Received: {len(columns)}")
    return columns


def _require(names: Sequence[str], name: str, option: str) -> None:
    if name not in names:
        raise ValueError(f"There is no column {name!r} ({option}). Received: {_listed(names)}")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMES_SHOWN} more" if len(names) > MOST_NAMES_SHOWN else ""
    return f"the columns {', '.join(names[:MOST_NAMES_SHOWN])}{more}" if names else "no columns"
