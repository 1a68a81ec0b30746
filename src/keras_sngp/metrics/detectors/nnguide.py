"""NNGuide: the energy, guided by the similarity to training rows."""

import dataclasses
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from keras_sngp.metrics import scores
from keras_sngp.metrics.detectors.checked_inputs import (
    Array,
    checked_features,
    checked_logits,
    require_fitted,
    unit_length,
)
from keras_sngp.metrics.detectors.knn import check_neighbors, kept_rows

SIMILARITIES_AT_ONCE = 2**24


@dataclasses.dataclass(eq=False)
class NNGuide:
    r"""The energy times the mean similarity to the nearest training rows, each weighted by its own energy; negated.

    .. math::
        s(h) = -E(z) \, \frac{1}{k} \sum_{i \in N_k(h)} E(z_i) \cos(h, h_i), \qquad E(z) = \log \sum_j e^{z_j}

    `N_k(h)` are the `k` training rows of largest weighted similarity. A row with large logits far from all training
    rows stays unfamiliar.

    Args:
        num_neighbors: `k`, 10 in the paper for ImageNet.
        max_rows: How many training rows are kept; of more, a random subset. The paper keeps 1 % of ImageNet, 12,800.
        seed: Seed of the subset.

    Example:

    >>> features = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> detector = NNGuide(num_neighbors=1).fit(features=features, logits=5 * features)
    >>> detector.score(features=[[1.0, 0.0], [-1.0, 0.0]], logits=[[5.0, 0.0], [5.0, 0.0]]).round(1).tolist()
    [-25.1, -0.0]

    Reference: Park et al. 2023, arXiv:2309.14888, equations 3 to 5.
    """

    name: ClassVar[str] = "nnguide"
    num_neighbors: int = 10
    max_rows: int = 50_000
    seed: int = 0
    bank: Array | None = dataclasses.field(default=None, init=False, repr=False)
    num_classes: int = dataclasses.field(default=0, init=False)

    def fit(
        self,
        *,
        features: npt.ArrayLike | None = None,
        logits: npt.ArrayLike | None = None,
        labels: npt.ArrayLike | None = None,
    ) -> Self:
        """Keeps training features `(rows, width)`, each scaled to the length of its energy.

        Raises:
            ValueError: fewer rows than neighbours, or arrays that are missing, not finite or of a wrong shape.
        """
        rows = checked_features(features)
        z = checked_logits(logits, len(rows))
        kept = kept_rows(len(rows), self.max_rows, self.seed)
        check_neighbors(self.num_neighbors, len(kept))
        self.bank = -scores.energy(z[kept])[:, None] * unit_length(rows[kept])
        self.num_classes = z.shape[1]
        return self

    def score(self, *, features: npt.ArrayLike | None = None, logits: npt.ArrayLike | None = None) -> Array:
        """`(rows,)` of features `(rows, width)` and logits `(rows, classes)`."""
        bank = require_fitted(self.bank, self.name)
        rows = unit_length(checked_features(features, bank.shape[1]))
        z = checked_logits(logits, len(rows), self.num_classes)
        block = max(SIMILARITIES_AT_ONCE // len(bank), 1)
        guidance: Array = np.concatenate(
            [self._guidance(rows[start : start + block], bank) for start in range(0, len(rows), block)]
        )
        return scores.energy(z) * guidance

    def _guidance(self, rows: Array, bank: Array) -> Array:
        nearest = np.partition(rows @ bank.T, len(bank) - self.num_neighbors, axis=1)[:, -self.num_neighbors :]
        mean: Array = nearest.mean(axis=1)
        return mean
