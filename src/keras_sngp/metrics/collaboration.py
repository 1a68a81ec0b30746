"""What a machine and an expert who is always right reach together.

The oracle is a bound: no expert does better. `keras_sngp.metrics.joint_accuracy` takes experts who err.
"""

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from keras_sngp.metrics.array_checks import check_share, checked_labels, checked_mistakes, checked_vector
from keras_sngp.metrics.selective import risk_coverage_curve


def oracle_collaborative_accuracy(uncertainty: npt.ArrayLike, mistakes: npt.ArrayLike, share: float) -> float:
    """Accuracy when the most uncertain share of rows is answered by somebody who is always right.

    Args:
        uncertainty: `(rows,)`, higher for less sure.
        mistakes: `(rows,)`, 1 or True where the prediction was wrong.
        share: Share of rows deferred, at most; rounded down to whole rows.

    Example:

    >>> oracle_collaborative_accuracy([0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1], share=0.25)
    0.75

    Reference: Kivlichan et al. 2021, arXiv:2107.04212.
    """
    check_share(share, "share")
    curve = risk_coverage_curve(uncertainty, checked_mistakes(mistakes, np.size(uncertainty)))
    answered = len(curve.risk) - int(np.floor(share * len(curve.risk) + 1e-9))
    return 1.0 if answered == 0 else float(1 - curve.risk[answered - 1] * curve.coverage[answered - 1])


def oracle_collaborative_auc(
    probability: npt.ArrayLike, labels: npt.ArrayLike, share: float, uncertainty: npt.ArrayLike | None = None
) -> float:
    """AUROC of a two-class model when an oracle replaces the most uncertain rows' probabilities by their labels.

    Args:
        probability: Probability of class 1, `(rows,)`.
        labels: 0 or 1, `(rows,)`, both present.
        share: Share of rows deferred, at most; rounded down to whole rows.
        uncertainty: `(rows,)`; by default `p (1 - p)`. Of equal ones the earlier rows are deferred.

    Raises:
        ValueError: one class only, values out of range.

    Example:

    >>> oracle_collaborative_auc([0.1, 0.6, 0.4, 0.9], [0, 0, 1, 1], share=0.25)
    1.0

    Reference: Kivlichan et al. 2021, arXiv:2107.04212.
    """
    probability = checked_vector(probability, "probability")
    if probability.min() < 0 or probability.max() > 1:
        raise ValueError(
            f"`probability` must be from 0 to 1. Received: from {probability.min():g} to {probability.max():g}"
        )
    labels = checked_labels(labels, len(probability), 2)
    if labels.min() == labels.max():
        raise ValueError(f"`labels` must hold both classes. Received: only class {labels[0]}")
    if uncertainty is None:
        uncertainty = probability * (1 - probability)
    uncertainty = checked_vector(uncertainty, "uncertainty", len(probability))
    handed_over = np.argsort(-uncertainty, kind="stable")[: int(np.floor(check_share(share, "share") * len(labels)))]
    scores = probability.astype("float64")
    scores[handed_over] = labels[handed_over]
    return float(roc_auc_score(labels, scores))
