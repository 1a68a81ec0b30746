"""What mistakes and questions cost."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from keras_sngp.metrics.array_checks import checked_probabilities

Array = npt.NDArray[np.floating]


@dataclasses.dataclass(frozen=True)
class DecisionCosts:
    r"""Costs in any one unit: euros, minutes, harm.

    Attributes:
        mistakes: Cost of each answer (columns) for each true class (rows), `(classes, classes)`; usually 0 on the
            diagonal.
        expert_call: Cost of asking the expert about a case of each true class, `(classes,)`.

    Example:

    >>> costs = DecisionCosts.create(num_classes=2, mistake=[1, 10], expert_call=0.5)
    >>> costs.mistakes.tolist()
    [[0.0, 1.0], [10.0, 0.0]]
    >>> answers, expected = costs.best_answers([[0.8, 0.2]])
    >>> answers.tolist(), expected.round(3).tolist()
    ([1], [0.8])

    Reference: Chow 1970, "On optimum recognition error and reject tradeoff"; Elkan 2001, "The foundations of
    cost-sensitive learning", equation 1.
    """

    mistakes: Array
    expert_call: Array

    @classmethod
    def create(cls, num_classes: int, mistake: npt.ArrayLike = 1.0, expert_call: npt.ArrayLike = 0.0) -> Self:
        """Costs from the short forms.

        Args:
            num_classes: Number of classes.
            mistake: One number; one for each true class `(classes,)`; or a matrix `(classes, classes)`.
            expert_call: One number, or one for each true class.
        """
        mistake, call = np.asarray(mistake, dtype="float64"), np.asarray(expert_call, dtype="float64")
        if mistake.shape not in ((), (num_classes,), (num_classes, num_classes)):
            raise ValueError(
                f"`mistake` must be one number, {num_classes} numbers or a matrix {num_classes} x {num_classes}. "
                f"Received: shape {mistake.shape}"
            )
        if call.shape not in ((), (num_classes,)):
            raise ValueError(f"`expert_call` must be one number or {num_classes}. Received: shape {call.shape}")
        if not (np.isfinite(mistake).all() and np.isfinite(call).all() and (mistake >= 0).all() and (call >= 0).all()):
            raise ValueError("Costs must be finite numbers of at least 0. Received: NaN, infinite or negative values")
        if mistake.ndim < 2:
            mistake = np.broadcast_to(mistake, num_classes)[:, None] * (1 - np.eye(num_classes))
        return cls(mistake, np.broadcast_to(call, num_classes).copy())

    @classmethod
    def load(cls, path: str | Path, class_names: Sequence[str]) -> Self:
        """Costs from a JSON file with `mistake` and `expert_call`.

        Both take the forms of `create`, or names: `{"mistake": {"cat": {"dog": 5}}, "expert_call": 1}` says that a cat
        taken for a dog costs 5. What is not named costs 1, or what `"default"` says, at either level.

        Raises:
            ValueError: not JSON, unknown keys or classes, or numbers that do not fit.
        """
        try:
            given = json.loads(Path(path).read_text(encoding="utf-8"))
        except (ValueError, UnicodeDecodeError) as error:
            raise ValueError(f"The costs must be a JSON file. Received: {path}, {error}") from error
        if not isinstance(given, dict) or not set(given) <= {"mistake", "expert_call"} or "mistake" not in given:
            keys = ", ".join(map(str, given)) if isinstance(given, dict) else type(given).__name__
            raise ValueError(f'The costs must have "mistake" and may have "expert_call". Received: {keys}')
        mistake = _by_name(given["mistake"], class_names, nested=True)
        call = _by_name(given.get("expert_call", 0.0), class_names, nested=False)
        try:
            return cls.create(len(class_names), mistake, call)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: {error}") from error

    def best_answers(self, probabilities: npt.ArrayLike) -> tuple[npt.NDArray[np.integer], Array]:
        """The answer of least expected cost, and that cost, each `(rows,)`."""
        return self._best_answers(checked_probabilities(probabilities))

    def _best_answers(self, probabilities: Array) -> tuple[npt.NDArray[np.integer], Array]:
        expected = probabilities @ self.mistakes
        answers = expected.argmin(axis=1)
        return answers, expected[np.arange(len(answers)), answers]

    def expected_saving(
        self, probabilities: npt.ArrayLike, expert_costs: Array
    ) -> tuple[npt.NDArray[np.integer], Array]:
        """The answer of least expected cost, and how much less asking the expert is expected to cost, each `(rows,)`.

        Args:
            probabilities: `(rows, classes)`.
            expert_costs: Expected cost of asking, by true class `(classes,)`.
        """
        checked = checked_probabilities(probabilities)
        answers, expected = self._best_answers(checked)
        return answers, expected - checked @ expert_costs

    def expert_costs(self, confusion: Array) -> Array:
        """Expected cost of asking an expert, `(classes,)` by true class: the call and the expert's own mistakes."""
        costs: Array = self.expert_call + np.sum(confusion * self.mistakes, axis=1)
        return costs


def _by_name(given: Any, names: Sequence[str], nested: bool) -> Any:
    if not isinstance(given, dict):
        return given
    unknown = [name for name in given if name not in names and name != "default"]
    if unknown:
        raise ValueError(f"Costs are named by class: {', '.join(names)}. Received: {', '.join(unknown)}")
    default = given.get("default", 1.0)
    rows = [given.get(name, default) for name in names]
    if not nested:
        return rows
    matrix = [_by_name(row, names, nested=False) if isinstance(row, dict) else [row] * len(names) for row in rows]
    return np.asarray(matrix, dtype="float64") * (1 - np.eye(len(names)))
