import importlib
import sys

import keras
import numpy as np
import pytest

import keras_sngp as sngp
from keras_sngp.models.export.formats import require_packages
from keras_sngp.models.export.onnx_files import finish

FORMATS = {"tf_saved_model": "program", "onnx": "program.onnx", "litert": "program.tflite", "openvino": "program.xml"}
ROWS = 40
OUTPUTS = ("probabilities", "logits", "variance")
BATCHES = (1, 3, 7)
# OpenVINO computes in half precision on processors that have it, unless told otherwise.
SINGLE_PRECISION = {"INFERENCE_PRECISION_HINT": "f32"}
# PyTorch takes ten times as long to convert.
NOT_ON_TORCH = pytest.mark.quick_on("jax", "tensorflow")


@pytest.fixture(autouse=True)
def no_telemetry(monkeypatch):
    """OpenVINO reports each import over the network, if it can import the package that does it."""
    monkeypatch.setitem(sys.modules, "openvino_telemetry", None)


def fitted(inputs, x, bounded=False, **arguments):
    """A trained model on any structure of inputs, with a layer for each."""
    dense = [keras.layers.Dense(8, activation="relu") for _ in keras.tree.flatten(inputs)]
    dense = [sngp.SpectralNormalization(layer) if bounded else layer for layer in dense]
    branches = [layer(tensor) for layer, tensor in zip(dense, keras.tree.flatten(inputs), strict=True)]
    hidden = keras.layers.Concatenate()(branches) if len(branches) > 1 else branches[0]
    layer = sngp.RandomFeatureGaussianProcess(
        num_inducing=16, returns="mean_field_logits", kernel_initializer="random_normal", seed=1, **arguments
    )
    model = keras.Model(inputs, layer(hidden))
    sngp.fit_posterior(model, x)
    return model


def random_rows(*shape):
    return np.random.default_rng(shape[-1]).normal(size=(ROWS, *shape)).astype("float32")


def single_input():
    x = random_rows(4)
    return fitted(keras.Input((4,), name="point"), x, units=2), x


def dict_of_inputs_with_a_covariance_a_class():
    x = {"position": random_rows(4), "speed": random_rows(3)}
    inputs = {name: keras.Input(rows.shape[1:], name=name) for name, rows in x.items()}
    return fitted(inputs, x, units=3, gp_cov_likelihood="categorical"), x


def list_of_inputs_with_one_logit():
    x = [random_rows(4), random_rows(3)]
    inputs = [keras.Input((4,), name="position"), keras.Input((3,), name="speed")]
    return fitted(inputs, x, units=1, gp_cov_likelihood="binary_logistic"), x


MODELS = [single_input, dict_of_inputs_with_a_covariance_a_class, list_of_inputs_with_one_logit]


def named(x, names):
    """The inputs as a runtime takes them, by name."""
    if not isinstance(x, dict):
        x = dict(zip(names, keras.tree.flatten(x), strict=True))
    return {name: np.ascontiguousarray(rows) for name, rows in x.items()}


def run_saved_model(path, batches, names):
    tensorflow = importlib.import_module("tensorflow")
    serve = tensorflow.saved_model.load(str(path)).signatures["serving_default"]
    for x in batches:
        tensors = {name: tensorflow.constant(rows) for name, rows in named(x, names).items()}
        yield {name: value.numpy() for name, value in serve(**tensors).items()}


def run_onnx(path, batches, names):
    session = importlib.import_module("onnxruntime").InferenceSession(str(path))
    outputs = [value.name for value in session.get_outputs()]
    for x in batches:
        yield dict(zip(outputs, session.run(None, named(x, names)), strict=True))


def run_litert(path, batches, names):
    interpreter = importlib.import_module("ai_edge_litert.interpreter").Interpreter(model_path=str(path))
    run = interpreter.get_signature_runner("serving_default")
    for x in batches:
        yield run(**named(x, names))


def run_openvino(path, batches, names):
    compiled = importlib.import_module("openvino").Core().compile_model(str(path), "CPU", SINGLE_PRECISION)
    for x in batches:
        outputs = compiled(named(x, names))
        yield {name: outputs[name] for name in OUTPUTS}


RUN = {"tf_saved_model": run_saved_model, "onnx": run_onnx, "litert": run_litert, "openvino": run_openvino}


def check_program(model, x, path, format):
    """The exported program gives the numbers of `predict_distribution` for each size of batch."""
    names = [tensor.name for tensor in model.inputs]
    batches = [keras.tree.map_structure(lambda rows, n=n: rows[:n], x) for n in BATCHES]
    prediction = sngp.predict_distribution(model, x)
    for n, outputs in zip(BATCHES, RUN[format](path, batches, names), strict=True):
        assert sorted(outputs) == sorted(OUTPUTS)
        for name, rows in outputs.items():
            expected = getattr(prediction, name)[:n]
            assert rows.shape == expected.shape
            np.testing.assert_allclose(rows, expected, atol=1e-5, err_msg=f"{name} of {n} rows")


