"""Images: handwritten digits. The network learns 0 to 4, and is then shown 5 to 9 as well.

KERAS_BACKEND=torch python examples/own_images.py  # JAX and TensorFlow compile its convolutions for a minute or more
"""

import numpy as np
import pyarrow as pa
from sklearn.datasets import load_digits

from keras_sngp.own_data import TrainingSettings, prepare, train


def load_images() -> tuple[pa.Table, pa.Table]:
    """The digits from 0 to 4, and those from 5 to 9; a folder for each class would do as well, see `open_table`."""
    digits = load_digits()
    rows = np.random.default_rng(0).permutation(len(digits.target))
    images, labels = digits.images[rows], digits.target[rows]
    table = pa.table({"image": pa.FixedShapeTensorArray.from_numpy_ndarray(images), "digit": labels})
    return table.filter(labels < 5), table.filter(labels >= 5)


def main() -> None:
    learned, never_seen = load_images()
    known, new = learned[:-300], learned[-300:]
    settings = TrainingSettings(epochs=20, batch_size=64, learning_rate=0.01)
    classifier = train(prepare(known, "digit", settings), settings)
    # Learned on a tenth of the known rows, which was held out.
    policy = classifier.policy(budget=0.1, score="out_of_domain")

    prediction = classifier.predict_distribution(new)
    decisions = classifier.decide(policy, prediction)
    right = np.array(classifier.class_names)[decisions.answers] == new["digit"].to_numpy().astype(str)
    print(f"{len(new)} new digits: {right.mean():.1%} right, mean variance {prediction.variance.mean():.1f}")
    print(f"{decisions.defer.sum()} deferred: {right[~decisions.defer].mean():.1%} of the others right")

    prediction = classifier.predict_distribution(never_seen)
    decisions = classifier.decide(policy, prediction)
    unfamiliar = np.mean(decisions.reasons == "unfamiliar")
    print(f"{len(never_seen)} digits it never saw: mean variance {prediction.variance.mean():.1f}")
    print(f"{decisions.defer.mean():.1%} deferred, {unfamiliar:.1%} as unfamiliar")


if __name__ == "__main__":
    main()
