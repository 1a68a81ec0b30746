"""Last-layer Laplace: a Gaussian posterior of the final dense layer's weights, after training as usual."""

import math
from typing import Any, Self

import keras
import numpy as np
import numpy.typing as npt

from keras_sngp._runtime.input_checks import check_labels
from keras_sngp.metrics.probabilities import softmax
from keras_sngp.metrics.proper_scores import negative_log_likelihood
from keras_sngp.models.features import features_of
from keras_sngp.models.prediction import Prediction

STRUCTURES = ("kronecker", "full")
PRIOR_PRECISIONS = np.logspace(-4, 4, 33)
ROWS_PER_BLOCK = 1024

Array = npt.NDArray[np.floating]


class LastLayerLaplace:
    r"""A Laplace approximation of the last dense layer of a trained classifier, weights and bias.

    With features `h`, extended by a 1 for the bias, and softmax probabilities `p` of the training rows:

    .. math::
        H = \sum_i (\mathrm{diag}(p_i) - p_i p_i^T) \otimes h_i h_i^T, \qquad
        v_k(x) = [(I \otimes h)^T (H + \tau I)^{-1} (I \otimes h)]_{kk}, \qquad
        p(y | x) = \mathrm{softmax}\left(\frac{z_k}{\sqrt{1 + \pi v_k / 8}}\right)

    `H` is the exact Hessian of the cross-entropy in these weights, which for a linear layer is also the generalised
    Gauss-Newton matrix. `"full"` inverts it: `(classes (width + 1))^2` numbers. `"kronecker"` takes the product of the
    sums instead of the sum of products, `sum_i (diag(p_i) - p_i p_i^T) (x) mean_i h_i h_i^T`, and inverts that exactly,
    prior included. The features are taken as fixed, and the prior is centred at the trained weights.

    Args:
        model: A trained Keras classifier that ends in a `Dense` layer; see `features_of`.
        prior_precision: `tau`, above 0. `calibrate` chooses it by held-out likelihood. An L2 penalty `l2 sum w^2` on a
            mean loss over N rows corresponds to `2 l2 N`.
        structure: `"kronecker"` or `"full"`.

    Raises:
        ValueError: a prior precision that is not above 0, or an unknown structure.

    Example:

    >>> laplace = LastLayerLaplace(classifier).fit_posterior(x)
    >>> laplace.predict_distribution(x).variance.shape
    (40, 2)

    Reference: Kristiadi et al. 2020, arXiv:2002.10118, section 3; the Kronecker structure: Ritter et al. 2018, "A
    scalable Laplace approximation for neural networks"; the probabilities: MacKay 1992, "The evidence framework applied
    to classification networks".
    """

    def __init__(self, model: keras.Model, prior_precision: float = 1.0, structure: str = "kronecker") -> None:
        if not isinstance(prior_precision, (int, float)) or not 0 < prior_precision < math.inf:
            raise ValueError(f"`prior_precision` must be above 0. Received: {prior_precision!r}")
        if structure not in STRUCTURES:
            raise ValueError(f"`structure` must be one of {', '.join(STRUCTURES)}. Received: {structure!r}")
        self.model = model
        self.prior_precision = float(prior_precision)
        self.structure = structure
        self._posterior: _Kronecker | _Full | None = None

    def fit_posterior(self, x: Any, *, batch_size: int | None = None) -> Self:
        """Fits the posterior to the training rows, in one pass; their labels do not enter.

        Args:
            x: The training inputs, whatever `model.predict` takes.
            batch_size: Rows a batch for arrays; 1024 by default.
        """
        features, logits = features_of(self.model, x, batch_size=batch_size)
        build = _Kronecker if self.structure == "kronecker" else _Full
        self._posterior = build(_with_one(features), logits.astype("float64"))
        return self

    def predict_distribution(self, x: Any, *, batch_size: int | None = None) -> Prediction:
        """Probabilities, the trained model's logits, and their posterior variance a class.

        Args:
            x: Whatever `model.predict` takes.
            batch_size: Rows a batch for arrays; 1024 by default.

        Raises:
            ValueError: the posterior is not fitted.
        """
        posterior = self._fitted()
        features, logits = features_of(self.model, x, batch_size=batch_size)
        variance = posterior.variance(_with_one(features), self.prior_precision)
        return _prediction(logits.astype("float64"), variance)

    def calibrate(self, x: Any, y: Any, *, batch_size: int | None = None) -> Self:
        """Sets the prior precision, of 33 from 1e-4 to 1e4, that gives held-out rows the greatest likelihood.

        Args:
            x: Held-out inputs.
            y: Their class numbers `(rows,)`.
            batch_size: Rows a batch for arrays; 1024 by default.

        Raises:
            ValueError: the posterior is not fitted, or labels are out of range.
        """
        posterior = self._fitted()
        features, logits = features_of(self.model, x, batch_size=batch_size)
        z, h = logits.astype("float64"), _with_one(features)
        labels = np.asarray(keras.ops.convert_to_numpy(y)).reshape(-1)
        check_labels(labels, max(z.shape[1], 2))
        losses = [
            negative_log_likelihood(_prediction(z, posterior.variance(h, float(precision))).probabilities, labels)
            for precision in PRIOR_PRECISIONS
        ]
        self.prior_precision = float(PRIOR_PRECISIONS[int(np.argmin(losses))])
        return self

    def _fitted(self) -> "_Kronecker | _Full":
        if self._posterior is None:
            raise ValueError("Call `fit_posterior(x_train)` first. Received: a Laplace approximation without posterior")
        return self._posterior