# Each model in one format; the others are long.
QUICK = {
    (single_input, "onnx"),
    (dict_of_inputs_with_a_covariance_a_class, "tf_saved_model"),
    (list_of_inputs_with_one_logit, "litert"),
}
CASES = [
    pytest.param(make, format, marks=[] if (make, format) in QUICK else pytest.mark.long)
    for make in MODELS
    for format in FORMATS
    if (make, format) != (single_input, "openvino")
]
CASES.append(pytest.param(single_input, "openvino", marks=NOT_ON_TORCH))


@pytest.mark.parametrize(("make", "format"), CASES)
def test_a_program_gives_the_models_numbers_for_any_batch(make, format, tmp_path):
    model, x = make()
    sngp.export_model(model, tmp_path / FORMATS[format], format)
    check_program(model, x, tmp_path / FORMATS[format], format)


def with_bounded_layers():
    x = random_rows(6, 6, 2)
    inputs = keras.Input((6, 6, 2), name="image")
    convolution = keras.layers.Conv2D(4, 3, padding="same", strides=2, activation="relu")
    layers = (convolution, keras.layers.Dense(8, activation="relu"))
    hidden = inputs
    for layer in layers:
        hidden = sngp.SpectralNormalization(layer, 0.5)(hidden)
    hidden = keras.layers.GlobalAveragePooling2D()(hidden)
    process = sngp.RandomFeatureGaussianProcess(2, 16, kernel_initializer="random_normal", seed=1)
    model = keras.Model(inputs, process(hidden))
    for layer in layers:
        layer.kernel.assign(layer.kernel * 4)
    sngp.fit_posterior(model, x)
    layers[1].kernel.assign(keras.ops.flip(layers[1].kernel, axis=1) * 2)
    return model, x


@NOT_ON_TORCH
@pytest.mark.parametrize(
    "format", ["onnx", *(pytest.param(name, marks=pytest.mark.long) for name in FORMATS if name != "onnx")]
)
def test_bounded_layers_are_exported_with_the_norms_of_their_present_kernels(format, tmp_path):
    model, x = with_bounded_layers()
    sngp.export_model(model, tmp_path / FORMATS[format], format)
    check_program(model, x, tmp_path / FORMATS[format], format)


@pytest.mark.long
def test_folded_and_calibrated_a_model_of_bounded_layers_becomes_an_onnx_program(tmp_path):
    x = random_rows(4)
    model = fitted(keras.Input((4,), name="point"), x, bounded=True, units=2)
    sngp.calibrate(model, x, x[:, 0] > 0)
    sngp.export_model(sngp.fold(model), tmp_path / "program.onnx", "onnx")
    check_program(model, x, tmp_path / "program.onnx", "onnx")


