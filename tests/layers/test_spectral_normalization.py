"""The bound, measured on the layer's outputs with numpy's singular values and never by the layer's own estimate."""

import keras
import numpy as np
import pytest
from keras import ops
from mathematics import matrix_of, numpy, spectral_norm

from keras_sngp import SpectralNormalization

GLOROT = keras.initializers.GlorotUniform(seed=0)
BOUND = 0.5
WITHIN = 1 + 1e-3


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def wrap(layer, input_shape, kernel_scale=1.0, bound=BOUND, seed=0, **arguments):
    """Builds the layer with a normal kernel, then wraps it."""
    layer.build((None, *input_shape))
    layer.kernel.assign(kernel_scale * normal(*layer.kernel.shape, seed=seed))
    wrapper = SpectralNormalization(layer, bound, **arguments)
    wrapper.build((None, *input_shape))
    return wrapper


def dense(units=5):
    return keras.layers.Dense(units, use_bias=False)


def conv(**arguments):
    return keras.layers.Conv2D(3, 3, use_bias=False, **arguments)


@pytest.mark.parametrize(
    "make_layer, input_shape",
    [
        (lambda: keras.layers.Dense(5, activation="tanh"), (6,)),
        (lambda: keras.layers.EinsumDense("abc,cd->abd", (None, 5), bias_axes="d"), (3, 4)),
        (lambda: keras.layers.Conv2D(3, 3, padding="same", strides=2, activation="relu"), (5, 5, 2)),
    ],
)
def test_kernel_under_the_bound_leaves_the_layer_as_it_is(make_layer, input_shape):
    layer = make_layer()
    wrapper = wrap(layer, input_shape, kernel_scale=0.01)
    x = normal(4, *input_shape)
    np.testing.assert_allclose(numpy(wrapper(x)), numpy(layer(x)), atol=1e-6)


@pytest.mark.parametrize(
    "layer, input_shape",
    [
        (dense(), (6,)),
        (dense(16), (4,)),
        (keras.layers.EinsumDense("abc,bcd->abd", (3, 5)), (3, 4)),
        (conv(padding="same", dilation_rate=2), (5, 5, 2)),
    ],
)
def test_kernel_over_the_bound_is_scaled_down_to_it(layer, input_shape):
    wrapper = wrap(layer, input_shape)
    own = matrix_of(layer, input_shape)
    assert spectral_norm(own) > BOUND
    effective = matrix_of(wrapper, input_shape)
    assert BOUND / WITHIN <= spectral_norm(effective) <= BOUND * WITHIN
    np.testing.assert_allclose(effective, own * (spectral_norm(effective) / spectral_norm(own)), atol=1e-6)


def test_bound_holds_for_kernels_that_are_hard_on_an_iteration():
    """Where few directions are left to search, equal singular values, or none that stands out."""
    wrapper = SpectralNormalization(keras.layers.Dense(6, use_bias=False), BOUND)
    wrapper.build((None, 6))
    three_values = np.diag([3.0, 3.0, 3.0, 1.0, 1.0, 0.0])
    close_values = np.diag([3.0, 2.99, 2.98, 2.97, 2.96, 2.95])
    for kernel in (np.ones((6, 6)), three_values, close_values, np.linalg.qr(normal(6, 6))[0]):
        wrapper.layer.kernel.assign(kernel)
        expected = kernel * BOUND / spectral_norm(kernel)
        np.testing.assert_allclose(matrix_of(wrapper, (6,)), expected, rtol=2e-3, atol=1e-6)


def test_kernel_of_zeros_gives_zeros():
    wrapper = SpectralNormalization(keras.layers.Dense(6, kernel_initializer="zeros"), BOUND)
    assert not matrix_of(wrapper, (6,)).any()


def test_bound_holds_for_images_of_unknown_size():
    wrapper = wrap(conv(padding="same"), (None, None, 2))
    assert spectral_norm(matrix_of(wrapper, (6, 5, 2))) <= BOUND * WITHIN


