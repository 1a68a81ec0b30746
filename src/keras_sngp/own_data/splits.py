"""Training, validation and held-out rows."""

import dataclasses

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split

FEWEST_ROWS = 20

Rows = npt.NDArray[np.intp]


@dataclasses.dataclass(frozen=True)
class Split:
    """Numbers of rows.

    Attributes:
        training: To learn from.
        validation: To stop in time, and to calibrate by.
        held_out: To be evaluated on, and to learn the decision to defer by.
    """

    training: Rows
    validation: Rows
    held_out: Rows

    @classmethod
    def of(cls, labels: npt.NDArray[np.intp], share: float, seed: int) -> "Split":
        """Splits at random, with like shares of each class; `share` each for validation and held-out rows.

        Raises:
            ValueError: fewer than 20 rows.
        """
        if len(labels) < FEWEST_ROWS:
            raise ValueError(f"Expected at least {FEWEST_ROWS} rows with a label. Received: {len(labels)}")
        size = max(round(share * len(labels)), 2)
        rest, held_out = _two_parts(np.arange(len(labels)), labels, size, seed)
        training, validation = _two_parts(rest, labels, size, seed)
        return cls(training, validation, held_out)


def _two_parts(rows: Rows, labels: npt.NDArray[np.intp], size: int, seed: int) -> tuple[Rows, Rows]:
    counts = np.bincount(labels[rows])
    classes = np.count_nonzero(counts)
    even = counts[counts > 0].min() >= 2 and classes <= min(size, len(rows) - size)
    first, second = train_test_split(rows, test_size=size, random_state=seed, stratify=labels[rows] if even else None)
    return np.sort(first), np.sort(second)
