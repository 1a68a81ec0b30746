"""What is relied on of Keras beyond its public interface, stated without the rest of the package.

A failure here on a new Keras means that Keras has changed, and that `keras_internals.py` is the place to follow it.
"""

import ast
import contextlib
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_sngp
from keras_sngp._runtime.keras_internals import (
    distribution_strategy,
    functional_class,
    inputs_of_calls,
    layers_inside,
    layers_of,
    made_by,
    prediction_program,
    training_program,
    weights_kept_on_error,
)

pytestmark = pytest.mark.keras_contract

BACKEND = keras.backend.backend()
X = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def make_regressor():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(1, name="dense")(inputs))
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse", metrics=["mae"])
    return model


def test_the_class_of_functional_models_is_that_of_any_made_of_inputs_and_outputs():
    assert isinstance(make_regressor(), functional_class())
    assert issubclass(functional_class(), keras.Model)
    assert not issubclass(keras.Sequential, functional_class())
    assert functional_class().call is not keras.Model.call


class Nest(keras.Model):
    def __init__(self, in_list, in_dict, wrapped):
        super().__init__()
        self.in_list = [in_list]
        self.in_dict = {"one": in_dict}
        self.wrapper = keras.layers.TimeDistributed(wrapped)

    def call(self, inputs):
        return self.wrapper(self.in_dict["one"](self.in_list[0](inputs)))


def test_layers_are_found_in_models_lists_dictionaries_and_wrappers_each_once():
    shared, in_dict, wrapped = (keras.layers.Dense(2) for _ in range(3))
    nest = Nest(keras.Sequential([shared, shared]), in_dict, wrapped)
    outer = keras.Sequential([keras.Input((4, 2)), nest, shared])
    found = layers_of(outer)
    assert found[0] is outer
    assert set(map(id, found[1:])) == set(map(id, layers_inside(outer)))
    for layer in (nest, nest.in_list[0], nest.wrapper, shared, in_dict, wrapped):
        assert sum(layer is one for one in found) == 1


def test_a_layer_inside_a_layer_comes_after_it():
    wrapped = keras.layers.Dense(2)
    wrapper = keras.layers.TimeDistributed(wrapped)
    assert [*map(id, layers_of(wrapper))] == [id(wrapper), id(wrapped)]


def test_a_tensor_knows_the_call_and_the_output_that_made_it():
    inputs = keras.Input((4,))
    dense = keras.layers.Dense(4)
    first = dense(inputs)
    second = dense(first)
    assert made_by(first) == (dense, 0, 0)
    assert made_by(second) == (dense, 1, 0)
    halves = keras.ops.split(second, 2, axis=-1)
    assert [made_by(half).output for half in halves] == [0, 1]
    assert made_by(halves[0]).operation is made_by(halves[1]).operation
    assert isinstance(made_by(inputs).operation, keras.layers.InputLayer)


def test_an_output_of_a_nested_model_was_made_by_that_model():
    inputs = keras.Input((3,))
    nested = keras.Model(inputs, [keras.layers.Dense(2)(inputs), keras.layers.Dense(4)(inputs)])
    outer_inputs = keras.Input((3,))
    _, second = nested(outer_inputs)
    operation, call, output = made_by(second)
    assert operation is nested
    assert output == 1
    assert inputs_of_calls(nested)[call][0] is outer_inputs


def test_each_call_of_a_layer_keeps_what_it_took_in_order():
    one, other = keras.Input((4,)), keras.Input((4,))
    dense, add = keras.layers.Dense(4), keras.layers.Add()
    first = dense(one)
    dense(first)
    add([one, other])
    assert [[*map(id, tensors)] for tensors in inputs_of_calls(dense)] == [[id(one)], [id(first)]]
    assert [[*map(id, tensors)] for tensors in inputs_of_calls(add)] == [[id(one), id(other)]]


def test_calls_on_arrays_are_not_kept():
    dense = keras.layers.Dense(4)
    dense(X)
    assert inputs_of_calls(dense) == []


@pytest.mark.skipif(BACKEND != "tensorflow", reason="TensorFlow's")
def test_a_model_keeps_the_strategy_that_it_was_made_in():
    import tensorflow as tf

    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        model = make_regressor()
    assert distribution_strategy(model) is strategy
    assert distribution_strategy(make_regressor()).num_replicas_in_sync == 1