@pytest.mark.parametrize("norm_multiplier", [0.3, 4])
def test_norm_multiplier_is_the_bound(norm_multiplier):
    wrapper = wrap(dense(), (6,), kernel_scale=5.0, bound=norm_multiplier)
    np.testing.assert_allclose(spectral_norm(matrix_of(wrapper, (6,))), norm_multiplier, rtol=1e-3)


def fit_towards_large_outputs(layer, input_shape, epochs=10, learning_rate=0.5):
    """Trains the one-layer model to outputs far beyond the bound; returns the map that `predict` computes."""
    model = keras.Sequential([keras.Input(input_shape), layer])
    model.compile(keras.optimizers.SGD(learning_rate), "mse")
    x = normal(64, *input_shape)
    model.fit(x, 20 * normal(64, *model.output_shape[1:], seed=1), batch_size=16, epochs=epochs, verbose=0)
    return matrix_of(lambda units: model.predict(units, batch_size=len(units), verbose=0), input_shape)


@pytest.mark.parametrize(
    "layer, input_shape",
    [
        (keras.layers.Dense(8, kernel_initializer=GLOROT), (6,)),
        (keras.layers.EinsumDense("abc,bcd->abd", (3, 5), kernel_initializer=GLOROT), (3, 4)),
        (keras.layers.Conv2D(3, 3, padding="same", kernel_initializer=GLOROT), (4, 4, 2)),
    ],
)
def test_bound_holds_at_inference_after_fast_training(layer, input_shape):
    wrapper = SpectralNormalization(layer, BOUND)
    trained = fit_towards_large_outputs(wrapper, input_shape)
    own = matrix_of(layer, input_shape)
    assert spectral_norm(own) > 1.5 * BOUND
    assert 0.98 * BOUND <= spectral_norm(trained) <= 1.02 * BOUND


def test_bound_holds_for_a_kernel_that_starts_at_zero():
    layer = keras.layers.Dense(8, kernel_initializer="zeros")
    trained = fit_towards_large_outputs(SpectralNormalization(layer, BOUND), (6,))
    assert spectral_norm(numpy(layer.kernel)) > 1.5 * BOUND
    assert spectral_norm(trained) <= 1.02 * BOUND


def steps_that_do_not_learn(layer, input_shape, count):
    """Compiled training steps at learning rate 0: only the power vector moves."""
    model = keras.Sequential([keras.Input(input_shape), layer])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    x = np.zeros((count, *input_shape), "float32")
    model.fit(x, np.zeros((count, *model.output_shape[1:])), batch_size=1, verbose=0)


def test_bound_finds_a_block_that_outgrows_the_largest():
    """Blocks do not mix, so a power vector gone to zero in one would never come back there."""
    layer = keras.layers.EinsumDense("abc,bcd->abd", (2, 3))
    layer.build((None, 2, 3))
    layer.kernel.assign(np.stack([2 * np.eye(3), 0.01 * np.eye(3)]))
    wrapper = SpectralNormalization(layer, BOUND)
    steps_that_do_not_learn(wrapper, (2, 3), 20)
    layer.kernel.assign(np.stack([2 * np.eye(3), 10 * np.eye(3)]))
    steps_that_do_not_learn(wrapper, (2, 3), 20)
    assert spectral_norm(matrix_of(wrapper, (2, 3))) <= BOUND * WITHIN


def test_calls_leave_the_trainable_kernel_alone():
    wrapper = wrap(dense(), (6,), kernel_scale=3.0)
    before = numpy(wrapper.layer.kernel)
    wrapper(normal(4, 6), training=True)
    wrapper(normal(4, 6), training=False)
    np.testing.assert_array_equal(numpy(wrapper.layer.kernel), before)
    assert [weight is wrapper.layer.kernel for weight in wrapper.trainable_variables] == [True]


def test_power_vector_moves_in_training_only():
    wrapper = wrap(dense(16), (16,))
    wrapper.layer.kernel.assign(normal(16, 16, seed=3))
    start = numpy(wrapper.u)
    wrapper(normal(4, 16))
    np.testing.assert_array_equal(numpy(wrapper.u), start)
    wrapper(normal(4, 16), training=True)
    assert np.abs(numpy(wrapper.u) - start).max() > 1e-3


