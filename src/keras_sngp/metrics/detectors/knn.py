"""KNN: the distance to the k-th nearest training row, on features of unit length."""

import dataclasses
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from keras_sngp.metrics.detectors.checked_inputs import Array, checked_features, require_fitted, unit_length


@dataclasses.dataclass(eq=False)
class KNN:
    r"""The Euclidean distance to the k-th nearest training row, both scaled to unit length; 0 to 2.

    .. math:: s(h) = \Big\| \frac{h}{\|h\|} - \frac{h_{(k)}}{\|h_{(k)}\|} \Big\|

    No assumption about the features' distribution, and no labels; it keeps the training rows.

    Args:
        num_neighbors: `k`. The paper takes 50 for 50,000 rows of CIFAR-10, 200 for CIFAR-100 and 1000 for ImageNet;
            with few rows a class, take fewer.
        max_rows: How many training rows are kept; of more, a random subset. Fewer rows are quicker and further apart,
            so that `k` reaches further.
        seed: Seed of the subset.

    Example:

    >>> bank = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]])
    >>> KNN(num_neighbors=2).fit(features=bank).score(features=[[5.0, 0.0], [0.0, 3.0]]).round(3).tolist()
    [0.0, 1.414]

    Reference: Sun et al. 2022, arXiv:2204.06507, algorithm 1.
    """

    name: ClassVar[str] = "knn"
    num_neighbors: int = 50
    max_rows: int = 50_000
    seed: int = 0
    bank: Array | None = dataclasses.field(default=None, init=False, repr=False)
    _search: Any = dataclasses.field(default=None, init=False, repr=False)

    def fit(
        self,
        *,
        features: npt.ArrayLike | None = None,
        logits: npt.ArrayLike | None = None,
        labels: npt.ArrayLike | None = None,
    ) -> Self:
        """Keeps training features `(rows, width)`, scaled to unit length.

        Raises:
            ValueError: fewer rows than neighbours, or features that are missing, not finite or of a wrong shape.
        """
        rows = unit_length(checked_features(features))
        kept = kept_rows(len(rows), self.max_rows, self.seed)
        check_neighbors(self.num_neighbors, len(kept))
        self.bank, self._search = rows[kept], None
        return self

    def score(self, *, features: npt.ArrayLike | None = None, logits: npt.ArrayLike | None = None) -> Array:
        """The distances `(rows,)` of features `(rows, width)`."""
        bank = require_fitted(self.bank, self.name)
        queries = unit_length(checked_features(features, bank.shape[1]))
        if self._search is None:
            # Imported here, since it would make up a third of the time of `import keras_sngp`.
            from sklearn.neighbors import NearestNeighbors

            self._search = NearestNeighbors(n_neighbors=self.num_neighbors, algorithm="brute").fit(bank)
        distances: Array = self._search.kneighbors(queries)[0][:, -1]
        return distances


def kept_rows(rows: int, max_rows: int, seed: int) -> npt.NDArray[np.intp]:
    """Numbers of the rows to keep, in order: all, or a random subset of `max_rows`.

    Raises:
        ValueError: `max_rows` is no integer of at least 1.
    """
    if not isinstance(max_rows, int) or max_rows < 1:
        raise ValueError(f"`max_rows` must be an integer of at least 1. Received: {max_rows!r}")
    if rows <= max_rows:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, max_rows, replace=False))


def check_neighbors(num_neighbors: int, rows: int) -> None:
    """Raises a ValueError if there are not as many rows as neighbours."""
    if not isinstance(num_neighbors, int) or not 1 <= num_neighbors <= rows:
        raise ValueError(
            f"`num_neighbors` must be an integer from 1 to the number of training rows kept, {rows}. "
            f"Received: {num_neighbors!r}"
        )
