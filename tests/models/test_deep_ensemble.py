import keras
import numpy as np
import pytest

import keras_sngp as sngp
from keras_sngp import two_moons

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def make_model():
    model = keras.Sequential([keras.layers.Dense(8, activation="relu"), keras.layers.Dense(2)])
    model.compile(keras.optimizers.Adam(1e-2), LOSS)
    return model


@pytest.fixture(scope="module")
def data():
    return two_moons.make_training_data(60)


@pytest.fixture(scope="module")
def ensemble(data):
    keras.utils.set_random_seed(0)
    return sngp.DeepEnsemble(make_model, num_members=3).fit(*data, epochs=4, verbose=0)


def test_prediction_is_the_mean_of_the_members_softmax(ensemble, data):
    prediction = ensemble.predict_distribution(data[0])
    members = [keras.ops.convert_to_numpy(keras.ops.softmax(member(data[0]), axis=-1)) for member in ensemble.members]
    np.testing.assert_allclose(prediction.samples, members, atol=1e-5)
    np.testing.assert_allclose(prediction.probabilities, np.mean(members, axis=0), atol=1e-5)
    assert prediction.mutual_information.max() > 1e-4


def test_members_train_independently_each_from_a_fresh_optimizer(ensemble):
    first, second, third = (history.history["loss"] for history in ensemble.histories)
    assert len(first) == 4
    for losses in (first, second, third):
        assert losses[-1] < losses[0]
    assert len({losses[0] for losses in (first, second, third)}) == 3


def test_a_member_equals_the_same_network_trained_alone(data):
    initial = []

    def from_given_weights():
        model = make_model()
        model.build((None, 2))
        initial.append(model.get_weights())
        return model

    ensemble = sngp.DeepEnsemble(from_given_weights, 2).fit(*data, epochs=3, shuffle=False, verbose=0)
    for weights, member in zip(initial[1:], ensemble.members, strict=True):
        alone = make_model()
        alone.build((None, 2))
        alone.set_weights(weights)
        alone.fit(*data, epochs=3, shuffle=False, verbose=0)
        for expected, got in zip(alone.get_weights(), member.get_weights(), strict=True):
            np.testing.assert_allclose(got, expected, atol=2e-5)


def test_an_ensemble_of_sngps_keeps_each_members_posterior(data):
    def make_sngp():
        inputs = keras.Input((2,))
        model = sngp.SNGP(keras.Model(inputs, keras.layers.Dense(4)(inputs)), 2, 16)
        model.compile("adam", LOSS)
        return model

    ensemble = sngp.DeepEnsemble(make_sngp, 2).fit(*data, verbose=0)
    prediction = ensemble.predict_distribution(data[0])
    for member, sample in zip(ensemble.members, prediction.samples, strict=True):
        assert member.posterior_state == sngp.PosteriorState.FITTED
        np.testing.assert_allclose(member.predict_distribution(data[0]).probabilities, sample, atol=1e-4)


def test_a_data_set_that_can_be_repeated_is_taken(data):
    tensorflow = pytest.importorskip("tensorflow")
    batches = tensorflow.data.Dataset.from_tensor_slices(data).batch(30)
    ensemble = sngp.DeepEnsemble(make_model, 2).fit(batches, shuffle=False, verbose=0)
    assert ensemble.predict_distribution(batches).probabilities.shape == (120, 2)


def test_bad_input_is_refused(data):
    x, y = data
    with pytest.raises(ValueError, match=r"gone through once for each member.*Received: generator"):
        sngp.DeepEnsemble(make_model, 2).fit(batch for batch in [data])
    with pytest.raises(ValueError, match=r"from 0 to 1. Received: 60 others, such as 2"):
        sngp.DeepEnsemble(make_model, 2).fit(x, 2 * y, verbose=0)
    with pytest.raises(ValueError, match="has not been trained"):
        sngp.DeepEnsemble(make_model, 2).predict_distribution(x)
    with pytest.raises(ValueError, match=r"must return a compiled Keras model. Received: a model that is not"):
        sngp.DeepEnsemble(lambda: keras.Sequential([keras.layers.Dense(2)]), 2).fit(x, y)
    with pytest.raises(ValueError, match=r"at least 1. Received: 0"):
        sngp.DeepEnsemble(make_model, 0)
    with pytest.raises(TypeError, match="Received: Sequential"):
        sngp.DeepEnsemble(make_model(), 2)


def test_members_with_the_same_start_are_refused(data):
    def make_same():
        keras.utils.set_random_seed(7)
        return make_model()

    with pytest.raises(ValueError, match="must start from different weights"):
        sngp.DeepEnsemble(make_same, 2).fit(*data, verbose=0)
