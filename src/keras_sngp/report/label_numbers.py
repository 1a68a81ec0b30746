"""Labels as class numbers, from names or numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

SHOWN = 20


class LabelNumbers:
    """Turns labels into class numbers: by the names of the classes, or as numbers from 0.

    Args:
        class_names: One for each column of probabilities.
        what: What the labels are, for errors.

    Example:

    >>> LabelNumbers(["cat", "dog"], "labels").of(np.array(["dog", "cat"])).tolist()
    [1, 0]
    >>> LabelNumbers(["cat", "dog"], "labels").of(np.array([1.0, 0.0])).tolist()
    [1, 0]
    """

    def __init__(self, class_names: Sequence[str], what: str):
        self._numbers = {name: number for number, name in enumerate(class_names)}
        self._class_names = class_names
        # With classes named 1, 2, 3 a label 1 is the first of them, and never the second by position.
        self._named_by_numbers = all(name.isdigit() for name in class_names)
        self._what = what

    def of(self, labels: np.ndarray, first_row: int = 0) -> np.ndarray:
        """Class numbers `(rows,)`; `first_row` is the number of the first row, for errors."""
        values, inverse = np.unique(labels, return_inverse=True)
        return self.of_distinct(values.tolist(), inverse, first_row)

    def of_distinct(self, values: Sequence[Any], inverse: np.ndarray, first_row: int) -> np.ndarray:
        """Class numbers from distinct values and, for each row, which of them it has."""
        numbers = np.array([self._number(value) for value in values], dtype=np.intp)
        result = numbers[inverse] if len(numbers) else np.zeros(len(inverse), np.intp)
        if (result < 0).any():
            row = int(np.argmax(result < 0))
            value = values[int(inverse[row])]
            shown = "nothing" if value is None or value == "" or value != value else repr(value)
            names = ", ".join(self._class_names[:SHOWN]) + (", ..." if len(self._class_names) > SHOWN else "")
            positions = "" if self._named_by_numbers else f" or numbers from 0 to {len(self._class_names) - 1}"
            raise ValueError(
                f"The {self._what} must be classes ({names}){positions}. Received: {shown} in row {first_row + row}"
            )
        return result

    def _number(self, value: Any) -> int:
        text = str(int(value) if isinstance(value, bool) else value).strip()
        if text in self._numbers:
            return self._numbers[text]
        try:
            number = float(text)
        except ValueError:
            return -1
        if not number.is_integer():
            return -1
        if self._named_by_numbers:
            return self._numbers.get(str(int(number)), -1)
        return int(number) if 0 <= number < len(self._numbers) else -1
