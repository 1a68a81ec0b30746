"""ViM: a virtual logit from what the features have outside their principal space."""

import dataclasses
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from keras_sngp.metrics import scores
from keras_sngp.metrics.detectors.checked_inputs import Array, checked_features, require_fitted
from keras_sngp.metrics.detectors.linear_head import fitted_head, require_head


@dataclasses.dataclass(eq=False)
class ViM:
    r"""A virtual logit, the size of the features outside their principal space, less the energy of the real logits.

    .. math:: s(h) = \alpha \, \| R^T (h - o) \| - \log \sum_k e^{z_k}, \qquad o = -(W^T)^+ b

    `R` are the directions of least variance about the origin `o`, and `alpha` makes the virtual logit as large as the
    largest real one on average.

    Args:
        num_components: Dimensions of the principal space, fewer than the width. By default as in the paper: 1000 from a
            width of 2048 on, 512 from 768 on, else half the width.
        kernel: The head's kernel `(width, classes)`; by default recovered from features and logits: see `fitted_head`.
        bias: The head's bias `(classes,)`.

    Example:

    >>> features = np.random.default_rng(0).normal(size=(50, 4)) * [3, 3, 1, 0.1]
    >>> detector = ViM().fit(features=features, logits=features[:, :3])
    >>> near, far = detector.score(features=[[3.0, 0, 0, 0], [3.0, 0, 0, 9]])
    >>> bool(far > near)
    True

    Reference: Wang et al. 2022, arXiv:2203.10807, equations 5 to 7.
    """

    name: ClassVar[str] = "vim"
    num_components: int | None = None
    kernel: npt.ArrayLike | None = None
    bias: npt.ArrayLike | None = None
    head_kernel: Array | None = dataclasses.field(default=None, init=False, repr=False)
    head_bias: Array | None = dataclasses.field(default=None, init=False, repr=False)
    origin: Array | None = dataclasses.field(default=None, init=False, repr=False)
    residual_space: Array | None = dataclasses.field(default=None, init=False, repr=False)
    alpha: float = dataclasses.field(default=0.0, init=False)

    def fit(
        self,
        *,
        features: npt.ArrayLike | None = None,
        logits: npt.ArrayLike | None = None,
        labels: npt.ArrayLike | None = None,
    ) -> Self:
        """Fits the principal space and `alpha` to training features `(rows, width)` and logits `(rows, classes)`.

        Raises:
            ValueError: features, logits or a head that are missing, of a wrong shape or not finite; a principal space
                as wide as the features, or features with nothing outside it.
        """
        rows = checked_features(features)
        head = fitted_head(rows, logits, self.kernel, self.bias)
        self.head_kernel, self.head_bias = head
        self.origin = -np.linalg.pinv(head.kernel.T) @ head.bias
        centred = rows - self.origin
        _, directions = np.linalg.eigh(centred.T @ centred / len(rows))
        self.residual_space = directions[:, : rows.shape[1] - self._components(rows.shape[1])]
        residuals = np.linalg.norm(centred @ self.residual_space, axis=1).mean()
        if residuals < 1e-9 * np.linalg.norm(centred, axis=1).mean():
            raise ValueError(
                f"`features` must have something outside a principal space of {self._components(rows.shape[1])} "
                f"dimensions; take fewer `num_components`. Received: a mean residual of {residuals:.3g}"
            )
        self.alpha = float(head.logits_or(logits, rows).max(axis=1).mean() / residuals)
        return self

    def score(self, *, features: npt.ArrayLike | None = None, logits: npt.ArrayLike | None = None) -> Array:
        """`(rows,)` of features `(rows, width)`, and of their logits, by default those of the head."""
        head = require_head(self.head_kernel, self.head_bias, self.name)
        rows = checked_features(features, len(head.kernel))
        origin = require_fitted(self.origin, self.name)
        residual = (rows - origin) @ require_fitted(self.residual_space, self.name)
        virtual: Array = self.alpha * np.linalg.norm(residual, axis=1)
        return virtual + scores.energy(head.logits_or(logits, rows))

    def _components(self, width: int) -> int:
        chosen = self.num_components
        if chosen is None:
            chosen = 1000 if width >= 2048 else 512 if width >= 768 else width // 2
        if not isinstance(chosen, int) or not 0 <= chosen < width:
            raise ValueError(
                f"`num_components` must be an integer from 0 to less than the width, {width}. Received: {chosen!r}"
            )
        return chosen