@pytest.mark.skipif(BACKEND == "tensorflow", reason="other backends'")
def test_a_model_has_no_strategy_elsewhere():
    assert distribution_strategy(make_regressor()) is None


def test_the_prediction_program_stays_until_the_model_is_compiled_again():
    model = make_regressor()
    program = prediction_program(model)
    model.predict(X, verbose=0)
    model.fit(X, Y, verbose=0)
    assert program is not None
    assert prediction_program(model) is program
    model.compile("sgd", "mse")
    assert prediction_program(model) is not program


def test_the_training_program_is_there_from_the_first_training_until_the_model_is_compiled_again():
    model = make_regressor()
    assert training_program(model) is None
    model.fit(X, Y, verbose=0)
    program = training_program(model)
    model.fit(X, Y, verbose=0)
    assert program is not None
    assert training_program(model) is program
    model.compile("sgd", "mse")
    assert training_program(model) is None


def broken():
    return ValueError("broken on purpose")


def fails_on_purpose():
    """TensorFlow puts an error in the data into one of its own, with the original's text."""
    return pytest.raises(Exception, match="broken on purpose")


class BreakingData(keras.utils.PyDataset):
    """Batches of 4 rows, of which one cannot be read."""

    def __init__(self, broken_batch):
        super().__init__()
        self.broken_batch = broken_batch

    def __len__(self):
        return 3

    def __getitem__(self, number):
        if number == self.broken_batch:
            raise broken()
        rows = slice(4 * number, 4 * number + 4)
        return X[rows], Y[rows]


class BreakingCallback(keras.callbacks.Callback):
    """Fails at the end of the second batch, when Keras holds the model's weights."""

    def on_train_batch_end(self, batch, logs=None):
        if batch == 1:
            raise broken()

    def on_test_batch_end(self, batch, logs=None):
        self.on_train_batch_end(batch)

    def on_predict_batch_end(self, batch, logs=None):
        self.on_train_batch_end(batch)


WAYS_TO_RUN = {
    "fit": lambda model, data, **options: model.fit(data, shuffle=False, verbose=0, **options),
    "evaluate": lambda model, data, **options: model.evaluate(data, verbose=0, **options),
    "predict": lambda model, data, **options: model.predict(data, verbose=0, **options),
}


def numbers_in(model):
    return [
        np.array(keras.ops.convert_to_numpy(variable)) for variable in (*model.variables, *model.optimizer.variables)
    ]