class _Kronecker:
    """Eigenvalues and eigenvectors of both factors, so that any prior precision is added exactly."""

    def __init__(self, features: Array, logits: Array) -> None:
        curvature = sum(_curvature(logits[block]).sum(axis=0) for block in _blocks(len(logits)))
        self.of_logits = np.linalg.eigh(curvature)
        self.of_features = np.linalg.eigh(features.T @ features / len(features))

    def variance(self, features: Array, prior_precision: float) -> Array:
        class_values, class_vectors = self.of_logits
        feature_values, feature_vectors = self.of_features
        precision = np.maximum(np.outer(feature_values, class_values), 0) + prior_precision
        along: Array = (features @ feature_vectors) ** 2 @ (1 / precision) @ (class_vectors**2).T
        return along


class _Full:
    """Eigenvalues and eigenvectors of the whole Hessian, whose rows go class by class."""

    def __init__(self, features: Array, logits: Array) -> None:
        self.classes, width = logits.shape[1], features.shape[1]
        hessian = np.zeros((self.classes, width, self.classes, width))
        for block in _blocks(len(logits)):
            weights = _curvature(logits[block])
            for one in range(self.classes):
                for other in range(self.classes):
                    weighted = weights[:, one, other, None] * features[block]
                    hessian[one, :, other] += weighted.T @ features[block]
        self.values, vectors = np.linalg.eigh(hessian.reshape(self.classes * width, -1))
        self.vectors = vectors.reshape(self.classes, width, -1)

    def variance(self, features: Array, prior_precision: float) -> Array:
        inverse = 1 / (np.maximum(self.values, 0) + prior_precision)
        return np.stack([(features @ of_class) ** 2 @ inverse for of_class in self.vectors], axis=1)


def _curvature(logits: Array) -> Array:
    """Second derivatives of the cross-entropy in the logits, `(rows, classes, classes)`."""
    p = softmax(logits)
    if logits.shape[1] == 1:
        return (p[:, :1] * p[:, 1:])[:, :, None]
    curvature: Array = p[:, :, None] * (np.eye(p.shape[1]) - p[:, None, :])
    return curvature


def _prediction(logits: Array, variance: Array) -> Prediction:
    probabilities = softmax(logits / np.sqrt(1 + np.pi / 8 * variance))
    return Prediction(probabilities, logits, variance[:, 0] if variance.shape[1] == 1 else variance)


def _with_one(features: Array) -> Array:
    return np.concatenate([features, np.ones((len(features), 1))], axis=1).astype("float64")


def _blocks(rows: int) -> list[slice]:
    return [slice(start, start + ROWS_PER_BLOCK) for start in range(0, rows, ROWS_PER_BLOCK)]
