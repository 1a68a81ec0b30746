"""BBC News, three topics of five, on a frozen sentence encoder: python -m benchmarks.quality.news --data-dir FOLDER"""

from functools import partial
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from benchmarks.data import bbc_news, clinc150
from benchmarks.quality.clinc import HEAD_WIDTH
from benchmarks.quality.run_study import arguments, run
from benchmarks.quality.sentence_encoder import WIDTH, embed, kept_embeddings
from benchmarks.quality.study import Settings, Study, make_head

KNOWN = tuple(bbc_news.TOPICS.index(topic) for topic in ("business", "politics", "sports"))
MOST_TOKENS, QUESTIONS = 128, 1_000
SETTINGS = Settings(epochs=10, learning_rate=1e-3, residual_blocks=1, batch_size=32)

Texts = list[str]


def make_study(articles: Texts, topics: np.ndarray, questions: Texts, work_dir: Path) -> Study:
    """A fifth of the articles each are for validation and for the test."""
    texts = {
        topic: [articles[row] for row in np.flatnonzero(topics == number)]
        for number, topic in enumerate(bbc_news.TOPICS)
    }
    encoder = partial(embed, most_tokens=MOST_TOKENS)
    found = kept_embeddings(work_dir / "bbc-news-embeddings.npz", texts | {"questions": questions}, encoder)
    x = np.concatenate([found[bbc_news.TOPICS[number]] for number in KNOWN])
    labels = np.repeat(np.arange(len(KNOWN)), [np.sum(topics == number) for number in KNOWN])
    rest, test = train_test_split(np.arange(len(x)), test_size=0.2, random_state=0, stratify=labels)
    train, validation = train_test_split(rest, test_size=0.25, random_state=0, stratify=labels[rest])
    return Study(
        name="bbc-news",
        title="BBC News, frozen encoder",
        seeds=5,
        members=5,
        make_classifier=partial(make_head, WIDTH, len(KNOWN), HEAD_WIDTH),
        training=(x[train], labels[train]),
        validation=(x[validation], labels[validation]),
        test=(x[test], labels[test]),
        out_of_domain={"technology": found["tech"], "CLINC150": found["questions"]},
        out_of_domain_validation=found["entertainment"],
        shared_step=lambda rows: encoder(articles[:rows]),
    )


if __name__ == "__main__":
    chosen = arguments(__doc__)
    questions = clinc150.load(chosen.data_dir).test[0][:QUESTIONS]
    run(make_study(*bbc_news.load(), questions, chosen.work_dir), SETTINGS, chosen)
