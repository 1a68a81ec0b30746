"""A trained classifier with all it needs to go from rows of a table to decisions."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from keras_sngp.deferral import Decisions, DeferralPolicy
from keras_sngp.metrics import scores
from keras_sngp.metrics.detectors import DETECTORS, FROM_FEATURES, FROM_LOGITS, Detector
from keras_sngp.models import SNGP, features_of, fold
from keras_sngp.models.prediction import Prediction
from keras_sngp.own_data.architecture import Architecture
from keras_sngp.own_data.inputs import Inputs

ENTROPY, OUT_OF_DOMAIN, GIVEN = "entropy", "out_of_domain", "given"
# A policy takes these from the calibrated probabilities.
OF_PROBABILITIES = (ENTROPY, "max_probability")
SCORES = (ENTROPY, OUT_OF_DOMAIN, *(name for name in DETECTORS if name != ENTROPY))
DEFAULT_BUDGET = 0.05


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """What the network says about held-out rows, by which the decision to defer is learned.

    Attributes:
        probabilities: `(rows, classes)`.
        variance: `(rows,)`.
        dempster_shafer: Uncertainty by the size of the logits `(rows,)`; see `scores.dempster_shafer`.
        labels: Class numbers `(rows,)`.
        scores: Scores `(rows,)` by the names of detectors; empty in files of earlier versions.
    """

    probabilities: npt.NDArray[np.float32]
    variance: npt.NDArray[np.float32]
    dempster_shafer: npt.NDArray[np.floating]
    labels: npt.NDArray[np.intp]
    scores: Mapping[str, npt.NDArray[np.floating]] = dataclasses.field(default_factory=dict)


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
        detectors: Detectors fitted to the training rows' features, by name.
    """

    inputs: Inputs
    class_names: tuple[str, ...]
    label: str
    architecture: Architecture
    network: SNGP
    held_out: HeldOut
    training: dict[str, Any]
    detectors: Mapping[str, Detector] = dataclasses.field(default_factory=dict)

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
            score: `"entropy"` and `"max_probability"` defer first what may be wrong; `"out_of_domain"`, and a detector
                by its name, what is of no known class.

        Raises:
            ValueError: an unknown score, or a detector that was not kept.
        """
        self.check_score(score)
        held_out = self.held_out
        options: dict[str, Any] = {"score": score, "variance": held_out.variance}
        if score not in OF_PROBABILITIES:
            options |= {"score": GIVEN, "uncertainty": self._held_out_score(score)}
        if accuracy is not None:
            return DeferralPolicy.for_accuracy(held_out.probabilities, held_out.labels, accuracy, **options)
        share = DEFAULT_BUDGET if budget is None else budget
        return DeferralPolicy.for_budget(held_out.probabilities, share, **options)

    def check_score(self, score: str) -> None:
        """Raises a ValueError if this classifier has no such score."""
        if score not in SCORES:
            raise ValueError(f"`score` must be one of {', '.join(SCORES)}. Received: {score!r}")
        if score in FROM_FEATURES and score not in self.detectors:
            raise ValueError(
                f"This classifier keeps no detector {score!r}: train it with `--detector {score}`. "
                f"Received: a classifier with {', '.join(self.detectors) or 'none'}"
            )
        if score in FROM_LOGITS and score not in (*OF_PROBABILITIES, *self._held_out_scores):
            raise ValueError(
                f"This classifier's file has no {score!r} of its held-out rows: train it again. "
                "Received: a file of an earlier version"
            )

    def score_of_rows(self, score: str, prediction: Prediction, x: npt.NDArray[Any]) -> npt.NDArray[np.floating] | None:
        """What `decide` goes by, `(rows,)`; None for the scores that it takes from the probabilities.

        A detector on features runs the network a second time.

        Args:
            score: As in `policy`.
            prediction: What the classifier says about the rows.
            x: The rows as numbers, as `inputs.read` gives them.
        """
        self.check_score(score)
        if score in OF_PROBABILITIES:
            return None
        if score == OUT_OF_DOMAIN:
            return self.out_of_domain_score(prediction)
        if score in FROM_LOGITS:
            of_logits: npt.NDArray[np.floating] = FROM_LOGITS[score]().score(logits=prediction.logits)
            return of_logits
        features, logits = features_of(self.folded_network, x)
        return self.detectors[score].score(features=features, logits=logits)

    @property
    def _held_out_scores(self) -> dict[str, npt.NDArray[np.floating]]:
        return {"dempster_shafer": self.held_out.dempster_shafer, **self.held_out.scores}

    def _held_out_score(self, score: str) -> npt.NDArray[np.floating]:
        return self.out_of_domain_score(self.held_out) if score == OUT_OF_DOMAIN else self._held_out_scores[score]

    def out_of_domain_score(self, rows: Prediction | HeldOut) -> npt.NDArray[np.floating]:
        """How much each row is of no known class `(rows,)`: by the size of the logits, and by the variance as well.

        The two, Dempster-Shafer and variance, are combined by `scores.fisher` with equal weights.
        """
        of_rows, of_held_out = ([one.dempster_shafer, np.asarray(one.variance)] for one in (rows, self.held_out))
        return scores.fisher(of_rows, of_held_out)

    def decide(
        self,
        policy: DeferralPolicy,
        prediction: Prediction,
        uncertainty: npt.NDArray[np.floating] | None = None,
    ) -> Decisions:
        """Answers or defers each row of a prediction of this classifier, by a policy of it.

        Args:
            policy: What `policy` gave.
            prediction: What the classifier says about the rows.
            uncertainty: What `score_of_rows` gives for the policy's score; by default that of `"out_of_domain"`.
        """
        given = uncertainty
        if given is None and policy.score == GIVEN:
            given = self.out_of_domain_score(prediction)
        return policy.decide(prediction.probabilities, variance=prediction.variance, uncertainty=given)
