"""What a file of predictions holds, and how its columns may be named."""

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from keras_sngp.deferral import Expert

SEED = 0


@dataclasses.dataclass(frozen=True)
class PredictionTable:
    """Predictions of one model.

    Attributes:
        name: Name of the model: the file's, without its ending.
        class_names: One for each column of probabilities.
        probabilities: `(rows, classes)`.
        labels: Class numbers `(rows,)`; None for out-of-domain rows.
        variance: Posterior variance `(rows,)`, or None.
        uncertainty: Any other uncertainty, `(rows,)`, or None.
        expert: Recorded answers of an expert, or None.
    """

    name: str
    class_names: list[str]
    probabilities: npt.NDArray[np.floating]
    labels: npt.NDArray[np.integer] | None = None
    variance: npt.NDArray[np.floating] | None = None
    uncertainty: npt.NDArray[np.floating] | None = None
    expert: Expert | None = None

    def __len__(self) -> int:
        return len(self.probabilities)

    @property
    def extras(self) -> dict[str, Any]:
        """The arrays besides probabilities that scores may need, as keyword arguments."""
        return {"variance": self.variance, "uncertainty": self.uncertainty}

    @property
    def known_labels(self) -> npt.NDArray[np.integer]:
        """The labels of a table that must have them."""
        if self.labels is None:
            raise ValueError(f"Expected labels in {self.name}. Received: none")
        return self.labels

    @property
    def mistakes(self) -> npt.NDArray[np.bool_]:
        """Whether the most probable class is wrong, `(rows,)`."""
        mistakes: npt.NDArray[np.bool_] = self.probabilities.argmax(axis=1) != self.known_labels
        return mistakes

    def of_rows(self, rows: npt.NDArray[np.integer]) -> "PredictionTable":
        """The same for some rows, by number."""
        return dataclasses.replace(
            self,
            probabilities=self.probabilities[rows],
            labels=None if self.labels is None else self.labels[rows],
            variance=None if self.variance is None else self.variance[rows],
            uncertainty=None if self.uncertainty is None else self.uncertainty[rows],
            expert=None if self.expert is None else self.expert.of_rows(rows),
        )


@dataclasses.dataclass(frozen=True)
class Halves:
    """Rows that something is learned on, and rows it is evaluated on; drawn at random, the same for each model.

    Attributes:
        selection: The one half.
        evaluation: The other, larger by one if the rows are odd.
    """

    selection: PredictionTable
    evaluation: PredictionTable

    @classmethod
    def of(cls, table: PredictionTable) -> "Halves":
        if len(table) < 2:
            raise ValueError(f"Expected at least two rows, to learn on one half. Received: {len(table)}")
        order = np.random.default_rng(SEED).permutation(len(table))
        middle = len(table) // 2
        return cls(table.of_rows(np.sort(order[:middle])), table.of_rows(np.sort(order[middle:])))
