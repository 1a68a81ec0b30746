import keras
import numpy as np
import pytest
from mathematics import count, matrix_of, spectral_norm

import keras_sngp as sngp

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def images(rows=4, size=8):
    return np.random.default_rng(0).normal(size=(rows, size, size, 3)).astype("float32")


@pytest.mark.quick_on("torch")
@pytest.mark.parametrize(
    ("depth", "width", "published"),
    [
        (16, 10, 17_116_634),
        pytest.param(28, 10, 36_479_194, marks=pytest.mark.long),
    ],
)
def test_parameter_counts_are_the_published_ones(depth, width, published):
    assert count(sngp.WideResNet(depth, width, 10).trainable_weights) == published


def test_depth_counts_the_layers_with_kernels_on_the_way():
    model = sngp.WideResNet(16, 1, 10)
    on_the_way = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense)]
    on_the_way = [layer for layer in on_the_way if "shortcut" not in layer.name]
    assert len(on_the_way) == 16 - 2
    assert [layer.name for layer in model.layers if "shortcut" in layer.name] == [
        "group2_block1_shortcut_convolution",
        "group3_block1_shortcut_convolution",
    ]


def test_images_shrink_by_four_and_are_averaged():
    model = sngp.WideResNet(10, 2, input_shape=(16, 16, 3))
    assert model.get_layer("last_relu").output.shape == (None, 4, 4, 128)
    assert model.output_shape == (None, 128)


def test_every_convolution_is_bounded_and_no_bias_is_left():
    model = sngp.WideResNet(10, 1, 5, input_shape=(8, 8, 3), spec_norm_bound=0.5)
    convolutions = [layer for layer in model.layers if layer.name.endswith("convolution")]
    assert len(convolutions) == 9
    for layer in convolutions:
        assert isinstance(layer, sngp.SpectralNormalization)
        assert layer.norm_multiplier == 0.5
        assert not layer.layer.use_bias


@pytest.mark.quick_on("torch")
def test_bounds_hold_after_training():
    backbone = sngp.WideResNet(10, 1, input_shape=(4, 4, 3), spec_norm_bound=0.7)
    model = sngp.SNGP(backbone, 3, num_inducing=32, seed=0)
    model.compile(keras.optimizers.Adam(1e-2), LOSS)
    model.fit(images(12, 4), np.arange(12) % 3, epochs=2, batch_size=6, verbose=0)
    for name, size, channels in [
        ("first_convolution", 4, 3),
        ("group2_block1_first_convolution", 4, 16),
        ("group2_block1_shortcut_convolution", 4, 16),
        ("group3_block1_second_convolution", 1, 64),
    ]:
        norm = spectral_norm(matrix_of(backbone.get_layer(name), (size, size, channels)))
        assert norm <= 0.7 * (1 + 1e-3), name


@pytest.mark.quick_on("torch")
def test_it_is_a_classifier_that_convert_takes():
    classifier = sngp.WideResNet(10, 1, 3, input_shape=(8, 8, 3))
    model, report = sngp.convert(classifier, num_inducing=32, norm_multiplier=6.0, seed=0)
    assert report.count("bounded") == 9
    assert report.count("head") == 1
    features = keras.Model(classifier.input, classifier.get_layer("pooling").output)
    before = keras.ops.convert_to_numpy(features(images(), training=False))
    norms = [layer.norm_before for layer in report.layers if layer.treatment == "bounded"]
    assert max(norms) < 6.0
    after = keras.ops.convert_to_numpy(model.backbone(images(), training=False))
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_dropout_and_regularisation_are_where_they_are_asked_for():
    plain = sngp.WideResNet(10, 1, 2, input_shape=(8, 8, 3))
    assert not any(isinstance(layer, keras.layers.Dropout) for layer in plain.layers)
    assert plain.losses == []
    model = sngp.WideResNet(10, 1, 2, input_shape=(8, 8, 3), dropout_rate=0.3, l2_regularization=1e-2)
    assert [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)] == [0.3] * 3
    penalty = sum(float(keras.ops.convert_to_numpy(loss)) for loss in model.losses)
    squares = sum(np.square(keras.ops.convert_to_numpy(weight)).sum() for weight in model.trainable_weights)
    assert penalty == pytest.approx(1e-2 * squares, rel=1e-4)


@pytest.mark.parametrize("depth", [4, 12, 27])
def test_depth_must_fit_three_groups(depth):
    with pytest.raises(ValueError, match=rf"`depth` must be 6n \+ 4.*Received: {depth}"):
        sngp.WideResNet(depth, 1)


def test_width_must_be_positive():
    with pytest.raises(ValueError, match=r"`width` must be at least 1\. Received: 0"):
        sngp.WideResNet(10, 0)
