"""How well uncertainty points at the rows that are wrong."""

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score

from keras_sngp.metrics.array_checks import checked_mistakes, checked_vector


def calibration_auroc(uncertainty: npt.ArrayLike, mistakes: npt.ArrayLike) -> float:
    """Probability that a wrong prediction is more uncertain than a right one, ties counting half.

    Unlike a calibration error it does not ask for the numbers to be probabilities, only for their order.

    Args:
        uncertainty: `(rows,)`, higher for less sure.
        mistakes: `(rows,)`, 1 or True where the prediction was wrong.

    Raises:
        ValueError: all predictions are right, or all wrong.

    Example:

    >>> calibration_auroc([0.1, 0.4, 0.3, 0.2], [0, 1, 1, 0])
    1.0

    Reference: Kivlichan et al. 2021, arXiv:2107.04212.
    """
    uncertainty, mistakes = _checked(uncertainty, mistakes)
    return float(roc_auc_score(mistakes, uncertainty))


def calibration_aupr(uncertainty: npt.ArrayLike, mistakes: npt.ArrayLike) -> float:
    """Area under the precision-recall curve of finding the mistakes by high uncertainty, as average precision.

    The positive class is the mistake; by chance the area is the error rate.

    Args:
        uncertainty: `(rows,)`, higher for less sure.
        mistakes: `(rows,)`, 1 or True where the prediction was wrong.

    Raises:
        ValueError: all predictions are right, or all wrong.

    Example:

    >>> calibration_aupr([0.1, 0.4, 0.3, 0.2], [0, 0, 1, 0])
    0.5

    Reference: Kivlichan et al. 2021, arXiv:2107.04212.
    """
    uncertainty, mistakes = _checked(uncertainty, mistakes)
    return float(average_precision_score(mistakes, uncertainty))


def _checked(uncertainty: npt.ArrayLike, mistakes: npt.ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    uncertainty = checked_vector(uncertainty, "uncertainty")
    mistakes = checked_mistakes(mistakes, len(uncertainty))
    if mistakes.min() == mistakes.max():
        raise ValueError(
            "`mistakes` must hold right and wrong predictions, to tell them apart. "
            f"Received: {len(mistakes)} predictions, all {'wrong' if mistakes[0] else 'right'}"
        )
    return uncertainty, mistakes
