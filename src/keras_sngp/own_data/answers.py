"""From rows of a table to answers, or the decision to ask a human, block by block."""

import dataclasses
import functools
import warnings
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from keras_sngp._tables import columns
from keras_sngp._tables.blocks import BadRow, Block, OnBadRow
from keras_sngp.deferral import DeferralPolicy
from keras_sngp.deferral.drift import DeferralDriftWarning, drift_message
from keras_sngp.own_data.classifier import ENTROPY, GIVEN, OF_PROBABILITIES, OUT_OF_DOMAIN, Classifier
from keras_sngp.own_data.inputs.encoded_rows import EncodedRows


@dataclasses.dataclass
class AnswerCounts:
    """What became of the rows so far."""

    rows: int = 0
    deferred: int = 0
    dropped: int = 0

    def add(self, rows: int, answers: pa.Table) -> None:
        """Counts a block."""
        self.rows += answers.num_rows
        self.dropped += rows - answers.num_rows
        self.deferred += pc.sum(pc.equal(answers[columns.DECISION], columns.DEFER)).as_py() or 0

    def drift(self, policy: DeferralPolicy) -> str | None:
        """A sentence if the share deferred is not as the held-out rows let expect."""
        if not self.rows:
            return None
        return drift_message(self.deferred / self.rows, self.rows, policy.expected_rate(self.rows))


@dataclasses.dataclass(frozen=True)
class AnsweredBlock:
    """What became of a block of rows.

    Attributes:
        rows: How many came in.
        answers: A row for each that is kept.
        bad: Those that cannot be read.
    """

    rows: int
    answers: pa.Table
    bad: tuple[BadRow, ...]


AnswerBlock = Callable[[Block], AnsweredBlock]


def answer_blocks(
    classifier: Classifier,
    policy: DeferralPolicy,
    blocks: Iterable[Block],
    *,
    score: str | None = None,
    id_column: str | None = None,
    errors: OnBadRow = "keep",
    on_bad_row: Callable[[BadRow], None] = lambda row: None,
    progress: AnswerCounts | None = None,
    map_function: Callable[[AnswerBlock, Iterable[Block]], Iterator[AnsweredBlock]] = map,
) -> Iterator[pa.Table]:
    """Gives for each block of rows their answers: in order, one row for each unless it is dropped. Without rows, one
    table that has only columns.

    The columns are the id, if one is named, `answer`, `prob_CLASS` for each class, `uncertainty` (what the policy goes
    by, such as the entropy in nats), `variance`, the score by its name unless it follows from the probabilities,
    `decision` and `reason`. A bad row, with a cell that cannot be read or cells that are too many or too
    few, is always deferred.

    Args:
        classifier: Who answers.
        policy: Who decides.
        score: The score that the policy was made for; by default the entropy, or `"out_of_domain"` for a policy of it.
        blocks: Rows with the columns the classifier was trained on; see `open_table`.
        id_column: A column to copy.
        errors: Whether bad rows are kept, dropped, or a reason to stop with a ValueError.
        on_bad_row: Called with each bad row that is kept or dropped.
        progress: Counts along.
        map_function: Calls the function for each block and gives the results in order, as `map` does; see `ray_map`.
    """
    score = score or (OUT_OF_DOMAIN if policy.score == GIVEN else policy.score)
    check_id_column(classifier, id_column, score)
    counts = AnswerCounts() if progress is None else progress
    answer = functools.partial(_answer_block, classifier, policy, score, id_column, errors == "drop")
    for answered in map_function(answer, (block for block in blocks if block.table.num_rows)):
        for row in answered.bad:
            if errors == "stop":
                raise ValueError(f"Expected rows that can be read. Received: {row}")
            on_bad_row(row)
        counts.add(answered.rows, answered.answers)
        yield answered.answers
    if not counts.rows + counts.dropped:
        nothing = answer_schema(classifier, score).empty_table()
        yield nothing if id_column is None else nothing.add_column(0, id_column, pa.array([], pa.string()))


def check_id_column(classifier: Classifier, id_column: str | None, score: str = ENTROPY) -> None:
    """Raises a ValueError if a column to copy has the name of a column of the answers."""
    if id_column in answer_schema(classifier, score).names:
        raise ValueError(
            "Expected a column to copy whose name the answers do not use. "
            f"Received: {id_column!r}; rename it in the data"
        )


def answer_schema(classifier: Classifier, score: str = ENTROPY) -> pa.Schema:
    """The columns of answers, without the id."""
    return pa.schema(
        [
            (columns.ANSWER, pa.string()),
            *((f"{columns.PROBABILITY}{name}", pa.float32()) for name in classifier.class_names),
            (columns.UNCERTAINTY, pa.float32()),
            (columns.VARIANCE, pa.float32()),
            *([] if score in OF_PROBABILITIES else [(score, pa.float32())]),
            (columns.DECISION, pa.string()),
            (columns.REASON, pa.string()),
        ]
    )


def _answer_block(
    classifier: Classifier, policy: DeferralPolicy, score: str, id_column: str | None, drop: bool, block: Block
) -> AnsweredBlock:
    rows = classifier.inputs.read(block.table)
    for row in block.bad:
        rows.reasons[row.number - block.first] = row.reason
        rows.bad[row.number - block.first] = True
    answers = _answers(classifier, policy, score, rows)
    if id_column is not None:
        answers = answers.add_column(0, id_column, block.table[id_column])
    if drop:
        answers = answers.filter(pa.array(~rows.bad))
    bad = tuple(BadRow(block.first + int(place), rows.reasons[place]) for place in np.flatnonzero(rows.bad))
    return AnsweredBlock(block.table.num_rows, answers, bad)


def _answers(classifier: Classifier, policy: DeferralPolicy, score: str, rows: EncodedRows) -> pa.Table:
    prediction = classifier.folded_network.predict_distribution(rows.values)
    uncertainty = classifier.score_of_rows(score, prediction, rows.values)
    with warnings.catch_warnings():
        # The share deferred of all blocks together is looked at, at the end.
        warnings.simplefilter("ignore", DeferralDriftWarning)
        decisions = classifier.decide(policy, prediction, uncertainty)
    defer = decisions.defer | rows.bad
    together = ["; ".join(filter(None, pair)) for pair in zip(decisions.reasons.tolist(), rows.reasons, strict=True)]
    arrays = [
        pa.array(classifier.class_names).take(pa.array(decisions.answers)),
        *map(pa.array, np.asarray(prediction.probabilities, "float32").T),
        pa.array(decisions.uncertainty.astype("float32")),
        pa.array(np.asarray(prediction.variance, "float32")),
        *([] if uncertainty is None else [pa.array(uncertainty.astype("float32"))]),
        pa.array([columns.ANSWER, columns.DEFER]).take(pa.array(defer.astype(int))),
        pa.array(together, pa.string()),
    ]
    return pa.table(arrays, schema=answer_schema(classifier, score))
