"""Streaming metrics give for all batches together what the functions give for all rows at once."""

import keras
import numpy as np
import pytest

from keras_sngp import metrics
from keras_sngp.metrics import streaming

GENERATOR = np.random.default_rng(0)
PROBABILITIES = GENERATOR.dirichlet(np.ones(3), size=101).astype("float32")
LABELS = GENERATOR.integers(0, 3, 101)
UNCERTAINTY = 1 - PROBABILITIES.max(axis=1)
MISTAKES = PROBABILITIES.argmax(axis=1) != LABELS

EXPECTED = [
    (streaming.BrierScore(), metrics.brier_score(PROBABILITIES, LABELS)),
    (streaming.ExpectedCalibrationError(), metrics.expected_calibration_error(PROBABILITIES, LABELS)),
    (streaming.MaximumCalibrationError(num_bins=5), metrics.maximum_calibration_error(PROBABILITIES, LABELS, 5)),
    (streaming.ClasswiseCalibrationError(3), metrics.classwise_calibration_error(PROBABILITIES, LABELS)),
    (
        streaming.OracleCollaborativeAccuracy(share=20 / 101, num_bins=100_000),
        metrics.oracle_collaborative_accuracy(UNCERTAINTY, MISTAKES, 20 / 101),
    ),
]
IDS = [type(metric).__name__ for metric, _ in EXPECTED]


@pytest.mark.parametrize("metric, expected", EXPECTED, ids=IDS)
def test_ragged_batches_give_the_result_of_the_whole(metric, expected):
    metric.reset_state()
    for start in range(0, 101, 40):
        rows = slice(start, start + 40)
        metric.update_state(LABELS[rows, None], PROBABILITIES[rows])
    np.testing.assert_allclose(float(metric.result()), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("metric, expected", EXPECTED, ids=IDS)
def test_one_hot_labels_logits_and_weights(metric, expected):
    config = {**metric.get_config(), "from_logits": True}
    fresh = type(metric).from_config(config)
    one_hot = np.eye(3, dtype="float32")[LABELS]
    fresh.update_state(one_hot, np.log(PROBABILITIES), sample_weight=np.full(101, 2.0))
    fresh.update_state(1 - one_hot[:7], np.log(PROBABILITIES[:7]), sample_weight=np.zeros(7))
    np.testing.assert_allclose(float(fresh.result()), expected, rtol=1e-4, atol=1e-6)
    fresh.reset_state()
    assert float(fresh.result()) == 0


def test_single_column_is_the_probability_of_class_one():
    metric = streaming.ExpectedCalibrationError()
    metric.update_state(np.array([1, 0, 1]), np.array([[0.9], [0.2], [0.3]], "float32"))
    two = np.array([[0.1, 0.9], [0.8, 0.2], [0.7, 0.3]])
    np.testing.assert_allclose(float(metric.result()), metrics.expected_calibration_error(two, [1, 0, 1]), rtol=1e-5)


def test_metrics_in_compile_and_fit():
    model = keras.Sequential([keras.layers.Dense(3)])
    chosen = [
        streaming.ExpectedCalibrationError(from_logits=True),
        streaming.ClasswiseCalibrationError(3, from_logits=True),
        streaming.BrierScore(from_logits=True),
        streaming.OracleCollaborativeAccuracy(0.1, from_logits=True),
    ]
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=chosen)
    x = np.random.default_rng(1).normal(size=(50, 4)).astype("float32")
    y = np.arange(50) % 3
    model.fit(x, y, batch_size=16, verbose=0)
    logs = model.evaluate(x, y, batch_size=16, verbose=0, return_dict=True)
    logits = model.predict(x, verbose=0)
    probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
    np.testing.assert_allclose(logs["brier_score"], metrics.brier_score(probabilities, y), rtol=1e-4)
    np.testing.assert_allclose(
        logs["expected_calibration_error"], metrics.expected_calibration_error(probabilities, y), rtol=1e-3
    )


def test_names_are_registered_and_configurations_survive():
    for metric, _ in EXPECTED:
        again = keras.metrics.deserialize(keras.metrics.serialize(metric))
        assert again.get_config() == metric.get_config()
        assert keras.saving.get_registered_name(type(metric)) == f"keras_sngp>{type(metric).__name__}"


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"num_bins.* Received: 0"):
        streaming.ExpectedCalibrationError(num_bins=0)
    with pytest.raises(ValueError, match=r"share.* Received: 5"):
        streaming.OracleCollaborativeAccuracy(share=5)
