"""Conversion of whole networks, with norms checked against explicit matrices."""

import json

import keras
import numpy as np
import pytest
from keras import layers, ops
from mathematics import matrix_of, numpy, spectral_norm

import keras_sngp as sngp
from keras_sngp._runtime.keras_internals import layers_of

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
IMAGE = (6, 6, 2)


def images(rows=12, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, *IMAGE)).astype("float32")


def labels(rows=12, classes=3):
    return np.arange(rows) % classes


def shrink(model, factor=0.05):
    for weight in model.trainable_variables:
        weight.assign(weight * factor)
    return model


def every_kind_of_layer():
    return keras.Sequential(
        [
            keras.Input(IMAGE),
            layers.Conv2D(3, 3, padding="same", kernel_initializer="he_normal"),
            layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, depthwise_initializer="he_normal"),
            layers.SeparableConv2D(4, 3, padding="same", strides=2, pointwise_initializer="he_normal"),
            layers.Conv2DTranspose(2, 3, strides=2, padding="same", kernel_initializer="he_normal"),
            layers.EinsumDense("abcd,de->abce", (6, 6, 4), kernel_initializer="he_normal"),
            layers.Flatten(),
            layers.Dense(5, kernel_initializer="he_normal"),
            layers.Dense(3, activation="softmax"),
        ],
        name="every_kind",
    )


def assert_bounds_hold(model, norm_multiplier, tolerance=1.01):
    wrappers = [layer for layer in model.backbone.layers if isinstance(layer, sngp.SpectralNormalization)]
    assert len(wrappers) == 6
    for wrapper in wrappers:
        shape = wrapper.input.shape[1:]
        assert spectral_norm(matrix_of(wrapper, shape)) <= tolerance * norm_multiplier, wrapper.name


@pytest.mark.quick_on("torch")
def test_bounds_hold_by_explicit_matrices_when_converted_trained_loaded_and_folded(tmp_path):
    original = every_kind_of_layer()
    model, report = sngp.convert(original, num_inducing=32, norm_multiplier=0.8)
    assert_bounds_hold(model, 0.8)
    for layer, row in zip(original.layers, report.layers, strict=True):
        if row.treatment == "bounded":
            expected = spectral_norm(matrix_of(layer, layer.input.shape[1:]))
            assert 0.99 * expected <= row.norm_before <= expected * 1.0001
            assert row.norm_after == pytest.approx(min(row.norm_before, 0.8))

    model.compile(keras.optimizers.SGD(0.05), LOSS)
    model.fit(images(), labels(), epochs=3, batch_size=4, verbose=0)
    assert_bounds_hold(model, 0.8, tolerance=1.001)
    expected = model.predict_distribution(images(seed=1)).probabilities

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert_bounds_hold(loaded, 0.8, tolerance=1.001)
    folded = sngp.fold(loaded)
    kinds = {type(layer).__name__ for layer in folded.backbone.layers}
    assert "SpectralNormalization" not in kinds and "SeparableConv2D" in kinds
    np.testing.assert_allclose(folded.predict_distribution(images(seed=1)).probabilities, expected, atol=1e-6)


@pytest.mark.quick_on("torch")
def test_features_stay_the_same_where_norms_are_under_the_bound():
    original = shrink(every_kind_of_layer())
    features = keras.Model(original.inputs[0], original.layers[-1].input)
    expected = numpy(features(images()))
    model, report = sngp.convert(original, num_inducing=16, norm_multiplier=0.95)
    assert max(row.norm_before for row in report.layers if row.norm_before) < 0.95
    np.testing.assert_allclose(numpy(model.backbone(images())), expected, atol=1e-6)
    np.testing.assert_allclose(numpy(sngp.fold(model).backbone(images())), expected, atol=1e-6)


