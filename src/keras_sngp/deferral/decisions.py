"""What a policy decides about each row."""

import dataclasses

import numpy as np
import numpy.typing as npt

from keras_sngp.deferral.drift import drift_message

AMBIGUOUS = "ambiguous"
UNFAMILIAR = "unfamiliar"


@dataclasses.dataclass(frozen=True)
class Decisions:
    """Answer or defer, and why.

    Attributes:
        answers: The machine's answer to each row, also to those deferred, class numbers `(rows,)`.
        defer: Whether the row goes to the expert, `(rows,)`.
        reasons: Why, `(rows,)`: `"ambiguous"`, between classes; `"unfamiliar"`, its variance says that it is far from
            the training data; empty where the row is answered.
        uncertainty: What was compared with the threshold, `(rows,)`.
        expected_rate: Range in which the share of deferred rows should lie if the data is like the held-out data.
    """

    answers: npt.NDArray[np.integer]
    defer: npt.NDArray[np.bool_]
    reasons: npt.NDArray[np.str_]
    uncertainty: npt.NDArray[np.floating]
    expected_rate: tuple[float, float]

    def __len__(self) -> int:
        return len(self.answers)

    @property
    def deferral_rate(self) -> float:
        """Share of rows deferred."""
        return float(self.defer.mean())

    @property
    def has_drifted(self) -> bool:
        """Whether the share of deferred rows is outside its expected range."""
        return self.drift_message is not None

    @property
    def drift_message(self) -> str | None:
        """What has drifted, in a sentence; None if nothing has."""
        return drift_message(self.deferral_rate, len(self), self.expected_rate)
