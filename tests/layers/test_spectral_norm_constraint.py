import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers, ops
from mathematics import numpy

import keras_sngp as sngp


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1000), bound=st.floats(0.1, 10), scale=st.floats(1e-3, 1e3))
def test_matrix_is_scaled_to_the_bound_or_left_alone(seed, bound, scale):
    kernel = (scale * np.random.default_rng(seed).normal(size=(7, 5))).astype("float32")
    norm = np.linalg.norm(kernel, ord=2)
    constrained = numpy(sngp.SpectralNormConstraint(bound)(ops.convert_to_tensor(kernel)))
    np.testing.assert_allclose(constrained, kernel * min(1, bound / norm), rtol=2e-3, atol=1e-6)


def test_recurrent_kernels_are_found_and_bounded():
    layer = layers.Bidirectional(layers.LSTM(4, kernel_initializer="he_normal"))
    layer.build((None, 3, 6))
    found = sngp.constrain_kernels(layer, 0.7)
    assert len(found) == 4
    for kernel in (layer.forward_layer.cell.kernel, layer.backward_layer.cell.recurrent_kernel):
        assert np.linalg.norm(numpy(kernel), ord=2) <= 0.7 * 1.001
    assert all(kernel.norm_after <= 0.7 * 1.001 < kernel.norm_before for kernel in found)


def test_constraining_twice_keeps_one_constraint_with_the_new_bound():
    layer = layers.Dense(3, kernel_constraint=keras.constraints.NonNeg())
    layer.build((None, 4))
    sngp.constrain_kernels(layer, 0.9)
    sngp.constrain_kernels(layer, 0.4)
    constraint = layer.kernel.constraint
    assert isinstance(constraint.first, keras.constraints.NonNeg)
    assert constraint.norm_multiplier == 0.4
    assert numpy(layer.kernel).min() >= 0


def test_frozen_kernels_are_left_alone():
    layer = layers.MultiHeadAttention(2, 3)
    layer.build((None, 4, 6), (None, 4, 6))
    layer.trainable = False
    assert sngp.constrain_kernels(layer, 0.1) == []


def test_config_round_trip_keeps_operator_and_earlier_constraint():
    layer = layers.EinsumDense("abc,bcd->abd", (3, 5), kernel_constraint="non_neg")
    layer.build((None, 3, 4))
    sngp.constrain_kernels(layer, 0.4)
    constraint = layer.kernel.constraint
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(constraint))
    kernel = ops.convert_to_tensor(np.random.default_rng(0).normal(size=(3, 4, 5)).astype("float32"))
    np.testing.assert_allclose(numpy(again(kernel)), numpy(constraint(kernel)), rtol=1e-6)
    blocks = np.linalg.svd(numpy(again(kernel)), compute_uv=False)
    assert blocks.max() == pytest.approx(0.4, rel=1e-3)


def test_a_separable_convolution_inside_is_refused_before_anything_is_constrained():
    inner = keras.Sequential([layers.Conv2D(2, 3), layers.SeparableConv2D(2, 3)])
    layer = layers.TimeDistributed(inner)
    layer.build((None, 2, 8, 8, 1))
    with pytest.raises(ValueError, match=r"a separable convolution has two.*Received: 'separable_conv2d"):
        sngp.constrain_kernels(layer, 0.9)
    assert inner.layers[0].kernel.constraint is None


@pytest.mark.parametrize("bound", [0, -1, float("nan"), "0.9"])
def test_bound_must_be_positive(bound):
    with pytest.raises(ValueError, match=r"`norm_multiplier` must be a finite number above 0"):
        sngp.SpectralNormConstraint(bound)
