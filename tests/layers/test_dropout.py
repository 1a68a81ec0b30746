import keras
import numpy as np
import pytest

from keras_sngp.layers import Dropout

ON_JAX = pytest.mark.skipif(keras.backend.backend() != "jax", reason="elsewhere the masks are the backend's own")


def dropped(rate=0.3, shape=(1000, 64), seed=0, calls=1, noise_shape=None):
    layer = Dropout(rate, noise_shape=noise_shape, seed=seed)
    ones = np.ones(shape, "float32")
    return [keras.ops.convert_to_numpy(layer(ones, training=True)) for _ in range(calls)]


def correlation(one, other):
    return np.corrcoef(np.ravel(one), np.ravel(other))[0, 1]


@pytest.mark.parametrize("rate", [0.001, 0.1, 0.5, 0.9])
def test_units_are_dropped_at_the_rate_and_the_others_scaled(rate):
    (found,) = dropped(rate)
    np.testing.assert_allclose(np.unique(found), [0, 1 / (1 - rate)], rtol=1e-6)
    standard_error = np.sqrt(rate * (1 - rate) / found.size)
    assert abs(np.mean(found == 0) - rate) < 4 * standard_error


def test_masks_are_independent_across_units_rows_calls_and_seeds():
    first, second = dropped(calls=2)
    (other_seed,) = dropped(seed=1000)
    pairs = [
        (first, second),
        (first, other_seed),
        (second, other_seed),
        (first[:, 1:], first[:, :-1]),
        (first[1:], first[:-1]),
        (first[:500], first[500:]),
    ]
    for one, other in pairs:
        assert abs(correlation(one, other)) < 4 / np.sqrt(one.size)


def test_each_row_and_each_unit_has_its_own_share():
    (found,) = dropped(0.5, (400, 400))
    for axis in (0, 1):
        shares = np.mean(found == 0, axis=axis)
        assert shares.std() == pytest.approx(np.sqrt(0.25 / 400), rel=0.15)


def test_a_seed_makes_it_repeatable():
    np.testing.assert_array_equal(dropped(calls=2, seed=7), dropped(calls=2, seed=7))


def test_a_noise_shape_shares_the_mask():
    (found,) = dropped(0.5, (8, 5, 32), noise_shape=(None, 1, 32))
    np.testing.assert_array_equal(found, np.broadcast_to(found[:, :1], found.shape))
    assert len(np.unique(found[:, 0], axis=0)) == 8


def test_inference_and_a_rate_of_zero_leave_units_and_a_rate_of_one_none():
    x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(Dropout(0.5)(x)), x)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(Dropout(0)(x, training=True)), x)
    assert not keras.ops.convert_to_numpy(Dropout(1.0)(x, training=True)).any()


def test_a_wrong_rate_is_refused():
    with pytest.raises(ValueError, match=r"rate=1\.5"):
        Dropout(1.5)


def test_a_saved_network_keeps_it(tmp_path):
    model = keras.Sequential([keras.Input((3,)), Dropout(0.25, seed=3), keras.layers.Dense(2)])
    model.save(tmp_path / "model.keras")
    layer = keras.saving.load_model(tmp_path / "model.keras").layers[0]
    assert type(layer) is Dropout
    assert layer.rate == 0.25


@ON_JAX
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_it_keeps_the_type_and_its_gradient_is_the_mask(dtype):
    import jax

    x = keras.ops.ones((16, 16), dtype)
    layer = Dropout(0.5, dtype=dtype)
    state = [variable.value for variable in layer.variables]
    outputs, _ = layer.stateless_call([], state, x, training=True)
    slope = jax.grad(lambda x: layer.stateless_call([], state, x, training=True)[0].sum())(x)
    assert outputs.dtype == x.dtype
    np.testing.assert_array_equal(np.asarray(slope, "float32"), np.asarray(outputs, "float32"))