def assert_same(some, others):
    for one, other in zip(some, others, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("broken_batch", [1, 2])
@pytest.mark.parametrize("way", ["evaluate", "predict"])
def test_an_error_in_the_data_leaves_the_weights(way, broken_batch):
    model = make_regressor()
    model.fit(X, Y, verbose=0)
    before = numbers_in(model)
    with fails_on_purpose(), weights_kept_on_error(model):
        WAYS_TO_RUN[way](model, BreakingData(broken_batch))
    assert_same(numbers_in(model), before)


@pytest.mark.parametrize("way", ["evaluate", "predict"])
def test_an_error_in_a_callback_leaves_the_weights(way):
    model = make_regressor()
    model.fit(X, Y, verbose=0)
    before = numbers_in(model)
    with fails_on_purpose(), weights_kept_on_error(model):
        WAYS_TO_RUN[way](model, BreakingData(None), callbacks=[BreakingCallback()])
    assert_same(numbers_in(model), before)


class CountingSteps(keras.callbacks.Callback):
    """Keras may read batches ahead, and fail before it has trained on those before."""

    steps = 0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1


def trained_on_batches(count):
    model = make_regressor()
    keras.utils.set_random_seed(1)
    model.get_layer("dense").set_weights([np.full((3, 1), 0.5), np.zeros(1)])
    for number in range(count):
        model.train_on_batch(*BreakingData(None)[number])
    return model


@pytest.mark.skipif(BACKEND == "tensorflow", reason="TensorFlow's optimizer also counts the step that has no data")
@pytest.mark.parametrize("broken_by", ["data", "callback"])
def test_an_error_in_training_leaves_the_weights_and_the_optimizer_of_the_latest_step(broken_by):
    model = trained_on_batches(0)
    data = BreakingData(2 if broken_by == "data" else None)
    counting = CountingSteps()
    callbacks = [counting, BreakingCallback()] if broken_by == "callback" else [counting]
    with fails_on_purpose(), weights_kept_on_error(model):
        WAYS_TO_RUN["fit"](model, data, callbacks=callbacks)
    assert counting.steps >= 1
    for found, expected in zip(numbers_in(model), numbers_in(trained_on_batches(counting.steps)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5)


class Interrupting(keras.layers.Layer):
    interrupts = False

    def call(self, inputs):
        if self.interrupts:
            raise KeyboardInterrupt
        return inputs


@pytest.mark.parametrize("way", WAYS_TO_RUN)
def test_an_interruption_before_the_first_step_is_done_leaves_the_weights(way):
    inputs = keras.Input((3,))
    layer = Interrupting()
    model = keras.Model(inputs, layer(keras.layers.Dense(1)(inputs)))
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    model.fit(X, Y, verbose=0)
    model.compile(model.optimizer, "mse", run_eagerly=BACKEND == "torch")
    before = numbers_in(model)
    layer.interrupts = True
    with pytest.raises(KeyboardInterrupt), weights_kept_on_error(model):
        WAYS_TO_RUN[way](model, BreakingData(None))
    assert_same(numbers_in(model), before)


@pytest.mark.parametrize("broken_batch", [None, 0, 1])
def test_predictions_after_training_are_of_the_trained_weights_whatever_a_batch_before_left_behind(broken_batch):
    """Keras keeps the weights that `predict_on_batch` gave back, which `fit` has since deleted."""
    model = make_regressor()
    inputs = keras.Input((3,))
    view = keras.Model(inputs, model(inputs))
    view.predict_on_batch(X)
    model.fit(X, Y, epochs=2, verbose=0)
    trained = model.get_weights()
    with contextlib.nullcontext() if broken_batch is None else fails_on_purpose(), weights_kept_on_error(view):
        view.predict(BreakingData(broken_batch), verbose=0)
    assert_same(model.get_weights(), trained)
    kernel, bias = trained
    np.testing.assert_allclose(view.predict_on_batch(X), X @ kernel + bias, rtol=1e-5, atol=1e-6)


UNDOCUMENTED = {
    "distribute_strategy",
    "jax_state_sync",
    "make_predict_function",
    "make_test_function",
    "make_train_function",
    "metrics_variables",
    "predict_function",
    "state_sync",
    "test_function",
    "train_function",
}
ALLOWED_FILE = "_runtime/keras_internals.py"
NAMES_OF_NAMED_TUPLES = {"_asdict", "_fields", "_replace"}


def test_no_other_file_looks_into_keras():
    source = Path(keras_sngp.__file__).parent
    trees = {
        str(path.relative_to(source)): ast.parse(path.read_text(encoding="utf-8")) for path in source.rglob("*.py")
    }
    del trees[ALLOWED_FILE]
    own = NAMES_OF_NAMED_TUPLES.union(*map(names_made_in, trees.values()))
    found = [f"{path}: {name}" for path, tree in trees.items() for name in sorted(names_not_ours(tree, own))]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "layer._flatten_layers()",
        "self._tracker.lock()",
        "model.predict_function",
        "getattr(model, '_jax_state', None)",
        "import keras.src.backend",
        "from keras.src import tree",
    ],
)
def test_a_look_into_keras_would_be_seen(line):
    assert names_not_ours(ast.parse(line), NAMES_OF_NAMED_TUPLES)


def test_private_names_of_ones_own_are_ours():
    tree = ast.parse("class A:\n    def _f(self):\n        self._x = self._f\nother._x.__class__")
    assert not names_not_ours(tree, set(names_made_in(tree)))


def names_made_in(tree):
    """Private names that a file gives to functions, classes, modules and attributes."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def names_not_ours(tree, own):
    used = {name for node in ast.walk(tree) for name in names_used_by(node)}
    private = {name for name in used if name.startswith("_") and not name.endswith("__") and name not in own}
    return private | used & UNDOCUMENTED | {name for name in used if name.startswith("keras.src")}


def names_used_by(node):
    if isinstance(node, ast.Attribute):
        return [node.attr]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("getattr", "hasattr"):
        return [node.args[1].value] if isinstance(node.args[1], ast.Constant) else []
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
