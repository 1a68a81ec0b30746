"""CLINC150 with out-of-scope queries, on a sentence encoder that is frozen or fine-tuned end to end: docs/quality.md.

    python -m benchmarks.quality.clinc frozen --data-dir FOLDER
    KERAS_BACKEND=torch python -m benchmarks.quality.clinc fine-tuned --data-dir FOLDER

Fine-tuning is for PyTorch, which compiles nothing for each length of text. An epoch takes three to five minutes on one
core, and there are forty: two trainings of two networks.
"""

from functools import partial
from pathlib import Path

import keras
import numpy as np

from benchmarks.data import clinc150
from benchmarks.quality.run_study import arguments, run
from benchmarks.quality.sentence_encoder import (
    WIDTH,
    Tokens,
    by_length,
    embed,
    kept_embeddings,
    make_embedder,
    tokenize,
)
from benchmarks.quality.study import Settings, Study, fit, make_head, residual_head

HEAD_WIDTH = 512
FROZEN = Settings(15, 5e-4, 1)
FINE_TUNED = Settings(epochs=10, learning_rate=2e-4, residual_blocks=1, batch_size=64, warmup=0.1)
FURTHER_LEARNING_RATE = 1e-4


def frozen_study(data: clinc150.Clinc150, work_dir: Path) -> Study:
    found = kept_embeddings(work_dir / "clinc150-embeddings.npz", texts_of(data), embed)
    return Study(
        name="clinc150-frozen",
        title="CLINC150, frozen encoder",
        seeds=5,
        make_classifier=partial(make_head, WIDTH, 150, HEAD_WIDTH),
        shared_step=lambda rows: embed(data.test[0][:rows]),
        **questions(data, found),
    )


def fine_tuned_study(data: clinc150.Clinc150, work_dir: Path) -> Study:
    parts = questions(data, {name: tokenize(texts) for name, texts in texts_of(data).items()})
    frozen = frozen_study(data, work_dir)

    def start_from_trained_head(model: keras.Model, kind: str, seed: int) -> None:
        """Copies the weights of a network on embeddings into the same layers after the encoder."""
        trained = fit(frozen, FROZEN, kind, seed).weights
        for weight, value in zip(model.weights[-len(trained) :], trained, strict=True):
            weight.assign(value)

    return Study(
        name="clinc150-fine-tuned",
        title="CLINC150, encoder fine-tuned",
        seeds=1,
        members=1,
        process_members=1,
        ablations=False,
        make_classifier=make_fine_tuned_classifier,
        batches=lambda batch_size, seed, _: TokenBatches(*parts["training"], batch_size, seed),
        first_weights=start_from_trained_head,
        convert_arguments={"constrain_composite_layers": False},
        further_learning_rates=(FURTHER_LEARNING_RATE,),
        **parts,
    )


def make_fine_tuned_classifier(settings: Settings) -> keras.Model:
    inputs, features = make_embedder()
    return keras.Model(inputs, residual_head(features, 150, settings.residual_blocks, HEAD_WIDTH))


def texts_of(data: clinc150.Clinc150) -> dict[str, list[str]]:
    return {
        "train": data.train[0],
        "validation": data.validation[0],
        "test": data.test[0],
        "out of scope": data.out_of_scope_test,
        "out of scope, validation": data.out_of_scope_train + data.out_of_scope_validation,
    }


def questions(data: clinc150.Clinc150, x: dict) -> dict:
    """The parts of a `Study`, from what the texts of every split became."""
    return {
        "training": (x["train"], data.train[1]),
        "validation": (x["validation"], data.validation[1]),
        "test": (x["test"], data.test[1]),
        "out_of_domain": {"out of scope": x["out of scope"]},
        "out_of_domain_validation": x["out of scope, validation"],
    }


class TokenBatches(keras.utils.PyDataset):
    """Batches of texts of like length, drawn anew for each epoch."""

    def __init__(self, tokens: Tokens, labels: np.ndarray, batch_size: int, seed: int) -> None:
        super().__init__()
        self.tokens, self.labels, self.batch_size = tokens, labels, batch_size
        self.generator = np.random.default_rng(seed)
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        batches = by_length(self.tokens, self.generator.permutation(len(self.labels)), self.batch_size)
        self.batches = [batches[number] for number in self.generator.permutation(len(batches))]

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, number: int) -> tuple[Tokens, np.ndarray]:
        rows, tokens = self.batches[number]
        return tokens, self.labels[rows]


STUDIES = {"frozen": (frozen_study, FROZEN), "fine-tuned": (fine_tuned_study, FINE_TUNED)}

if __name__ == "__main__":
    chosen = arguments(__doc__, *STUDIES)
    make_study, settings = STUDIES[chosen.study]
    run(make_study(clinc150.load(chosen.data_dir), chosen.work_dir), settings, chosen)
