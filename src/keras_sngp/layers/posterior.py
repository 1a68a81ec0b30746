r"""The Gaussian-process posterior over output weights: matrix in, variance out.

Take logits that are linear in random features, `f(x) = phi(x)^T beta`, with prior
`beta ~ Normal(0, I / ridge)`. The Laplace approximation of the posterior of `beta` given N training rows is
Gaussian with covariance

.. math:: \Sigma = (G + \tau I)^{-1}, \qquad G = \sum_{i=1}^N w_i \phi_i \phi_i^T

where `tau` is the ridge and `w_i` the curvature of the log-likelihood in the logit of row i (`likelihood.py`).
The variance of the logit at `x` and the covariance of the logits of several rows `Phi` are

.. math:: v(x) = \phi(x)^T \Sigma \phi(x), \qquad C = \Phi \Sigma \Phi^T .

`G` holds no prior, so the Gram matrices of separate parts of the data add up to that of the whole. The prior
enters once, in `covariance_root`. All work at prediction uses a root `F` of `Sigma = F F^T`, so that
`v(x) = ||phi(x)^T F||^2` takes one matrix product and can be neither negative nor lost to cancellation.

Where one covariance a class is kept, `G` and `F` are `(classes, M, M)` and `v` is `(batch, classes)`.

Reference: Liu et al. 2020, arXiv:2006.10108, equations 8 and 9; Rasmussen and Williams 2006, "Gaussian
Processes for Machine Learning", equations 2.8 (weight-space posterior) and 3.20 (Laplace approximation).
"""

import enum
import itertools
import warnings
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from keras import ops

from keras_sngp._runtime.ops import Tensor

Matrix: TypeAlias = npt.NDArray[np.floating]

FEW_ROWS = 16
TRIANGULAR_BLOCKS = 8
STRIPS, SMALLEST_IN_STRIPS = 4, 512
LARGEST_SOLVED_AT_ONCE = 128


class PosteriorState(enum.IntEnum):
    """Whether a layer's posterior belongs to its present weights."""

    UNFITTED = 0
    FITTED = 1
    STALE = 2


def gram_matrix(features: Tensor, weights: Tensor) -> Tensor:
    """Weighted Gram matrix `G` of a batch, without the prior.

    Args:
        features: `phi`, `(batch, M)`.
        weights: `w`, `(batch,)` for one matrix or `(batch, classes)` for one a class.

    Returns:
        `(M, M)` or `(classes, M, M)`.
    """
    if len(weights.shape) == 1:
        return _symmetric_product(ops.transpose(features * weights[:, None]), features)
    return _symmetric_product(ops.transpose(weights)[:, None, :] * ops.transpose(features), features)


def _symmetric_product(left: Tensor, right: Tensor) -> Tensor:
    """`left @ right`, known to be symmetric: in strips from the diagonal on; what lies left of it is their mirror."""
    size = right.shape[-1]
    if size < SMALLEST_IN_STRIPS:
        return ops.matmul(left, right)
    edges = _edges(size, STRIPS)
    strips = [ops.matmul(left[..., start:end, :], right[:, start:]) for start, end in itertools.pairwise(edges)]
    rows: list[Tensor] = []
    for start, end in itertools.pairwise(edges):
        above = zip(edges, strips[: len(rows)], strict=False)
        mirrored = [ops.swapaxes(strip[..., start - edge : end - edge], -1, -2) for edge, strip in above]
        rows.append(ops.concatenate([*mirrored, strips[len(rows)]], axis=-1))
    return ops.concatenate(rows, axis=-2)


def _edges(size: int, parts: int) -> list[int]:
    return [int(edge) for edge in np.unique(np.linspace(0, size, parts + 1).astype(int))]


def covariance_root(gram: Matrix, ridge: float) -> Matrix:
    """A root `F` of the posterior covariance, `F F^T = (G + ridge I)^-1`, in float64.

    With the Cholesky factor `L L^T = G + ridge I`, the root is `L^-T`. Where rounding has left the matrix
    without a factor, the diagonal is raised step by step, with a warning that says by how much.

    Args:
        gram: `G`, `(M, M)` or `(classes, M, M)`, finite.
        ridge: Prior precision `tau`, above 0.

    Raises:
        ValueError: `gram` holds NaN or infinite values.

    Example:

    >>> root = covariance_root(np.diag([3.0, 0.0]), ridge=1.0)
    >>> np.round(root @ root.T, 3)
    array([[0.25, 0.  ],
           [0.  , 1.  ]])
    """
    gram = np.asarray(gram, dtype="float64")
    if not np.isfinite(gram).all():
        raise ValueError(
            "The posterior needs finite features and logits. Received NaN or infinite values: check the "
            "inputs for NaN, and that training has not diverged."
        )
    if gram.ndim == 3:
        return np.stack([covariance_root(one, ridge) for one in gram])
    identity = np.eye(len(gram))
    diagonal = np.mean(np.diagonal(gram)) + ridge
    for jitter in (0.0, *(diagonal * 10.0 ** np.arange(-10, 1))):
        try:
            factor = np.linalg.cholesky(gram + (ridge + jitter) * identity)
        except np.linalg.LinAlgError:
            continue
        if jitter:
            warnings.warn(
                f"The posterior precision was not positive definite with ridge {ridge:g}; {jitter:.2g} was "
                "added to its diagonal. A larger ridge avoids this.",
                stacklevel=2,
            )
        return _inverse_of_lower_triangular(factor).T
    raise ValueError(
        "The Gram matrix is not positive semi-definite, so it is not a sum of w * phi phi^T with w >= 0. "
        f"Its smallest eigenvalue is {np.linalg.eigvalsh(gram)[0]:.3g}."
    )