def test_training_the_converted_model_leaves_the_original_alone():
    original = keras.Sequential([keras.Input((4,)), layers.Dense(5, activation="relu"), layers.Dense(3)])
    before = [numpy(weight) for weight in original.weights]
    model, _ = sngp.convert(original, num_inducing=16, norm_multiplier=3.0)
    model.compile("sgd", LOSS)
    model.fit(images()[:, 0, :2].reshape(12, 4), labels(), verbose=0)
    for weight, value in zip(original.weights, before, strict=True):
        np.testing.assert_array_equal(numpy(weight), value)
    again, _ = sngp.convert(original, num_inducing=16)
    assert again.count_params() == model.count_params()


def attention_classifier():
    inputs = keras.Input((4, 6))
    hidden = layers.MultiHeadAttention(2, 3)(inputs, inputs)
    hidden = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(inputs + hidden))
    return keras.Model(inputs, layers.Dense(3, name="logits")(hidden))


def constrained_matrices(model):
    for variable in model.backbone.trainable_variables:
        if isinstance(variable.constraint, sngp.SpectralNormConstraint):
            operator = variable.constraint.operator
            kernel = numpy(variable).transpose(operator.axes)
            yield from kernel.reshape(operator.blocks, operator.inputs, operator.outputs)


@pytest.mark.quick_on("torch")
def test_kernels_inside_composite_layers_stay_bounded_in_training_and_after_loading(tmp_path):
    x = np.random.default_rng(0).normal(size=(12, 4, 6)).astype("float32")
    model, report = sngp.convert(attention_classifier(), num_inducing=16, norm_multiplier=0.5)
    assert report.count("by constraint") == 4
    assert "softmax attention" in str(report)
    model.compile(keras.optimizers.SGD(1.0), LOSS)
    model.fit(x, labels(), batch_size=4, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(numpy(loaded.backbone(x)), numpy(model.backbone(x)))
    loaded.compile(keras.optimizers.SGD(1.0), LOSS)
    loaded.fit(x, labels(), batch_size=4, verbose=0)
    for trained in (model, loaded):
        norms = [np.linalg.norm(matrix, ord=2) for matrix in constrained_matrices(trained)]
        assert len(norms) == 4
        assert max(norms) < 0.5 * 1.01
        assert max(norms) > 0.45


def test_composite_layers_are_left_alone_on_request():
    model, report = sngp.convert(attention_classifier(), num_inducing=16, constrain_composite_layers=False)
    assert report.count("by constraint") == 0
    assert {row.reason for row in report.layers if row.treatment == "skipped"} == {"composite, as asked"}
    assert not list(constrained_matrices(model))


@pytest.mark.parametrize("ending", ["softmax", "softmax layer", "activation layer", "softmax operation", "nested"])
def test_head_and_its_activation_are_replaced_wherever_they_are(ending):
    inputs = keras.Input((4,))
    hidden = layers.Dense(5, name="hidden")(inputs)
    outputs = layers.Dense(3, activation="softmax" if ending == "softmax" else None, name="head")(hidden)
    if ending == "softmax layer":
        outputs = layers.Softmax()(outputs)
    if ending == "activation layer":
        outputs = layers.Activation("softmax")(outputs)
    if ending == "softmax operation":
        outputs = ops.softmax(outputs)
    original = keras.Model(inputs, outputs)
    if ending == "nested":
        original = keras.Sequential([keras.Input((4,)), layers.Rescaling(2.0), original])
    shrink(original, 0.2)
    model, report = sngp.convert(original, num_inducing=16)
    assert [row.kind for row in report.layers if row.treatment == "head"] == ["Dense"]
    x = images()[:, 0, :2].reshape(12, 4)
    dense = next(layer for layer in layers_of(original) if layer.name == "hidden")
    expected = numpy(dense(2 * x if ending == "nested" else x))
    np.testing.assert_allclose(numpy(model.backbone(x)), expected, atol=1e-6)


def test_single_logit_heads_give_one_logit():
    original = keras.Sequential([keras.Input((4,)), layers.Dense(5), layers.Dense(1, activation="sigmoid")])
    model, _ = sngp.convert(original, num_inducing=16)
    x = images()[:, 0, :2].reshape(12, 4)
    model.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True))
    model.fit(x, labels(classes=2), verbose=0)
    assert model.predict_distribution(x).probabilities.shape == (12, 2)
    assert 0 < model.calibrate(x, labels(classes=2)).temperature < 20


