"""Fixtures for the tests and for the examples in docstrings."""

import functools

import keras
import numpy as np
import pytest

import keras_sngp as sngp
from keras_sngp import two_moons


@pytest.fixture(autouse=True)
def fixed_seed():
    keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def names_for_examples(request, tmp_path):
    if hasattr(request.node, "dtest"):
        names = {"folder": tmp_path, **_example_names()}
        request.getfixturevalue("doctest_namespace").update(names)


@functools.cache
def _example_names():
    x, y = two_moons.make_training_data(20)
    classifier = _make_classifier()
    classifier.fit(x, y, verbose=0)
    model = sngp.SNGP(sngp.DeepResNet(num_layers=1, num_hidden=8), 2, num_inducing=32)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, verbose=0)
    return {
        "np": np,
        "keras": keras,
        "keras_sngp": sngp,
        "x": x,
        "y": y,
        "classifier": classifier,
        "make_classifier": _make_classifier,
        "functional_classifier": _make_functional_classifier(),
        "backbone": sngp.DeepResNet(num_layers=1, num_hidden=8),
        "model": model,
        "RandomFeatureGaussianProcess": sngp.RandomFeatureGaussianProcess,
    }


def _make_functional_classifier():
    inputs = keras.Input((2,))
    hidden = keras.layers.Dense(8, activation="relu", name="hidden")(inputs)
    return keras.Model(inputs, keras.layers.Dense(2, name="logits")(hidden))


def _make_classifier():
    classifier = sngp.DeepResNet(2, num_layers=1, num_hidden=8)
    classifier.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return classifier
