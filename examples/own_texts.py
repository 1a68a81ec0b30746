"""Texts: sentences from the documentation of four libraries, each to be sent to those whom it concerns.

KERAS_BACKEND=jax python examples/own_texts.py
"""

import inspect

import keras
import matplotlib.pyplot
import numpy as np
import pyarrow as pa
import scipy.stats

from keras_sngp.own_data import TrainingSettings, prepare, train

TOPICS = {"arrays": np, "networks": keras.layers, "plots": matplotlib.pyplot, "statistics": scipy.stats}
QUESTIONS = ["Set the label of the x axis.", "A gamma continuous random variable.", "My card was declined at dinner."]


def load_sentences() -> pa.Table:
    topics = {}
    for topic, module in TOPICS.items():
        for documentation in map(inspect.getdoc, filter(callable, vars(module).values())):
            if documentation:
                topics[documentation.split("\n\n")[0]] = topic
    rows = np.random.default_rng(0).permutation(len(topics))
    return pa.table({"sentence": list(topics), "topic": list(topics.values())}).take(rows)


def main() -> None:
    sentences = load_sentences()
    known, new = sentences[:-200], sentences[-200:]
    settings = TrainingSettings(epochs=10)
    classifier = train(prepare(known, "topic", settings, text="sentence"), settings)
    policy = classifier.policy(budget=0.15)  # learned on a tenth of the known rows, which was held out

    prediction = classifier.predict_distribution(new)
    decisions = classifier.decide(policy, prediction)
    right = np.array(classifier.class_names)[decisions.answers] == new["topic"].to_numpy()
    print(f"{len(new)} new sentences of {len(sentences)}: {right.mean():.1%} right")
    print(f"{decisions.defer.sum()} deferred: {right[~decisions.defer].mean():.1%} of the others right")

    prediction = classifier.predict_distribution(pa.table({"sentence": QUESTIONS}))
    decisions = classifier.decide(policy, prediction)
    for row, question in enumerate(QUESTIONS):
        what = f"defer, {decisions.reasons[row]}" if decisions.defer[row] else "answer"
        topic, sure = classifier.class_names[decisions.answers[row]], prediction.max_probability[row]
        print(f"{question} {topic}, {sure:.0%} sure, variance {prediction.variance[row]:.1f}: {what}")


if __name__ == "__main__":
    main()