def test_several_inputs_by_name():
    inputs = {"left": keras.Input((4,), name="left"), "right": keras.Input((2,), name="right")}
    hidden = layers.Concatenate()([layers.Dense(3)(inputs["left"]), layers.Dense(3)(inputs["right"])])
    original = keras.Model(inputs, layers.Dense(3)(hidden))
    model, report = sngp.convert(original, num_inducing=16)
    assert report.count("bounded") == 2
    x = {"left": images()[:, 0, :2].reshape(12, 4), "right": images()[:, 0, 0]}
    model.compile("sgd", LOSS)
    model.fit(x, labels(), verbose=0)
    assert model.predict_distribution(x).probabilities.shape == (12, 3)


def test_several_inputs_survive_saving_in_order(tmp_path):
    inputs = [keras.Input((4,)), keras.Input((2,))]
    hidden = layers.Concatenate()([layers.Dense(3)(inputs[0]), layers.Dense(3)(inputs[1])])
    model, _ = sngp.convert(keras.Model(inputs, layers.Dense(3)(hidden)), num_inducing=16)
    x = [images()[:, 0, :2].reshape(12, 4), images()[:, 0, 0]]
    sngp.fit_posterior(model, x)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    variance = model.predict_distribution(x).variance
    np.testing.assert_allclose(loaded.predict_distribution(x).variance, variance, rtol=1e-6)


def two_outputs():
    inputs = keras.Input((4,))
    hidden = layers.Dense(5, name="shared")(inputs)
    return keras.Model(
        inputs,
        {
            "colour": layers.Dense(3, name="colour")(hidden),
            "shape": layers.Dense(2, name="shape")(layers.Dense(4, name="more")(hidden)),
        },
    )


def test_one_of_several_outputs_is_chosen_by_name():
    model, report = sngp.convert(two_outputs(), num_inducing=16, head="shape")
    assert model.num_classes == 2
    assert [row.name for row in report.layers if row.treatment == "bounded"] == ["shared", "more"]


@pytest.mark.parametrize("head", [None, "size"])
def test_several_outputs_need_a_choice(head):
    with pytest.raises(ValueError, match=rf"one of the 2 outputs: colour, shape. Received: {head!r}"):
        sngp.convert(two_outputs(), head=head)


def test_a_shared_layer_stays_shared():
    inputs = keras.Input((4,))
    twice = layers.Dense(4, name="twice")
    original = keras.Model(inputs, layers.Dense(3)(twice(twice(inputs))))
    model, report = sngp.convert(original, num_inducing=16, norm_multiplier=0.3)
    assert report.count("bounded") == 1
    kernel = numpy(model.backbone.get_layer("twice").effective_kernel())
    x = images()[:, 0, :2].reshape(12, 4)
    np.testing.assert_allclose(numpy(model.backbone(x)), x @ kernel @ kernel, atol=1e-5)


def test_a_convolution_shared_between_image_sizes_gets_the_bound_for_every_size():
    shared = layers.Conv2D(2, 3, padding="same", use_bias=False, kernel_initializer="he_normal")
    large, small = keras.Input((8, 8, 2)), keras.Input((4, 4, 2))
    pooled = [layers.GlobalAveragePooling2D()(shared(image)) for image in (large, small)]
    original = keras.Model([large, small], layers.Dense(3)(layers.Concatenate()(pooled)))
    model, _ = sngp.convert(original, num_inducing=16, norm_multiplier=0.5)
    wrapper = model.backbone.get_layer(shared.name)
    for shape in ((8, 8, 2), (4, 4, 2)):
        assert spectral_norm(matrix_of(wrapper, shape)) <= 0.5


