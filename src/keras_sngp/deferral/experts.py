"""Whoever is asked: what they would answer, as far as is known."""

import dataclasses
from typing import Self

import numpy as np
import numpy.typing as npt

from keras_sngp.metrics.array_checks import check_share, checked_labels

Array = npt.NDArray[np.floating]


@dataclasses.dataclass(frozen=True)
class Expert:
    """An expert whose answers are known by accuracy, by confusion matrix or from records.

    Make one with `from_accuracy`, `from_confusion_matrix`, `from_votes` or `from_answers`.

    Attributes:
        confusion: Probability of each answer for each true class, `(classes, classes)`; None with records.
        votes: Share of each answer for each row, `(rows, classes)`; None without records.

    Example:

    >>> expert = Expert.from_votes([[9, 1], [5, 5]])
    >>> expert.accuracy([0, 1])
    0.7
    """

    confusion: Array | None = None
    votes: Array | None = None

    @classmethod
    def from_accuracy(cls, accuracy: float, num_classes: int) -> Self:
        """An expert as good at every class, whose mistakes fall on the other classes alike."""
        check_share(accuracy, "accuracy")
        if num_classes < 2:
            raise ValueError(f"`num_classes` must be at least 2. Received: {num_classes}")
        others = (1 - accuracy) / (num_classes - 1)
        return cls(confusion=np.full((num_classes, num_classes), others) + (accuracy - others) * np.eye(num_classes))

    @classmethod
    def from_confusion_matrix(cls, matrix: npt.ArrayLike) -> Self:
        """An expert by counts or probabilities `(classes, classes)`, true classes in rows and answers in columns."""
        matrix = _shares(matrix, "matrix", "true class")
        if matrix.shape[0] != matrix.shape[1]:
            raise ValueError(f"`matrix` must have the shape (classes, classes). Received: shape {matrix.shape}")
        return cls(confusion=matrix)

    @classmethod
    def from_votes(cls, counts: npt.ArrayLike) -> Self:
        """An expert drawn at random from those whose votes were counted for each row, `(rows, classes)`."""
        return cls(votes=_shares(counts, "counts", "row"))

    @classmethod
    def from_answers(cls, answers: npt.ArrayLike, num_classes: int) -> Self:
        """An expert whose answer to each row was recorded, class numbers `(rows,)`."""
        answers = checked_labels(answers, np.size(answers), num_classes, "answers")
        return cls(votes=np.eye(num_classes)[answers])

    @property
    def num_classes(self) -> int:
        """Number of classes the expert chooses from."""
        known = self.confusion if self.votes is None else self.votes
        assert known is not None
        return int(known.shape[1])

    def of_rows(self, rows: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> "Expert":
        """The same expert for some of the rows, given by numbers or a mask."""
        return self if self.votes is None else Expert(votes=self.votes[rows])

    def answer_probabilities(self, labels: npt.ArrayLike) -> Array:
        """Probability of each answer, `(rows, classes)`, to rows with these true classes `(rows,)`."""
        rows = np.size(labels) if self.votes is None else len(self.votes)
        labels = checked_labels(labels, rows, self.num_classes)
        if self.votes is not None:
            return self.votes
        assert self.confusion is not None
        return self.confusion[labels]

    def correct_probability(self, labels: npt.ArrayLike) -> Array:
        """Probability that the answer is right, `(rows,)`."""
        numbers = np.asarray(labels, dtype=int)
        right: Array = self.answer_probabilities(labels)[np.arange(numbers.size), numbers]
        return right

    def accuracy(self, labels: npt.ArrayLike) -> float:
        """Expected share of right answers."""
        return float(self.correct_probability(labels).mean())

    def draw_answers(self, labels: npt.ArrayLike, seed: int = 0) -> npt.NDArray[np.integer]:
        """One answer to each row, class numbers `(rows,)`, drawn at random."""
        cumulative = self.answer_probabilities(labels).cumsum(axis=1)
        draws = np.random.default_rng(seed).random((len(cumulative), 1))
        answers: npt.NDArray[np.integer] = (draws >= cumulative[:, :-1]).sum(axis=1)
        return answers

    def confusion_matrix(self, labels: npt.ArrayLike) -> Array:
        """Probability of each answer for each true class, `(classes, classes)`.

        Raises:
            ValueError: records that hold no row of some class.
        """
        if self.confusion is not None:
            return self.confusion
        shares = self.answer_probabilities(labels)
        members = np.eye(self.num_classes)[np.asarray(labels, dtype=int)]
        rows = members.sum(axis=0)
        if (rows == 0).any():
            missing = ", ".join(map(str, np.flatnonzero(rows == 0)))
            raise ValueError(f"The expert's records need rows of every class. Received: none of class {missing}")
        matrix: Array = members.T @ shares / rows[:, None]
        return matrix


def _shares(counts: npt.ArrayLike, name: str, row: str) -> Array:
    array: Array = np.asarray(counts, dtype="float64")
    if array.ndim != 2 or array.shape[0] == 0 or array.shape[1] < 2:
        raise ValueError(f"`{name}` must have two axes and at least two columns. Received: shape {array.shape}")
    if not np.isfinite(array).all() or (array < 0).any():
        raise ValueError(f"`{name}` must hold finite numbers of at least 0. Received: NaN, infinite or negative values")
    totals: Array = array.sum(axis=1, keepdims=True)
    if (totals == 0).any():
        raise ValueError(f"`{name}` must hold an answer for every {row}. Received: none in row {int(totals.argmin())}")
    return array / totals
