"""What every kind of input gives of the rows of a table."""

import dataclasses

import numpy as np
import numpy.typing as npt


@dataclasses.dataclass(frozen=True)
class EncodedRows:
    """Rows as a network takes them, and what is odd about them.

    Attributes:
        values: All finite, `(rows, ...)`.
        reasons: What in each row is unlike the training data, in words; empty where nothing is.
        bad: The rows with something that cannot be read, `(rows,)`.
    """

    values: npt.NDArray[np.float32]
    reasons: list[str]
    bad: npt.NDArray[np.bool_]