@pytest.mark.parametrize("compiled", [False, True])
def test_the_kept_vector_is_taken_as_it_is_until_the_kernel_changes(compiled):
    """A vector that is not the best shows that none is searched: the bound is missed by as much as it is worse."""
    wrapper = wrap(dense(16), (16,))
    model = keras.Sequential([keras.Input((16,)), wrapper])
    kernel = 3 * normal(16, 16, seed=3)
    _, sizes, vectors = np.linalg.svd(kernel.T)
    wrapper.layer.kernel.assign(kernel)
    wrapper.refine()
    np.testing.assert_allclose(numpy(wrapper.norms_when_refined), [np.linalg.norm(kernel), sizes[0]], rtol=1e-5)
    wrapper.u.assign(vectors[4][None])
    wrapper.norms_when_refined.assign([np.linalg.norm(kernel), sizes[4]])

    def norm_of_outputs():
        units = np.eye(16, dtype="float32")
        return spectral_norm(model.predict(units, verbose=0) if compiled else numpy(wrapper(units)))

    assert norm_of_outputs() == pytest.approx(BOUND * sizes[0] / sizes[4], rel=1e-4)
    wrapper.layer.kernel.assign(kernel + 1e-2 * normal(16, 16, seed=4))
    assert norm_of_outputs() == pytest.approx(BOUND, rel=1e-2)


def test_first_call_is_finite_and_keeps_the_kernels_sign_for_every_seed():
    for seed in range(10):
        layer = dense()
        wrapper = SpectralNormalization(layer, 0.1, seed=seed)
        effective = numpy(wrapper(np.eye(6, dtype="float32"), training=True))
        ratio = effective / numpy(layer.kernel)
        assert np.isfinite(ratio).all()
        assert 0 < ratio.min() <= ratio.max() < 1


