"""Detectors that see the logits alone. Nothing is fitted: `fit` checks what it is given."""

import abc
import dataclasses
from typing import ClassVar, Self

import numpy.typing as npt

from keras_sngp.metrics import scores
from keras_sngp.metrics.detectors.checked_inputs import Array, checked_logits
from keras_sngp.metrics.probabilities import softmax


@dataclasses.dataclass(eq=False)
class _OfLogits(abc.ABC):
    def fit(
        self,
        *,
        features: npt.ArrayLike | None = None,
        logits: npt.ArrayLike | None = None,
        labels: npt.ArrayLike | None = None,
    ) -> Self:
        """Needs no training rows; checks the logits where they are given."""
        if logits is not None:
            checked_logits(logits)
        return self

    def score(self, *, features: npt.ArrayLike | None = None, logits: npt.ArrayLike | None = None) -> Array:
        """`(rows,)` of logits `(rows, classes)`."""
        return self._of(checked_logits(logits))

    @abc.abstractmethod
    def _of(self, logits: Array) -> Array:
        """`(rows,)` of checked logits `(rows, classes)`."""


@dataclasses.dataclass(eq=False)
class MaxSoftmaxProbability(_OfLogits):
    """One less the largest softmax probability (MSP), 0 to 1 - 1/classes.

    Example:

    >>> MaxSoftmaxProbability().score(logits=[[0.0, 0.0], [9.0, 0.0]]).round(4).tolist()
    [0.5, 0.0001]

    Reference: Hendrycks and Gimpel 2017, arXiv:1610.02136.
    """

    name: ClassVar[str] = "max_probability"

    def _of(self, logits: Array) -> Array:
        return 1 - scores.max_probability(softmax(logits))


@dataclasses.dataclass(eq=False)
class Entropy(_OfLogits):
    """The entropy of the softmax, in nats, 0 to log(classes); see `scores.entropy`.

    Example:

    >>> Entropy().score(logits=[[0.0, 0.0]]).round(3).tolist()
    [0.693]
    """

    name: ClassVar[str] = "entropy"

    def _of(self, logits: Array) -> Array:
        return scores.entropy(softmax(logits))


@dataclasses.dataclass(eq=False)
class MaxLogit(_OfLogits):
    """The largest logit, negated; see `scores.max_logit`.

    Example:

    >>> MaxLogit().score(logits=[[2.0, 1.0]]).tolist()
    [-2.0]

    Reference: Hendrycks et al. 2022, arXiv:1911.11132.
    """

    name: ClassVar[str] = "max_logit"

    def _of(self, logits: Array) -> Array:
        return scores.max_logit(logits)


@dataclasses.dataclass(eq=False)
class Energy(_OfLogits):
    """`-log sum_k exp(logit_k)`; see `scores.energy`.

    Example:

    >>> Energy().score(logits=[[0.0, 0.0]]).round(3).tolist()
    [-0.693]

    Reference: Liu et al. 2020, arXiv:2010.03759.
    """

    name: ClassVar[str] = "energy"

    def _of(self, logits: Array) -> Array:
        return scores.energy(logits)


@dataclasses.dataclass(eq=False)
class GEN(_OfLogits):
    """Generalised entropy of the most probable classes; see `scores.gen`.

    Args:
        gamma: Exponent, above 0.
        num_classes: How many of the most probable classes count.

    Example:

    >>> GEN().score(logits=[[0.0, 0.0]]).round(2).tolist()
    [1.74]

    Reference: Liu, Lochman and Zach 2023, CVPR.
    """

    name: ClassVar[str] = "gen"
    gamma: float = 0.1
    num_classes: int = 100

    def _of(self, logits: Array) -> Array:
        return scores.gen(logits, self.gamma, self.num_classes)


@dataclasses.dataclass(eq=False)
class DempsterShafer(_OfLogits):
    """`K / (K + sum_k exp(logit_k))`, 0 to 1, for K classes; see `scores.dempster_shafer`.

    Example:

    >>> DempsterShafer().score(logits=[[0.0, 0.0]]).tolist()
    [0.5]

    Reference: Sensoy et al. 2018, arXiv:1806.01768.
    """

    name: ClassVar[str] = "dempster_shafer"

    def _of(self, logits: Array) -> Array:
        return scores.dempster_shafer(logits)
