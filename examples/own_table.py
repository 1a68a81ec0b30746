"""A table: measures of the cell nuclei of tumours, malignant or benign. The network answers, or defers to a doctor.

KERAS_BACKEND=jax python examples/own_table.py
"""

import numpy as np
import pyarrow as pa
from sklearn.datasets import load_breast_cancer

from keras_sngp.own_data import TrainingSettings, prepare, train


def load_tumours() -> pa.Table:
    data = load_breast_cancer()
    names = [name.replace(" ", "_") for name in data.feature_names]
    return pa.table({**dict(zip(names, data.data.T, strict=True)), "diagnosis": data.target_names[data.target]})


def main() -> None:
    tumours = load_tumours()
    known, new = tumours[:450], tumours[450:]
    settings = TrainingSettings(epochs=30)
    classifier = train(prepare(known, "diagnosis", settings), settings)
    policy = classifier.policy(budget=0.1)  # learned on a tenth of the known rows, which was held out

    prediction = classifier.predict_distribution(new)
    decisions = classifier.decide(policy, prediction)
    right = np.array(classifier.class_names)[decisions.answers] == new["diagnosis"].to_numpy()
    print(f"{len(new)} new tumours: {right.mean():.1%} right")
    print(f"{decisions.defer.sum()} deferred: {right[~decisions.defer].mean():.1%} of the others right")

    radius = new["mean_radius"][0].as_py()
    for case, value in {"as measured": radius, "in another unit": 1000 * radius, "not measured": None}.items():
        tumour = new[:1].set_column(0, "mean_radius", pa.array([value], pa.float64()))
        prediction = classifier.predict_distribution(tumour)
        decisions = classifier.decide(policy, prediction)
        reason = classifier.inputs.read(tumour).reasons[0]
        what = f"defer, {reason}" if decisions.defer[0] else "answer"
        print(f"radius {case}: variance {prediction.variance[0]:.1f}, {what}")


if __name__ == "__main__":
    main()
