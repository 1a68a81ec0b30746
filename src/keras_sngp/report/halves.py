"""One half of the rows to learn from, the other to judge by."""

import dataclasses

import numpy as np

from keras_sngp.report.prediction_table import PredictionTable

SEED = 0


@dataclasses.dataclass(frozen=True)
class Halves:
    """Rows that something is learned on, and rows it is judged on; drawn at random, the same for each model.

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
