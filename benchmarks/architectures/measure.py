"""Converts, trains, saves, folds and exports one network on the present backend.

    KERAS_BACKEND=torch python -m benchmarks.architectures.measure WideResNet-16-2 FOLDER

writes `row.json`, `bounded.json` and `folded.keras` into the folder.
"""

import json
import sys
import time
from pathlib import Path

import keras
import numpy as np
import onnxruntime

import keras_sngp as sngp
from benchmarks.architectures.networks import NETWORKS
from benchmarks.architectures.tables import TREATMENTS

STEPS = 4
FEW = 4
SEED = 0


def measure(name: str, folder: Path) -> dict:
    started = time.perf_counter()
    keras.utils.set_random_seed(SEED)
    network = NETWORKS[name]
    classifier = network.make_classifier()
    x, y = network.make_data()
    y = np.asarray(y)
    model, report = sngp.convert(
        classifier,
        num_inducing=256,
        norm_multiplier=network.norm_multiplier,
        constrain_composite_layers=network.constrain_composite_layers,
        seed=SEED,
    )
    model.compile(keras.optimizers.Adam(1e-4), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, batch_size=len(y) // STEPS, verbose=0)
    expected = outputs_of(model.predict_distribution(x))
    features = features_of(model, x)

    model.save(folder / "model.keras")
    sngp.fold(keras.models.load_model(folder / "model.keras")).save(folder / "folded.keras")
    folded = keras.models.load_model(folder / "folded.keras")
    folded.export(folder / "folded.onnx", format="onnx")
    bounded = [row.name for row in report.layers if row.treatment == "bounded"]
    (folder / "bounded.json").write_text(json.dumps({"layers": bounded, "constrained": list(model.constrained_layers)}))
    return {
        "network": name,
        "backend": keras.backend.backend(),
        "parameters": classifier.count_params(),
        **{kind: report.count(kind) for kind in TREATMENTS},
        "bound": network.norm_multiplier,
        "difference: features": relative_difference(features_of(folded, x), features),
        "difference: files": largest_difference(outputs_of(folded.predict_distribution(x)), expected),
        "difference: ONNX": largest_difference(run_onnx(folder / "folded.onnx", x), expected),
        "seconds": round(time.perf_counter() - started, 1),
    }


def outputs_of(prediction: sngp.Prediction) -> list[np.ndarray]:
    return [prediction.probabilities, prediction.variance]


def features_of(model: sngp.SNGP, x) -> np.ndarray:
    """What goes into the Gaussian process, for a few rows."""
    few = keras.tree.map_structure(lambda rows: rows[:FEW], x)
    return keras.ops.convert_to_numpy(model.backbone(few, training=False))


def relative_difference(received: np.ndarray, expected: np.ndarray) -> float:
    return float(abs(received - expected).max() / abs(expected).max())


def largest_difference(received: list[np.ndarray], expected: list[np.ndarray]) -> float:
    """The largest difference of probabilities and of variances, each relative to its largest value."""
    return max(relative_difference(*pair) for pair in zip(received, expected, strict=True))


def run_onnx(path: Path, x) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(str(path))
    names = [value.name for value in session.get_inputs()]
    types = {"tensor(float)": "float32", "tensor(int32)": "int32", "tensor(int64)": "int64", "tensor(bool)": "bool"}
    arrays = x if isinstance(x, dict) else dict(zip(names, keras.tree.flatten(x), strict=True))
    feeds = {value.name: arrays[value.name].astype(types[value.type]) for value in session.get_inputs()}
    return session.run(["probabilities", "variance"], feeds)


if __name__ == "__main__":
    target = Path(sys.argv[2])
    (target / "row.json").write_text(json.dumps(measure(sys.argv[1], target)))