@keras.saving.register_keras_serializable("tests_of_export")
class Pair(keras.Model):
    """A backbone that is no functional model and takes a dict."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(8)

    def call(self, inputs):
        return self.dense(inputs["left"]) + self.dense(inputs["right"])


@NOT_ON_TORCH
@pytest.mark.parametrize("format", [pytest.param("tf_saved_model", marks=pytest.mark.long), "onnx"])
def test_a_subclassed_model_exports_itself_with_the_inputs_it_has_seen(format, tmp_path):
    x = {"left": random_rows(4), "right": random_rows(4)[::-1]}
    model = sngp.SNGP(Pair(), 2, num_inducing=16, gp_kernel_scale=1.0)
    model(x)
    model.fit_posterior(x)
    model.export(tmp_path / FORMATS[format], format=format)
    (outputs,) = RUN[format](tmp_path / FORMATS[format], [x], None)
    np.testing.assert_allclose(outputs["probabilities"], model.predict_distribution(x).probabilities, atol=1e-5)
    np.testing.assert_allclose(outputs["variance"], model.predict_distribution(x).variance, atol=1e-5)


def test_integer_inputs_of_a_backbone_stay_integers(tmp_path):
    words = np.random.default_rng(0).integers(0, 9, (ROWS, 6)).astype("int32")
    tokens = keras.Input((6,), dtype="int32", name="tokens")
    pooled = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(9, 8)(tokens))
    model = sngp.SNGP(keras.Model(tokens, pooled), 2, num_inducing=16, gp_kernel_scale=1.0)
    model(words)
    model.fit_posterior(words)
    model.export(tmp_path / "program.onnx", format="onnx")
    (outputs,) = run_onnx(tmp_path / "program.onnx", [words], ["tokens"])
    np.testing.assert_allclose(outputs["variance"], model.predict_distribution(words).variance, atol=1e-5)


def test_the_next_export_replaces_the_last(tmp_path, capsys):
    model, x = single_input()
    earlier = tmp_path / "program"
    earlier.mkdir()
    for name in ("saved_model.pb", "of_the_earlier_export"):
        (earlier / name).write_text("earlier")
    sngp.export_model(model, earlier, verbose=True)
    check_program(model, x, earlier, "tf_saved_model")
    assert f"Saved the program in format 'tf_saved_model' at {str(earlier)!r}" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["program"]
    assert not (earlier / "of_the_earlier_export").exists()


def test_options_go_to_the_converter(tmp_path):
    onnx = pytest.importorskip("onnx")
    sngp.export_model(single_input()[0], tmp_path / "program.onnx", "onnx", converter_options={"opset_version": 18})
    versions = {opset.domain: opset.version for opset in onnx.load(tmp_path / "program.onnx").opset_import}
    assert versions[""] == 18


def test_after_an_error_the_earlier_file_is_there_and_nothing_else(tmp_path):
    model, _ = single_input()
    path = tmp_path / "program.tflite"
    path.write_text("earlier")
    if keras.backend.backend() == "torch":
        error, message = RuntimeError, "load with the tensorflow backend"
    else:
        error, message = ValueError, "Received: 'no_such_option'"
    with pytest.raises(error, match=message):
        sngp.export_model(model, path, "litert", converter_options={"no_such_option": 1})
    assert [file.name for file in tmp_path.iterdir()] == ["program.tflite"]
    assert path.read_text() == "earlier"


def test_folders_with_other_files_are_left_alone(tmp_path):
    model, _ = single_input()
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(FileExistsError, match="Only a SavedModel or an empty folder is replaced"):
        sngp.export_model(model, tmp_path)
    with pytest.raises(FileExistsError, match="must be a file"):
        sngp.export_model(model, tmp_path, "onnx")
    with pytest.raises(FileNotFoundError, match="must be there"):
        sngp.export_model(model, tmp_path / "nowhere" / "program.onnx", "onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("format", "name", "message"),
    [
        ("pickle", "program", r"one of tf_saved_model, onnx, litert, openvino. Received: 'pickle'"),
        ("litert", "program.onnx", r"must end in \.tflite .*Received: '.*program\.onnx'"),
        ("openvino", "program", r"must end in \.xml .*Received: '.*program'"),
    ],
)
def test_wrong_formats_and_names_are_refused(format, name, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        sngp.export_model(single_input()[0], tmp_path / name, format)


def test_a_model_without_a_posterior_is_refused(tmp_path):
    model = sngp.SNGP(sngp.DeepResNet(num_layers=1, num_hidden=8), 2, num_inducing=16)
    model(random_rows(2))
    with pytest.raises(ValueError, match="has not been fitted yet"):
        model.export(tmp_path / "program")
    with pytest.raises(ValueError, match="must contain a RandomFeatureGaussianProcess"):
        sngp.export_model(keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)]), tmp_path / "program")


def test_missing_packages_are_named():
    missing = ("a_package_that_nobody_has",)
    with pytest.raises(ImportError, match=r"'onnx' with the .* backend needs .*pip install a_package_that_nobody_has"):
        require_packages("onnx", missing)


def test_onnx_programs_with_a_fixed_number_of_rows_are_refused(tmp_path):
    onnx = importlib.import_module("onnx")
    rows = [onnx.helper.make_tensor_value_info(name, 1, [1, 2]) for name in ("x", "y")]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Neg", ["x"], ["y"])], "fixed", rows[:1], rows[1:])
    onnx.save(onnx.helper.make_model(graph), str(tmp_path / "fixed.onnx"))
    with pytest.raises(ValueError, match=r"fixed the number of rows.*Received: 1 rows of"):
        finish(tmp_path / "fixed.onnx", ["probabilities"])


def test_what_one_converter_cannot_express_another_one_writes(tmp_path):
    """PyTorch's converter has no layer normalisation with a dynamic batch, TensorFlow's no exact GELU."""
    x = random_rows(4)
    inputs = keras.Input((4,), name="point")
    hidden = keras.layers.LayerNormalization()(keras.layers.Dense(8, activation="gelu")(inputs))
    layer = sngp.RandomFeatureGaussianProcess(2, 16, returns="mean_field_logits", kernel_initializer="normal", seed=1)
    model = keras.Model(inputs, layer(hidden))
    sngp.fit_posterior(model, x)
    sngp.export_model(model, tmp_path / "program.onnx", "onnx")
    check_program(model, x, tmp_path / "program.onnx", "onnx")


@NOT_ON_TORCH
@pytest.mark.parametrize("padding", [pytest.param("valid", marks=pytest.mark.long), "same"])
def test_pooling_is_written_in_a_form_that_runtimes_take(tmp_path, padding):
    x = random_rows(7, 6, 3)
    inputs = keras.Input((7, 6, 3), name="image")
    hidden = keras.layers.MaxPooling2D((3, 2), strides=2, padding=padding)(inputs)
    hidden = keras.layers.Flatten()(keras.layers.AveragePooling2D(2, strides=1, padding=padding)(hidden))
    layer = sngp.RandomFeatureGaussianProcess(2, 16, returns="mean_field_logits", kernel_initializer="normal", seed=1)
    model = keras.Model(inputs, layer(hidden))
    sngp.fit_posterior(model, x)
    sngp.export_model(model, tmp_path / "program.onnx", "onnx")
    check_program(model, x, tmp_path / "program.onnx", "onnx")
