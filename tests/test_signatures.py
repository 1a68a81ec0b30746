"""Every public call shows its arguments: by name, with their types and defaults."""

import importlib
import inspect
import tomllib
from pathlib import Path

import keras
import pytest

import keras_sngp as sngp

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
ROOMS = ("layers", "metrics", "metrics.streaming", "metrics.scores", "calibration", "deferral", "plots", "models")
SELF = ("self", "cls")

# Calls that take any number of arguments, and why.
VARIADIC = {
    "metrics.bootstrap_interval": "arrays: as many as the metric takes",
    "metrics.bootstrap_draws": "arrays: as many as the metric takes",
}

# Arguments of the layer that `SNGP` and `convert` set themselves, and what every Keras layer and model has.
ONLY_OF_THE_LAYER = {"units", "returns", "activity_regularizer"}
OF_KERAS = {"name", "dtype", "trainable"}
OTHER_DEFAULTS = {"gp_kernel_scale": "auto", "gp_geometry": "polar", "scale_random_features": False}


def public_things():
    for room in ("", *ROOMS):
        module = importlib.import_module(f"keras_sngp.{room}".rstrip("."))
        names = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
        for name in names:
            thing = getattr(module, name)
            if callable(thing) and thing.__module__.startswith("keras_sngp"):
                yield f"{room or 'keras_sngp'}.{name}", thing


def calls_of(name, thing):
    """A function itself; of a class, its constructor and public methods, as far as they are written in this package."""
    if not inspect.isclass(thing):
        yield name, thing
        return
    for owner in thing.__mro__:
        if not owner.__module__.startswith("keras_sngp"):
            continue
        for attribute, value in vars(owner).items():
            function = value.__func__ if isinstance(value, classmethod | staticmethod) else value
            function = function.fget if isinstance(function, property) else function
            if inspect.isfunction(function) and (attribute in ("__init__", "__call__") or attribute[0] != "_"):
                yield f"{name}.{attribute}", function


CALLS = {
    label: call
    for name, thing in public_things()
    for label, call in calls_of(name, thing)
    if call.__module__.startswith("keras_sngp")
}


def parameters(call):
    return {name: one for name, one in inspect.signature(call).parameters.items() if name not in SELF}


def defaults(call):
    return {name: one.default for name, one in parameters(call).items()}


def test_the_calls_are_found():
    expected = {"keras_sngp.convert", "keras_sngp.SNGP.__init__", "keras_sngp.SNGP.fit", "layers.Dropout.__init__"}
    assert expected <= CALLS.keys()


@pytest.mark.parametrize("label", CALLS)
def test_public_calls_hide_no_argument_and_say_every_type(label):
    call = CALLS[label]
    for name, parameter in parameters(call).items():
        hidden = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        assert not hidden or VARIADIC.get(label, "").startswith(name), f"{label}: {name}"
        assert parameter.annotation is not parameter.empty, f"{label}: {name}"
    assert inspect.signature(call).return_annotation is not inspect.Signature.empty, label


def test_sngp_and_convert_take_the_layers_arguments_with_its_defaults():
    layer = defaults(sngp.RandomFeatureGaussianProcess.__init__)
    expected = {name: value for name, value in layer.items() if name not in ONLY_OF_THE_LAYER | OF_KERAS}
    expected |= OTHER_DEFAULTS
    of_sngp, of_convert = defaults(sngp.SNGP.__init__), defaults(sngp.convert)
    assert {name: of_sngp.get(name, "missing") for name in expected} == expected
    assert {name: of_convert.get(name, "missing") for name in expected} == expected
    assert of_sngp.keys() - expected.keys() == {"backbone", "num_classes", "constrained_layers", *OF_KERAS}
    own = {"model", "norm_multiplier", "head", "skip", "constrain_composite_layers"}
    assert of_convert.keys() - expected.keys() == own


def test_the_tutorials_network_takes_the_layers_arguments_with_its_defaults():
    layer = defaults(sngp.RandomFeatureGaussianProcess.__init__)
    network = defaults(sngp.DeepResNetSNGP.__init__)
    shared = network.keys() & layer.keys()
    assert {name: network[name] for name in shared} == {name: layer[name] for name in shared} | {"gp_cov_momentum": -1}


def test_the_arguments_are_those_of_the_saved_configuration():
    model = sngp.SNGP(sngp.DeepResNet(num_layers=1, num_hidden=4), 2)
    assert model.get_config().keys() == parameters(sngp.SNGP.__init__).keys()
    layer = sngp.RandomFeatureGaussianProcess(2)
    assert layer.get_config().keys() == parameters(type(layer).__init__).keys() - {"activity_regularizer"}


@pytest.mark.parametrize("model_class", [sngp.SNGP, sngp.DeepResNetSNGPWithCovReset, sngp.DeepEnsemble])
def test_fit_takes_the_arguments_of_keras_with_their_defaults(model_class):
    of_keras, ours = defaults(keras.Model.fit), defaults(model_class.fit)
    assert ours.keys() == of_keras.keys()
    assert {**ours, "x": None} == of_keras


def test_predict_takes_the_arguments_of_keras_with_their_defaults():
    assert defaults(sngp.SNGP.predict) == defaults(keras.Model.predict)


@pytest.mark.parametrize(
    "method, function",
    [
        (sngp.SNGP.fit_posterior, sngp.fit_posterior),
        (sngp.SNGP.update_posterior, sngp.update_posterior),
        (sngp.SNGP.predict_distribution, sngp.predict_distribution),
        (sngp.DeepResNetSNGP.predict_distribution, sngp.predict_distribution),
        (sngp.SNGP.calibrate, sngp.calibrate),
        (sngp.SNGP.export, sngp.export_model),
    ],
)
def test_a_method_takes_the_arguments_of_the_function_it_calls(method, function):
    of_function = {name: one for name, one in parameters(function).items() if name != "model"}
    assert parameters(method) == of_function


def test_an_argument_that_does_not_exist_is_refused_by_name():
    backbone = sngp.DeepResNet(num_layers=1, num_hidden=4)
    with pytest.raises(TypeError, match="gp_kernel_scales"):
        sngp.SNGP(backbone, 2, gp_kernel_scales=1.0)


def test_mypy_is_strict_on_every_room():
    """A room that has become strict does not slide back: one flag for all, and no exception but other people's code."""
    settings = tomllib.loads(PYPROJECT.read_text())["tool"]["mypy"]
    assert settings["strict"] is True
    assert settings["files"] == ["src"]
    assert {name for name, value in settings.items() if value is False} == {"disallow_subclassing_any"}
    assert all(
        not module.startswith("keras_sngp") for override in settings["overrides"] for module in override["module"]
    )