def _inverse_of_lower_triangular(factor: Matrix) -> Matrix:
    """By halves, so that nearly all work is products of matrices."""
    size = len(factor)
    if size <= LARGEST_SOLVED_AT_ONCE:
        return np.tril(np.linalg.solve(factor, np.eye(size)))
    half = size // 2
    inverse = np.zeros_like(factor)
    inverse[:half, :half] = _inverse_of_lower_triangular(factor[:half, :half])
    inverse[half:, half:] = _inverse_of_lower_triangular(factor[half:, half:])
    inverse[half:, :half] = -inverse[half:, half:] @ (factor[half:, :half] @ inverse[:half, :half])
    return inverse


def held_out_variance_ratio(gram: Matrix, root: Matrix, ridge: float, rows: float) -> float:
    r"""How little training rows say about each other: 0 for much, 1 for nothing.

    The mean variance `v` of the training rows, each taken as if it had been left out, `v / (1 - v)`, over the
    prior's. Near 1, the kernel is so narrow that every input looks new, even the ones trained on.

    Args:
        gram: `G`, `(M, M)`, of a Gaussian likelihood (weights 1).
        root: `F`, `(M, M)`.
        ridge: Prior precision `tau`.
        rows: Number of rows in `G`.

    Reference: Rasmussen and Williams 2006, equation 5.12 (leave-one-out variance).
    """
    variance_mean = np.sum(root * (gram @ root)) / rows
    prior_variance = np.trace(gram) / (rows * ridge)
    return float(variance_mean / (1 - variance_mean) / prior_variance)


def variance(features: Tensor, root: Tensor) -> Tensor:
    """Posterior variance of each row's logit, `||phi F||^2`.

    Args:
        features: `phi`, `(batch, M)`.
        root: `F`, `(M, M)` or `(classes, M, M)`; upper triangular, of which one for all classes takes advantage.

    Returns:
        `(batch,)` or `(batch, classes)`, at least 0, in squared logits.
    """
    if len(root.shape) == 2:
        few = isinstance(features.shape[0], int) and features.shape[0] <= FEW_ROWS
        return (_squared_norm if few else _squared_norm_by_triangular_root)(features, root)
    # One product of two matrices, which every runtime of exported models can do, unlike one with a stack.
    classes, rows, columns = root.shape
    side_by_side = ops.reshape(ops.transpose(root, (1, 0, 2)), (rows, classes * columns))
    projected = ops.reshape(ops.matmul(features, side_by_side), (-1, classes, columns))
    return ops.sum(ops.square(projected), axis=-1)


def covariance(features: Tensor, root: Tensor) -> Tensor:
    """Posterior covariance between the rows' logits, `(phi F)(phi F)^T`.

    Memory grows with the square of the batch; `variance` gives its diagonal alone.

    Returns:
        `(batch, batch)` or `(classes, batch, batch)`, positive semi-definite.
    """
    projected = ops.matmul(features, root)
    return ops.matmul(projected, ops.swapaxes(projected, -1, -2))


def _squared_norm(features: Tensor, root: Tensor) -> Tensor:
    return ops.sum(ops.square(ops.matmul(features, root)), axis=-1)


def _squared_norm_by_triangular_root(features: Tensor, root: Tensor) -> Tensor:
    """Columns block by block, without the zeros below each; for few rows copying the blocks takes longer."""
    edges = itertools.pairwise(_edges(root.shape[1], TRIANGULAR_BLOCKS))
    return sum(_squared_norm(_first_columns(features, end), root[:end, start:end]) for start, end in edges)


def _first_columns(features: Tensor, number: int) -> Tensor:
    """By `split`, since LiteRT lacks what JAX makes of an index into a batch of any number of rows."""
    return features if number == features.shape[1] else ops.split(features, [number], axis=1)[0]
