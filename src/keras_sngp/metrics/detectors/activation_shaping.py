"""SCALE, ASH-S and ReAct: the energy of the head on features that were changed first."""

import abc
import dataclasses
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from keras_sngp.metrics import scores
from keras_sngp.metrics.array_checks import check_share
from keras_sngp.metrics.detectors.checked_inputs import Array, checked_features
from keras_sngp.metrics.detectors.linear_head import fitted_head, require_head


@dataclasses.dataclass(eq=False)
class _ShapedEnergy(abc.ABC):
    kernel: npt.ArrayLike | None = None
    bias: npt.ArrayLike | None = None
    percentile: float = 0.9
    head_kernel: Array | None = dataclasses.field(default=None, init=False, repr=False)
    head_bias: Array | None = dataclasses.field(default=None, init=False, repr=False)
    name: ClassVar[str]

    def __post_init__(self) -> None:
        check_share(self.percentile, "percentile")

    def fit(
        self,
        *,
        features: npt.ArrayLike | None = None,
        logits: npt.ArrayLike | None = None,
        labels: npt.ArrayLike | None = None,
    ) -> Self:
        """Takes the head, recovered from training features and logits where no kernel was given, and what shapes them.

        Raises:
            ValueError: features, logits or a head that are missing, of a wrong shape or not finite.
        """
        rows = checked_features(features)
        self.head_kernel, self.head_bias = fitted_head(rows, logits, self.kernel, self.bias)
        self._learn(rows)
        return self

    def score(self, *, features: npt.ArrayLike | None = None, logits: npt.ArrayLike | None = None) -> Array:
        """`(rows,)` of features `(rows, width)`."""
        head = require_head(self.head_kernel, self.head_bias, self.name)
        rows = checked_features(features, len(head.kernel))
        return scores.energy(head.logits(self._shaped(rows)))

    def _learn(self, features: Array) -> None:  # noqa: B027 - most shapings learn nothing from training features.
        """Learns from training features `(rows, width)` how to change others."""

    @abc.abstractmethod
    def _shaped(self, features: Array) -> Array:
        """The features as they are changed, `(rows, width)`."""


@dataclasses.dataclass(eq=False)
class SCALE(_ShapedEnergy):
    r"""The energy of the head on features scaled by how much of them is outside their largest entries.

    .. math:: s(h) = -\log \sum_k \exp z_k(e^r h), \qquad r = \frac{\sum_j h_j^+}{\sum_{j \in \text{top}} h_j^+}

    `top` are the largest entries. The paper's features are at least 0, after a ReLU; of others the sums take the
    positive parts, which keeps `r` from 1 to the number of entries per top entry.

    Args:
        kernel: The head's kernel `(width, classes)`; by default recovered from features and logits: see `fitted_head`.
        bias: The head's bias `(classes,)`.
        percentile: Share of the entries that are not among the largest, 0.85 in the paper.

    Example:

    >>> SCALE(kernel=np.eye(2), percentile=0.5).fit(features=np.eye(2)).score(features=[[1.0, 0.0]]).round(3).tolist()
    [-2.782]

    Reference: Xu et al. 2024, arXiv:2310.00227, equations 4 and 5.
    """

    name: ClassVar[str] = "scale"
    percentile: float = 0.85

    def _shaped(self, features: Array) -> Array:
        top = _top_places(features, self.percentile)
        return features * np.exp(_ratio(features, top))[:, None]


@dataclasses.dataclass(eq=False)
class ASH(_ShapedEnergy):
    r"""The energy of the head on features of which only the largest entries are kept, and scaled up (ASH-S).

    .. math::
        s(h) = -\log \sum_k \exp z_k(e^r h^{\text{top}}), \qquad
        r = \frac{\sum_j h_j^+}{\sum_{j \in \text{top}} h_j^+}

    The other entries of `h^top` are 0. For features below 0 see `SCALE`.

    Args:
        kernel: The head's kernel `(width, classes)`; by default recovered from features and logits: see `fitted_head`.
        bias: The head's bias `(classes,)`.
        percentile: Share of the entries set to 0, 0.9 in the paper for ImageNet.

    Example:

    >>> ASH(kernel=np.eye(2), percentile=0.5).fit(features=np.eye(2)).score(features=[[1.0, 0.5]]).round(3).tolist()
    [-4.493]

    Reference: Djurisic et al. 2023, arXiv:2209.09858, algorithm 3.
    """

    name: ClassVar[str] = "ash"

    def _shaped(self, features: Array) -> Array:
        top = _top_places(features, self.percentile)
        kept = np.zeros_like(features)
        np.put_along_axis(kept, top, np.take_along_axis(features, top, axis=1), axis=1)
        return kept * np.exp(_ratio(features, top))[:, None]


@dataclasses.dataclass(eq=False)
class ReAct(_ShapedEnergy):
    r"""The energy of the head on features cut off at a percentile of the training features.

    .. math:: s(h) = -\log \sum_k \exp z_k(\min(h, c))

    Inputs out of domain often have a few very large activations, which make the network overconfident.

    Args:
        kernel: The head's kernel `(width, classes)`; by default recovered from features and logits: see `fitted_head`.
        bias: The head's bias `(classes,)`.
        percentile: Share of all entries of the training features that are at most `c`, 0.9 in the paper.

    Example:

    >>> detector = ReAct(kernel=np.eye(2), percentile=1.0).fit(features=np.eye(2))
    >>> detector.score(features=[[9.0, 1.0]]).round(3).tolist()
    [-1.693]

    Reference: Sun et al. 2021, arXiv:2111.12797, equations 5 and 6.
    """

    name: ClassVar[str] = "react"
    threshold: float = dataclasses.field(default=0.0, init=False)

    def _learn(self, features: Array) -> None:
        self.threshold = float(np.quantile(features, self.percentile))

    def _shaped(self, features: Array) -> Array:
        return np.minimum(features, self.threshold)


def _top_places(features: Array, percentile: float) -> npt.NDArray[np.intp]:
    """Places of the largest entries of each row; at least one."""
    width = features.shape[1]
    count = max(width - round(width * percentile), 1)
    return np.argpartition(features, width - count, axis=1)[:, width - count :]


def _ratio(features: Array, top: npt.NDArray[np.intp]) -> Array:
    """Sum of the positive parts over that of the largest entries, 1 where no entry is above 0."""
    positive = np.maximum(features, 0)
    of_top = np.take_along_axis(positive, top, axis=1).sum(axis=1)
    ratio: Array = np.where(of_top > 0, positive.sum(axis=1) / np.where(of_top > 0, of_top, 1), 1.0)
    return ratio
