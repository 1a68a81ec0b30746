"""What `make test` runs where, and fixtures for the tests and for the examples in docstrings."""

import functools
import os

import pytest

# No backend changes the code that these test: `make test` and `make test-long` run them on JAX only.
ONCE = (
    "tests/_tables",
    "tests/benchmarks",
    "tests/calibration",
    "tests/deferral",
    "tests/metrics",
    "tests/own_data/inputs",
    "tests/plots",
    "tests/report",
    "tests/test_public_api.py",
    "tests/test_signatures.py",
    "tests/test_two_moons.py",
)
# Keras metrics, in a folder of functions of arrays.
ON_EACH_BACKEND = "tests/metrics/test_streaming.py"
# What these add to layers and models is the same on each backend, yet they train networks: `long` on all but one.
# PyTorch need not compile the networks; JAX is the command's default.
QUICK_ON = {
    "tests/cli": "jax",
    "tests/test_readme.py": "jax",
    "tests/examples": "torch",
    "tests/own_data": "torch",
    "tests/test_docs.py": "torch",
    "tests/test_keras_releases.py": "torch",
    "src": "torch",
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    for item in items:
        places = {str(place) for place in item.path.relative_to(config.rootpath).parents}
        places.add(str(item.path.relative_to(config.rootpath)))
        if places & set(ONCE) and ON_EACH_BACKEND not in places:
            item.add_marker(pytest.mark.once)
            continue
        quick_on = {QUICK_ON[place] for place in places & set(QUICK_ON)}
        quick_on.update(*(mark.args for mark in item.iter_markers("quick_on")))
        if quick_on and os.environ.get("KERAS_BACKEND") not in quick_on:
            item.add_marker(pytest.mark.long)


@pytest.fixture(autouse=True)
def fixed_seed():
    import keras

    keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def names_for_examples(request, tmp_path):
    if hasattr(request.node, "dtest"):
        names = {"folder": tmp_path, **_example_names()}
        request.getfixturevalue("doctest_namespace").update(names)


@functools.cache
def _example_names():
    import keras
    import numpy as np

    import keras_sngp as sngp
    from keras_sngp import two_moons

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
    import keras

    inputs = keras.Input((2,))
    hidden = keras.layers.Dense(8, activation="relu", name="hidden")(inputs)
    return keras.Model(inputs, keras.layers.Dense(2, name="logits")(hidden))


def _make_classifier():
    import keras

    import keras_sngp as sngp

    classifier = sngp.DeepResNet(2, num_layers=1, num_hidden=8)
    classifier.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return classifier