def test_a_pretrained_part_that_is_frozen_keeps_computing_what_it_did():
    base = keras.Sequential([keras.Input((4,)), layers.Dense(5, name="inner")], name="base")
    base.trainable = False
    inputs = keras.Input((4,))
    original = keras.Model(inputs, layers.Dense(3)(layers.Dense(6, name="own")(3 * base(inputs))))
    model, report = sngp.convert(original, num_inducing=16, norm_multiplier=0.1)
    reasons = {row.name: (row.treatment, row.reason) for row in report.layers}
    assert reasons["base/inner"] == ("skipped", "frozen: training could not make up for the change")
    assert reasons["own"][0] == "bounded"
    x = images()[:, 0, :2].reshape(12, 4)
    kept = model.backbone.get_layer("base")
    np.testing.assert_allclose(numpy(kept(x)), numpy(base(x)), atol=1e-6)
    assert not kept.trainable_variables


def test_layers_named_in_skip_and_no_bound_at_all():
    original = keras.Sequential([keras.Input((4,)), layers.Dense(5, name="first"), layers.Dense(5), layers.Dense(3)])
    _, report = sngp.convert(original, num_inducing=16, skip=["first"])
    assert (report.layers[0].treatment, report.layers[0].reason) == ("skipped", "as asked")
    model, report = sngp.convert(original, num_inducing=16, norm_multiplier=None)
    assert report.count("bounded") == 0
    assert not model.constrained_layers


def test_names_in_skip_must_exist():
    original = keras.Sequential([keras.Input((4,)), layers.Dense(5, name="first"), layers.Dense(3)])
    with pytest.raises(ValueError, match=r"`skip` must name layers of the model. Received: 'frist'"):
        sngp.convert(original, skip=["frist"])


def test_regularisers_and_constraints_of_the_original_still_count():
    dense = layers.Dense(5, kernel_regularizer=keras.regularizers.L2(0.1), kernel_constraint=keras.constraints.NonNeg())
    original = keras.Sequential([keras.Input((4,)), dense, layers.Dense(3)])
    model, _ = sngp.convert(original, num_inducing=16, l2_regularization=0.0)
    penalty = 0.1 * np.sum(numpy(dense.kernel) ** 2)
    np.testing.assert_allclose(float(numpy(sum(model.losses))), penalty, rtol=1e-5)
    x = images()[:, 0, :2].reshape(12, 4)
    model.compile(keras.optimizers.SGD(0.5), LOSS)
    model.fit(x, labels(), verbose=0)
    assert numpy(model.backbone.get_layer(dense.name).layer.kernel).min() >= 0


def test_a_constraint_inside_a_composite_layer_is_applied_before_ours():
    inputs = keras.Input((4, 6))
    attention = layers.MultiHeadAttention(2, 3, kernel_constraint=keras.constraints.NonNeg())
    hidden = layers.GlobalAveragePooling1D()(attention(inputs, inputs))
    model, _ = sngp.convert(keras.Model(inputs, layers.Dense(3)(hidden)), num_inducing=16, norm_multiplier=0.4)
    for matrix in constrained_matrices(model):
        assert matrix.min() >= 0
        assert np.linalg.norm(matrix, ord=2) < 0.4 * 1.01


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_networks_convert_train_and_fold(policy):
    inputs = keras.Input((4,))
    hidden = layers.Dense(5, activation="relu", dtype=policy)(inputs)
    original = keras.Model(inputs, layers.Dense(3, dtype=policy)(hidden))
    model, report = sngp.convert(original, num_inducing=16)
    assert report.count("bounded") == 1
    x = images()[:, 0, :2].reshape(12, 4)
    model.compile("adam", LOSS)
    model.fit(x, labels(), verbose=0)
    prediction = model.predict_distribution(x)
    assert prediction.probabilities.dtype == np.float32
    folded = sngp.fold(model).predict_distribution(x)
    np.testing.assert_allclose(folded.probabilities, prediction.probabilities, atol=1e-4)


def test_batch_normalisation_is_reported_with_its_scale():
    original = keras.Sequential([keras.Input((4,)), layers.BatchNormalization(), layers.Dense(3)])
    original.layers[0].gamma.assign([1.0, -3.0, 2.0, 0.5])
    original.layers[0].moving_variance.assign([1.0, 0.25, 1.0, 1.0])
    _, report = sngp.convert(original, num_inducing=16)
    row = report.layers[0]
    assert (row.treatment, row.norm_before) == ("unbounded", pytest.approx(6.0, rel=1e-2))


