"""An array that rows are added to, without ever being held twice."""

import numpy as np


class GrowingArray:
    """Collects blocks of rows.

    Args:
        rows: Rows to make room for; more are made when they are used up.

    Example:

    >>> array = GrowingArray(rows=1)
    >>> array.add(np.ones((2, 3)))
    >>> array.add(np.zeros((1, 3)))
    >>> array.finished().shape
    (3, 3)
    """

    def __init__(self, rows: int = 0):
        self._room = max(rows, 1)
        self._used = 0
        self._array: np.ndarray | None = None

    def add(self, block: np.ndarray) -> None:
        """Appends the rows of a block."""
        if self._array is None:
            self._array = np.empty((max(self._room, len(block)), *block.shape[1:]), block.dtype)
        needed = self._used + len(block)
        if needed > len(self._array):
            # In place: the allocator moves large arrays by their pages, without a second copy.
            self._array.resize((max(needed, len(self._array) * 3 // 2), *block.shape[1:]), refcheck=False)
        self._array[self._used : needed] = block
        self._used = needed

    def finished(self) -> np.ndarray:
        """All rows."""
        if self._array is None:
            return np.empty(0)
        self._array.resize((self._used, *self._array.shape[1:]), refcheck=False)
        return self._array
