"""A trained classifier with all it needs to go from rows of a table to decisions."""

import dataclasses
import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from keras_sngp.deferral import Decisions, DeferralPolicy
from keras_sngp.metrics import scores
from keras_sngp.models import SNGP, fold
from keras_sngp.models.prediction import Prediction
from keras_sngp.own_data.architecture import Architecture
from keras_sngp.own_data.inputs import EncodedTextColumn, Inputs, WordColumn

ENTROPY, OUT_OF_DOMAIN, GIVEN = "entropy", "out_of_domain", "given"
SCORES = (ENTROPY, OUT_OF_DOMAIN)
DEFAULT_BUDGET = 0.05


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """What the network says about held-out rows, by which the decision to defer is learned.

    Attributes:
        probabilities: `(rows, classes)`.
        variance: `(rows,)`.
        dempster_shafer: Uncertainty by the size of the logits `(rows,)`; see `scores.dempster_shafer`.
        labels: Class numbers `(rows,)`.
    """

    probabilities: npt.NDArray[np.float32]
    variance: npt.NDArray[np.float32]
    dempster_shafer: npt.NDArray[np.floating]
    labels: npt.NDArray[np.intp]


@dataclasses.dataclass(frozen=True)
class Classifier:
    """What `keras-sngp train` makes, and `keras-sngp predict` uses.

    Attributes:
        inputs: What it looks at, and how.
        class_names: Names of the classes, in the order of the probabilities.
        label: The column they are in.
        architecture: What the network is built from.
        network: The trained network.
        held_out: What it says about held-out rows.
        training: Rows, epochs, seconds and settings of the training, for people.
    """

    inputs: Inputs
    class_names: tuple[str, ...]
    label: str
    architecture: Architecture
    network: SNGP
    held_out: HeldOut
    training: dict[str, Any]

    def predict_distribution(self, table: pa.Table) -> Prediction:
        """Probabilities, logits and variance of the rows of a table with the columns it was trained on."""
        return self.folded_network.predict_distribution(self.inputs.read(table).values)

    @functools.cached_property
    def folded_network(self) -> SNGP:
        """The network without the search for spectral norms."""
        folded: SNGP = fold(self.network)
        return folded

    def policy(
        self, budget: float | None = None, accuracy: float | None = None, score: str = ENTROPY
    ) -> DeferralPolicy:
        """The policy of a budget or an accuracy, learned on the held-out rows; see `DeferralPolicy`.

        Args:
            budget: Largest share of rows to defer; 0.05 by default.
            accuracy: Accuracy of the answers, in place of a budget.
            score: `"entropy"` defers first what may be wrong, `"out_of_domain"` what is of no known class.
        """
        if score not in SCORES:
            raise ValueError(f"`score` must be one of {', '.join(SCORES)}. Received: {score!r}")
        held_out = self.held_out
        options: dict[str, Any] = {"score": ENTROPY, "variance": held_out.variance}
        if score == OUT_OF_DOMAIN:
            options |= {"score": GIVEN, "uncertainty": self.out_of_domain_score(held_out)}
        if accuracy is not None:
            return DeferralPolicy.for_accuracy(held_out.probabilities, held_out.labels, accuracy, **options)
        share = DEFAULT_BUDGET if budget is None else budget
        return DeferralPolicy.for_budget(held_out.probabilities, share, **options)

    def out_of_domain_score(self, rows: Prediction | HeldOut) -> npt.NDArray[np.floating]:
        """How much each row is of no known class `(rows,)`: by the size of the logits, and by the variance as well.

        The two are combined by `scores.fisher`. Of texts the logits alone tell it, Dempster-Shafer: a
        question of another intent is made of familiar words, so that its distance says little.
        """
        if isinstance(self.inputs, WordColumn | EncodedTextColumn):
            return rows.dempster_shafer
        of_rows, of_held_out = ([one.dempster_shafer, np.asarray(one.variance)] for one in (rows, self.held_out))
        return scores.fisher(of_rows, of_held_out)

    def decide(self, policy: DeferralPolicy, prediction: Prediction) -> Decisions:
        """Answers or defers each row of a prediction of this classifier, by a policy of it."""
        given = self.out_of_domain_score(prediction) if policy.score == GIVEN else None
        return policy.decide(prediction.probabilities, variance=prediction.variance, uncertainty=given)