@pytest.mark.quick_on("torch")
def test_report_prints_a_table_and_goes_to_json():
    _, report = sngp.convert(every_kind_of_layer(), num_inducing=16)
    text = str(report)
    assert "SeparableConv2D" in text and "6 bounded" in text and "Flatten" not in text
    assert json.loads(json.dumps(report.to_dict()))["layers"][-1]["treatment"] == "head"


def test_lora_layers_are_skipped_with_the_reason():
    original = keras.Sequential([keras.Input((4,)), layers.Dense(5), layers.Dense(3)])
    original.layers[0].enable_lora(2)
    _, report = sngp.convert(original, num_inducing=16)
    assert report.layers[0].treatment == "skipped"
    assert "LoRA" in report.layers[0].reason


def test_lambdas_operations_and_layers_of_ones_own_are_kept():
    inputs = keras.Input((4,))
    hidden = layers.Lambda(lambda x: 2 * x)(inputs) + ops.sin(inputs)
    hidden = layers.PReLU()(hidden)
    original = keras.Model(inputs, layers.Dense(3)(hidden))
    model, report = sngp.convert(original, num_inducing=16)
    assert report.layers[-2].reason == "its map is not known to be linear"
    x = abs(images()[:, 0, :2].reshape(12, 4))
    np.testing.assert_allclose(numpy(model.backbone(x)), 2 * x + np.sin(x), atol=1e-6)


def test_subclassed_models_are_told_what_to_do():
    with pytest.raises(TypeError, match=r"SNGP\(backbone, num_classes\) of it. Received: DeepResNet"):
        sngp.convert(sngp.DeepResNet(2))


def test_models_that_cannot_be_converted_are_named():
    no_head = keras.Sequential([keras.Input((6, 6, 1)), layers.Conv2D(3, 3), layers.GlobalAveragePooling2D()])
    with pytest.raises(ValueError, match="a model that ends in GlobalAveragePooling2D"):
        sngp.convert(no_head)
    pixelwise = keras.Sequential([keras.Input((6, 6, 1)), layers.Conv2D(3, 3), layers.Dense(3)])
    with pytest.raises(ValueError, match=r"pool or flatten .*Received: \(None, 4, 4, 3\) before layer"):
        sngp.convert(pixelwise)
    with pytest.raises(ValueError, match=r"start it with a keras.Input"):
        sngp.convert(keras.Sequential([layers.Dense(3)], name="unbuilt"))
    converted, _ = sngp.convert(keras.Sequential([keras.Input((4,)), layers.Dense(3)]), num_inducing=16)
    with pytest.raises(ValueError, match="without a Gaussian process layer"):
        sngp.convert(converted)
    with pytest.raises(TypeError, match=r"must be a keras.Model. Received: str"):
        sngp.convert("model")


class NotCopyable(layers.Layer):
    def __init__(self, secret):
        super().__init__(name="mine")
        self.scale = self.add_weight(shape=())

    def call(self, inputs):
        return inputs * self.scale


def test_a_layer_without_a_config_is_named():
    original = keras.Sequential([keras.Input((4,)), NotCopyable(1), layers.Dense(3)])
    with pytest.raises(
        ValueError, match=r"Layer 'mine' cannot be copied: its class NotCopyable must have `get_config`"
    ):
        sngp.convert(original)


def test_layers_without_weights_that_may_stretch_distances_are_reported():
    inputs = keras.Input((4,))
    gate = layers.Dense(4, activation="sigmoid")(inputs)
    original = keras.Model(inputs, layers.Dense(3)(layers.Multiply()([inputs, gate])))
    _, report = sngp.convert(original, num_inducing=16)
    reasons = {row.kind: (row.treatment, row.reason) for row in report.layers}
    assert reasons["Multiply"] == ("unbounded", "multiplies its inputs with each other")