def test_training_step_follows_the_gradient_of_the_scaled_kernel():
    """One SGD step against finite differences of `loss(W c / sigma(W))` with sigma from numpy's SVD."""
    wrapper = wrap(dense(3), (4,), kernel_scale=2.0, iteration=10)
    kernel, x, y = numpy(wrapper.layer.kernel), normal(8, 4, seed=1), normal(8, 3, seed=2)

    def loss(kernel):
        return np.mean((x @ (kernel * BOUND / spectral_norm(kernel)) - y) ** 2)

    gradient, step = np.zeros_like(kernel), 1e-5
    for index in np.ndindex(*kernel.shape):
        offset = np.zeros_like(kernel)
        offset[index] = step
        gradient[index] = (loss(kernel + offset) - loss(kernel - offset)) / (2 * step)
    model = keras.Sequential([keras.Input((4,)), wrapper])
    model.compile(keras.optimizers.SGD(10.0), "mse")
    model.fit(x, y, batch_size=8, epochs=1, verbose=0)
    moved = numpy(wrapper.layer.kernel) - kernel
    assert np.abs(gradient).max() > 1e-3
    np.testing.assert_allclose(moved, -10 * gradient, rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("frozen", ["wrapped layer", "wrapper"])
def test_frozen_layer_computes_and_keeps_the_bound(frozen):
    layer = keras.layers.Dense(5)
    wrapper = wrap(layer, (6,), kernel_scale=2.0)
    (layer if frozen == "wrapped layer" else wrapper).trainable = False
    assert wrapper.trainable_variables == []
    np.testing.assert_allclose(spectral_norm(matrix_of(wrapper, (6,))), BOUND, rtol=1e-3)


def test_regularisers_of_the_wrapped_layer_count_as_in_the_plain_layer():
    def make_layer():
        return keras.layers.Dense(5, kernel_regularizer=keras.regularizers.L2(0.1), activity_regularizer="l1")

    plain, wrapped = make_layer(), make_layer()
    wrapper = wrap(wrapped, (6,), kernel_scale=0.01)
    plain.build((None, 6))
    plain.set_weights(wrapped.get_weights())
    x = normal(4, 6)
    plain(x)
    wrapper(x)
    assert len(wrapper.losses) == len(plain.losses) == 2
    np.testing.assert_allclose(sum(numpy(loss) for loss in wrapper.losses), sum(numpy(loss) for loss in plain.losses))


def test_config_round_trip_keeps_the_bound():
    wrapper = SpectralNormalization(keras.layers.Dense(5, activation="relu"), 6.0, iteration=3, seed=4, name="bounded")
    copy = SpectralNormalization.from_config(wrapper.get_config())
    assert (copy.norm_multiplier, copy.iteration, copy.seed, copy.name) == (6.0, 3, 4, "bounded")
    assert (copy.layer.units, copy.layer.activation) == (5, keras.activations.relu)


def test_saved_model_gives_identical_outputs_when_loaded(tmp_path):
    convolution = keras.layers.Conv2D(3, 3, activation="relu")
    model = keras.Sequential([keras.Input((5, 5, 2)), SpectralNormalization(convolution, 0.7)])
    convolution.kernel.assign(normal(*convolution.kernel.shape))
    x = normal(3, 5, 5, 2)
    model(x, training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.layers[0].norm_multiplier == 0.7
    np.testing.assert_array_equal(numpy(loaded(x)), numpy(model(x)))


@pytest.mark.parametrize("training", [False, True])
def test_mixed_precision_computes_in_bfloat16_with_a_float32_bound(training):
    layer = keras.layers.Dense(5, use_bias=False, dtype="mixed_bfloat16")
    wrapper = wrap(layer, (6,), kernel_scale=2.0)
    outputs = wrapper(np.eye(6, dtype="float32"), training=training)
    assert keras.backend.standardize_dtype(outputs.dtype) == "bfloat16"
    assert keras.backend.standardize_dtype(wrapper.u.dtype) == "float32"
    own = numpy(layer.kernel)
    expected = own * BOUND / spectral_norm(own)
    np.testing.assert_allclose(numpy(ops.cast(outputs, "float32")), expected, rtol=2e-2, atol=1e-3)


@pytest.mark.parametrize("norm_multiplier", [0, -1.0, float("nan"), float("inf"), None, "0.9"])
def test_bound_must_be_a_positive_finite_number(norm_multiplier):
    with pytest.raises(ValueError, match=r"norm_multiplier.*Received"):
        SpectralNormalization(keras.layers.Dense(2), norm_multiplier)


@pytest.mark.parametrize("iteration", [0, -2])
def test_iteration_must_be_at_least_one(iteration):
    with pytest.raises(ValueError, match=rf"iteration.*Received: {iteration}"):
        SpectralNormalization(keras.layers.Dense(2), iteration=iteration)


def test_layer_without_a_linear_map_is_refused():
    with pytest.raises(TypeError, match=r"Dense, EinsumDense, Conv1D.*LayerNormalization"):
        SpectralNormalization(keras.layers.LayerNormalization()).build((None, 4))


def test_something_that_is_no_layer_is_refused():
    with pytest.raises((ValueError, TypeError), match="float"):
        SpectralNormalization(3.0)


def test_wrong_input_width_names_the_expected_one():
    wrapper = wrap(dense(), (6,))
    with pytest.raises(ValueError, match=r"6.*\(2, 7\)"):
        wrapper(np.ones((2, 7), "float32"))


def test_output_shape_is_the_wrapped_layers():
    wrapper = SpectralNormalization(conv(strides=2))
    assert wrapper(keras.Input((7, 9, 2))).shape == (None, 3, 4, 3)
    assert wrapper.compute_output_shape((4, 7, 9, 2)) == (4, 3, 4, 3)


def test_lora_which_would_escape_the_bound_is_refused():
    dense = keras.layers.Dense(4)
    layer = SpectralNormalization(dense, 0.5)
    layer(np.ones((2, 3)))
    dense.enable_lora(2)
    with pytest.raises(ValueError, match=r"enable LoRA or quantisation on unwrapped layers"):
        layer(np.ones((2, 3)))


def test_a_kernel_that_has_diverged_gives_nan_and_not_an_error_of_the_iteration():
    wrapper = wrap(dense(), (4,))
    wrapper.layer.kernel.assign(np.full((4, 5), np.nan))
    wrapper.refine()
    assert np.isfinite(numpy(wrapper.u)).all()
    assert np.isnan(numpy(wrapper(normal(2, 4)))).all()
