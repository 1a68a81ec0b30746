import keras
import numpy as np
import pytest
from keras import ops

from keras_sngp._runtime.ops import cosine


@pytest.mark.parametrize("largest", [1.0, 10.0, 100.0, 1e4, 1e6])
def test_it_is_the_cosine_of_an_angle_off_by_its_rounding(largest):
    x = np.random.default_rng(0).uniform(-largest, largest, 10_000).astype("float32")
    found = ops.convert_to_numpy(cosine(ops.convert_to_tensor(x))).astype("float64")
    rounding = 2 * np.finfo("float32").eps
    np.testing.assert_array_less(abs(found - np.cos(x.astype("float64"))), 4e-7 + rounding * abs(x))
    assert abs(found).max() <= 1


def test_angles_without_end_give_no_number_and_large_ones_a_cosine():
    infinite, missing, large = ops.convert_to_numpy(cosine(ops.convert_to_tensor([np.inf, np.nan, 1e30], "float32")))
    assert np.isnan(infinite)
    assert np.isnan(missing)
    assert abs(large) <= 1


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="elsewhere it is the backend's own")
def test_its_gradient_is_minus_the_sine():
    import jax

    x = np.linspace(-10, 10, 1001, dtype="float32")
    slope = jax.vmap(jax.grad(cosine))(x)
    np.testing.assert_allclose(slope, -np.sin(x.astype("float64")), atol=3e-6)
