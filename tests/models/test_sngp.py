import keras
import numpy as np
import pytest
from mathematics import dense_covariance, numpy

import keras_sngp as sngp
from keras_sngp import two_moons
from keras_sngp.layers import posterior

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
ROWS = 150


def make_model(**arguments):
    backbone = sngp.DeepResNet(num_layers=2, num_hidden=16, spec_norm_bound=0.9)
    model = sngp.SNGP(backbone, 2, num_inducing=64, seed=1, **arguments)
    model.compile(keras.optimizers.Adam(3e-3), LOSS, metrics=["accuracy"])
    return model


@pytest.fixture(scope="module")
def data():
    return two_moons.make_training_data(ROWS // 2)


@pytest.fixture(scope="module")
def trained(data):
    keras.utils.set_random_seed(0)
    model = make_model()
    model.fit(*data, epochs=3, batch_size=50, verbose=0)
    return model


def expected_gram(model, x, weights=None):
    """Phi^T W Phi in float64 from the layers' public outputs."""
    layer = model.gaussian_process
    hidden = model.backbone(x, training=False)
    features = numpy(layer.kernel_features(hidden))
    weights = np.ones(len(x)) if weights is None else weights
    return (features * weights[:, None]).T @ features, features


def test_fit_sets_the_exact_posterior_of_the_final_weights(trained, data):
    gram, features = expected_gram(trained, data[0])
    expected = np.diagonal(dense_covariance(gram, 1.0, features))
    prediction = trained.predict_distribution(data[0])
    assert trained.posterior_state == sngp.PosteriorState.FITTED
    assert trained.gaussian_process.rows_seen == ROWS
    np.testing.assert_allclose(prediction.variance, expected, rtol=2e-3)


def tensorflow_dataset(x, y):
    tensorflow = pytest.importorskip("tensorflow")
    return tensorflow.data.Dataset.from_tensor_slices((x, y)).batch(40)


def torch_loader(x, y):
    torch = pytest.importorskip("torch")
    pairs = torch.utils.data.TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
    return torch.utils.data.DataLoader(pairs, batch_size=40)


class Batches(keras.utils.PyDataset):
    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y

    def __len__(self):
        return -(-len(self.x) // 40)

    def __getitem__(self, index):
        rows = slice(40 * index, 40 * index + 40)
        return self.x[rows], self.y[rows]


def endless_generator(x, y):
    while True:
        for index in range(len(Batches(x, y))):
            yield Batches(x, y)[index]


@pytest.mark.parametrize("make_data", [tensorflow_dataset, torch_loader, Batches, endless_generator])
def test_posterior_is_the_same_from_any_input_fit_takes(trained, data, make_data):
    trained.fit_posterior(data[0])
    expected = keras.ops.convert_to_numpy(trained.gaussian_process.gram)
    steps = 4 if make_data is endless_generator else None
    trained.fit_posterior(make_data(*data), steps=steps)
    assert trained.gaussian_process.rows_seen == ROWS
    np.testing.assert_allclose(trained.gaussian_process.gram, expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    "make_data",
    [
        pytest.param(tensorflow_dataset, marks=pytest.mark.quick_on("tensorflow")),
        pytest.param(torch_loader, marks=pytest.mark.quick_on("torch")),
        pytest.param(Batches, marks=pytest.mark.long),
        endless_generator,
    ],
)
def test_fit_takes_every_kind_of_data_and_sets_the_posterior(data, make_data):
    model = make_model()
    model.fit(
        make_data(*data),
        epochs=2,
        steps_per_epoch=4 if make_data is endless_generator else None,
        shuffle=False,
        verbose=0,
    )
    assert model.gaussian_process.rows_seen == ROWS
    assert np.isfinite(model.predict_distribution(data[0]).variance).all()


@pytest.mark.parametrize("batch_size", [1, 7, ROWS, 1000])
def test_posterior_does_not_depend_on_batch_size_or_order(trained, data, batch_size):
    x = data[0]
    trained.fit_posterior(x)
    expected = trained.predict_distribution(x).variance
    trained.fit_posterior(x[::-1].copy() if batch_size > 1 else x[:], batch_size=batch_size)
    np.testing.assert_allclose(trained.predict_distribution(x).variance, expected, rtol=2e-3)


def test_sample_weights_count_rows_that_often(trained, data):
    x = data[0]
    weights = np.random.default_rng(0).integers(0, 3, len(x))
    trained.fit_posterior(x, sample_weight=weights)
    weighted = keras.ops.convert_to_numpy(trained.gaussian_process.gram)
    assert trained.gaussian_process.rows_seen == weights.sum()
    trained.fit_posterior(np.repeat(x, weights, axis=0))
    np.testing.assert_allclose(weighted, trained.gaussian_process.gram, rtol=1e-4, atol=1e-3)


def test_update_posterior_adds_rows_as_one_pass_over_all(trained, data):
    x = data[0]
    trained.fit_posterior(x)
    whole = trained.predict_distribution(x).variance
    trained.fit_posterior(x[:60])
    assert trained.predict_distribution(x).variance.mean() > whole.mean()
    trained.update_posterior(x[60:])
    np.testing.assert_allclose(trained.predict_distribution(x).variance, whole, rtol=2e-3)


def test_validation_split_keeps_validation_rows_out_of_the_posterior(data):
    model = make_model()
    model.fit(*data, epochs=1, validation_split=0.3, verbose=0)
    assert model.gaussian_process.rows_seen == int(ROWS * 0.7)


def test_predict_gives_mean_field_logits_and_evaluate_uses_them(trained, data):
    trained.fit_posterior(data[0])
    prediction = trained.predict_distribution(data[0])
    adjusted = prediction.logits / np.sqrt(1 + np.pi / 8 * prediction.variance[:, None])
    np.testing.assert_allclose(trained.predict(data[0], verbose=0), adjusted, rtol=1e-4, atol=1e-5)
    loss, _ = trained.evaluate(*data, verbose=0)
    log_probabilities = np.log(prediction.probabilities[np.arange(ROWS), data[1]])
    assert loss == pytest.approx(-log_probabilities.mean(), rel=1e-2)


def test_monte_carlo_agrees_with_mean_field_near_the_data(trained, data):
    trained.fit_posterior(data[0])
    mean_field = trained.predict_distribution(data[0])
    monte_carlo = trained.predict_distribution(data[0], method="monte_carlo", num_samples=2000, seed=0)
    assert monte_carlo.samples.shape == (2000, ROWS, 2)
    np.testing.assert_allclose(monte_carlo.probabilities, mean_field.probabilities, atol=0.06)
    again = trained.predict_distribution(data[0], method="monte_carlo", num_samples=2000, seed=0)
    np.testing.assert_array_equal(monte_carlo.samples, again.samples)


def test_prediction_does_not_depend_on_batch_size(trained, data):
    trained.fit_posterior(data[0])
    one = trained.predict_distribution(data[0][:10], batch_size=3)
    other = trained.predict_distribution(data[0][:10])
    np.testing.assert_allclose(one.variance, other.variance, rtol=1e-4)
    np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-5)


def test_save_and_load_keeps_predictions_and_posterior(trained, data, tmp_path):
    trained.fit_posterior(data[0])
    trained.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.posterior_state == sngp.PosteriorState.FITTED
    before, after = trained.predict_distribution(data[0]), loaded.predict_distribution(data[0])
    np.testing.assert_array_equal(before.variance, after.variance)
    np.testing.assert_array_equal(before.probabilities, after.probabilities)


def test_save_weights_keeps_the_posterior(trained, data, tmp_path):
    trained.fit_posterior(data[0])
    sngp_without_optimizer = sngp.SNGP.from_config(trained.get_config())
    sngp_without_optimizer(data[0][:1])
    sngp_without_optimizer.set_weights(trained.get_weights())
    sngp_without_optimizer.save_weights(tmp_path / "model.weights.h5")
    other = sngp.SNGP.from_config(trained.get_config())
    other(data[0][:1])
    other.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(
        other.predict_distribution(data[0]).variance, trained.predict_distribution(data[0]).variance
    )


def test_a_functional_model_gets_its_posterior_from_the_function(data):
    inputs = keras.Input((2,))
    hidden = keras.layers.Dense(8, activation="relu")(inputs)
    layer = sngp.RandomFeatureGaussianProcess(2, 32, gp_kernel_scale="auto", returns="mean_field_logits", seed=0)
    model = keras.Model(inputs, layer(hidden))
    model.compile("adam", LOSS)
    model.fit(*data, verbose=0)
    with pytest.raises(ValueError, match="has not been fitted yet"):
        sngp.predict_distribution(model, data[0])
    sngp.fit_posterior(model, data[0])
    prediction = sngp.predict_distribution(model, data[0])
    adjusted = prediction.logits / np.sqrt(1 + np.pi / 8 * prediction.variance[:, None])
    np.testing.assert_allclose(model.predict(data[0], verbose=0), adjusted, rtol=1e-4, atol=1e-5)


@pytest.mark.quick_on("torch")
def test_wide_features_with_many_classes_train_at_once():
    random = np.random.default_rng(0)
    centres = random.normal(size=(150, 512))
    labels = random.integers(0, 150, 1500)
    x = (centres[labels] + 0.3 * random.normal(size=(1500, 512))).astype("float32")
    inputs = keras.Input((512,))
    model = sngp.SNGP(keras.Model(inputs, keras.layers.LayerNormalization()(inputs)), 150, seed=0)
    model.compile(keras.optimizers.Adam(3e-3), LOSS, metrics=["accuracy"])
    model.fit(x, labels, epochs=5, verbose=0)
    prediction = model.predict_distribution(x)
    assert (prediction.labels == labels).mean() > 0.95


def test_a_kernel_too_narrow_for_its_inputs_is_reported(data):
    random = np.random.default_rng(0)
    x = random.normal(size=(100, 64)).astype("float32")
    inputs = keras.Input((64,))
    model = sngp.SNGP(keras.Model(inputs, inputs), 2, 256, gp_kernel_scale=0.5, seed=0)
    model(x[:1])
    with pytest.warns(UserWarning, match="length scale .0.5. is too small"):
        model.fit_posterior(x)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_inputs_that_are_not_finite_are_refused(trained, data, bad):
    x = data[0].copy()
    x[3, 1] = bad
    for call in (
        lambda: make_model().fit(x, data[1], verbose=0),
        lambda: trained.predict(x),
        lambda: trained.predict_distribution(x),
        lambda: trained.fit_posterior(x),
    ):
        with pytest.raises(ValueError, match=r"finite numbers. Received: 1 NaN or infinite values.*\(3, 1\)"):
            call()


def test_a_data_set_with_nan_is_refused_after_the_pass(trained, data):
    x = data[0].copy()
    x[3, 1] = np.nan
    with pytest.raises(ValueError, match="NaN or infinite"):
        trained.fit_posterior(Batches(x, data[1]))
    assert trained.posterior_state == sngp.PosteriorState.UNFITTED
    trained.fit_posterior(data[0])


def test_wrong_width_is_refused(trained):
    wide = np.zeros((4, 3), "float32")
    for call in (trained.predict, trained.predict_distribution, trained.fit_posterior):
        with pytest.raises(ValueError, match=r"must have the shape \(rows, 2\). Received: shape \(4, 3\)"):
            call(wide)


def broken_generator(x, y):
    yield x[:40], y[:40]
    raise RuntimeError("the disk is gone")


def test_an_error_in_the_data_leaves_the_weights_in_place(trained, data):
    trained.fit_posterior(data[0])
    weights = trained.get_weights()
    for call in (trained.predict_distribution, trained.predict):
        with pytest.raises(RuntimeError, match="the disk is gone"):
            call(broken_generator(*data))
        for before, after in zip(weights, trained.get_weights(), strict=True):
            np.testing.assert_array_equal(before, after)
    with pytest.raises(RuntimeError, match="the disk is gone"):
        trained.fit_posterior(broken_generator(*data))
    assert trained.posterior_state == sngp.PosteriorState.UNFITTED
    trained.fit_posterior(data[0])
    np.testing.assert_allclose(trained.get_weights()[-1], weights[-1])


def test_an_error_while_new_rows_are_added_leaves_the_posterior_as_it_was(trained, data):
    trained.fit_posterior(data[0][:60])
    before = trained.predict_distribution(data[0]).variance
    with pytest.raises(RuntimeError, match="the disk is gone"):
        trained.update_posterior(broken_generator(data[0][60:], data[1][60:]))
    assert trained.gaussian_process.rows_seen == 60
    np.testing.assert_array_equal(trained.predict_distribution(data[0]).variance, before)


def test_rows_can_be_added_after_loading(trained, data, tmp_path):
    trained.fit_posterior(data[0][:60])
    trained.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    loaded.update_posterior(data[0][60:])
    trained.fit_posterior(data[0])
    whole = trained.predict_distribution(data[0]).variance
    np.testing.assert_allclose(loaded.predict_distribution(data[0]).variance, whole, rtol=2e-3)


@pytest.mark.parametrize("label", [-1, 2, 0.5])
def test_labels_out_of_range_are_refused(data, label):
    y = data[1].astype("float32")
    y[5] = label
    with pytest.raises(ValueError, match=f"from 0 to 1. Received: 1 others, such as {label}"):
        make_model().fit(data[0], y, verbose=0)


def test_empty_data_is_refused(trained):
    empty = np.zeros((0, 2), "float32")
    for call in (trained.predict, trained.predict_distribution, trained.fit_posterior):
        with pytest.raises(ValueError, match=r"at least one row. Received: shape \(0, 2\)"):
            call(empty)
    with pytest.raises(ValueError, match="at least one row"):
        make_model().fit(empty, np.zeros(0, "int64"), verbose=0)


def test_an_exhausted_generator_is_refused(trained):
    with pytest.raises(ValueError, match="no batches left"):
        trained.fit_posterior(iter([]))


def test_predicting_before_the_posterior_exists_is_refused(data):
    model = make_model()
    for call in (model.predict, model.predict_distribution):
        with pytest.raises(ValueError, match=r"posterior of 'sngp.*has not been fitted yet.*fit_posterior"):
            call(data[0])


def test_a_stale_posterior_is_reported_and_not_used(data):
    model = make_model()
    model.fit(*data, verbose=0)
    model.train_on_batch(data[0][:10], data[1][:10])
    assert model.posterior_state == sngp.PosteriorState.STALE
    with pytest.raises(ValueError, match="is stale"):
        model.predict_distribution(data[0])
    with pytest.raises(ValueError, match="stale one"):
        model.update_posterior(data[0])
    model.fit_posterior(data[0])
    assert model.posterior_state == sngp.PosteriorState.FITTED


def test_mean_field_of_posterior_variance_matches_the_posterior_module(trained, data):
    trained.fit_posterior(data[0])
    _, features = expected_gram(trained, data[0])
    root = keras.ops.convert_to_numpy(trained.gaussian_process.covariance_root)
    expected = posterior.variance(features.astype("float32"), root)
    np.testing.assert_allclose(trained.predict_distribution(data[0]).variance, expected, rtol=1e-3)


def test_backbone_and_method_are_checked(trained, data):
    with pytest.raises(TypeError, match=r"`backbone` must be a keras.Model.*Received: function"):
        sngp.SNGP(make_model, 2)
    with pytest.raises(ValueError, match=r"`method` must be one of mean_field, monte_carlo. Received: 'exact'"):
        trained.predict_distribution(data[0], method="exact")
    with pytest.raises(ValueError, match="none"):
        sngp.fit_posterior(trained.backbone, data[0])


@pytest.mark.parametrize("learning_rate", [pytest.param(1e-3, marks=pytest.mark.long), 1e-2])
def test_bounds_hold_after_fit_to_a_thousandth(data, learning_rate):
    model = sngp.SNGP(sngp.DeepResNet(num_layers=3, num_hidden=48, spec_norm_bound=0.9), 2, 64, seed=1)
    model.compile(keras.optimizers.Adam(learning_rate), LOSS)
    model.fit(*data, epochs=10, batch_size=50, verbose=0)
    largest = []
    for layer in model.backbone.dense_layers:
        kernel, bias = (keras.ops.convert_to_numpy(weight) for weight in layer.layer.weights)
        # With a bias that keeps every relu open, the layer is its linear map.
        layer.layer.bias.assign(np.full_like(bias, 100.0))
        mapped = keras.ops.convert_to_numpy(layer(np.eye(48, dtype="float32"))) - 100.0
        largest.append(np.linalg.norm(mapped.astype("float64"), ord=2))
        assert np.linalg.norm(kernel, ord=2) > 0.9
    assert max(largest) <= 0.9 * (1 + 1e-3)


class InBatches(keras.utils.PyDataset):
    def __init__(self, x):
        super().__init__()
        self.x = x

    def __len__(self):
        return 3

    def __getitem__(self, number):
        return (self.x[number::3],)


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_predictions_keep_the_bound_on_kernels_changed_by_hand_since(data):
    x, y = data
    model = make_model()
    model.fit(x, y, epochs=1, batch_size=50, verbose=0)
    before = model.predict_distribution(x).logits
    for layer in model.backbone.dense_layers:
        layer.layer.kernel.assign(np.random.default_rng(0).normal(size=(16, 16)))
    batches = InBatches(x)
    x = np.concatenate([x[number::3] for number in range(3)])
    found = [model.predict_distribution(given).logits for given in (x, batches, (batch for batch in [*batches][:3]))]
    assert np.abs(found[0] - before).max() > 1e-2
    largest_first = sngp.fold(model)
    for layer, bounded in zip(largest_first.backbone.dense_layers, model.backbone.dense_layers, strict=True):
        kernel = keras.ops.convert_to_numpy(bounded.layer.kernel)
        layer.kernel.assign(kernel * 0.9 / np.linalg.norm(kernel, ord=2))
    expected = largest_first.predict_distribution(x).logits
    for logits in found:
        np.testing.assert_allclose(logits, expected, atol=1e-3)


def test_validation_while_training_sees_plain_logits_and_the_posterior_comes_after(data):
    model = make_model()
    history = model.fit(*data, epochs=2, validation_data=data, verbose=0)
    assert np.isfinite(history.history["val_loss"]).all()
    assert model.posterior_state == sngp.PosteriorState.FITTED


def test_mixed_precision_keeps_the_posterior_in_float32(data):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = make_model()
        model.fit(*data, epochs=10, verbose=0)
    finally:
        keras.config.set_dtype_policy("float32")
    prediction = model.predict_distribution(data[0])
    assert model.backbone.compute_dtype == "bfloat16"
    assert keras.backend.standardize_dtype(model.gaussian_process.gram.dtype) == "float32"
    gram, features = expected_gram(model, data[0])
    expected = np.diagonal(dense_covariance(gram, 1.0, features))
    np.testing.assert_allclose(prediction.variance, expected, rtol=0.1)  # bfloat16 has 3 digits
    assert (prediction.labels == data[1]).mean() > 0.8


def test_three_classes_can_have_a_covariance_each():
    random = np.random.default_rng(0)
    labels = np.arange(90) % 3
    x = (np.array([[0, 0], [3, 0], [0, 3]])[labels] + random.normal(0, 0.5, (90, 2))).astype("float32")
    model = sngp.SNGP(sngp.DeepResNet(num_layers=1, num_hidden=8), 3, 32, gp_cov_likelihood="categorical", seed=0)
    model.compile(keras.optimizers.Adam(1e-2), LOSS)
    model.fit(x, labels, epochs=20, verbose=0)
    prediction = model.predict_distribution(x)
    _, features = expected_gram(model, x)
    plain = np.exp(prediction.logits) / np.exp(prediction.logits).sum(axis=1, keepdims=True)
    for k in range(3):
        gram, _ = expected_gram(model, x, plain[:, k] * (1 - plain[:, k]))
        expected = np.diagonal(dense_covariance(gram, 1.0, features))
        np.testing.assert_allclose(prediction.variance[:, k], expected, rtol=5e-3)
    adjusted = prediction.logits / np.sqrt(1 + np.pi / 8 * prediction.variance)
    np.testing.assert_allclose(model.predict(x, verbose=0), adjusted, rtol=1e-3, atol=1e-4)


def test_the_scale_of_the_features_makes_no_difference():
    """The automatic length scale normalises inputs, and the ridge is relative to the random features."""
    x = np.random.default_rng(0).normal(size=(40, 5)).astype("float32")
    predictions = []
    for factor in (1.0, 1000.0):
        inputs = keras.Input((5,))
        model = sngp.SNGP(keras.Model(inputs, keras.layers.Rescaling(factor)(inputs)), 2, 64, seed=0)
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(x, (x[:, 0] > 0).astype(int), epochs=3, verbose=0, shuffle=False)
        predictions.append(model.predict_distribution(2 * x))
    np.testing.assert_allclose(predictions[0].variance, predictions[1].variance, rtol=1e-3)
    np.testing.assert_allclose(predictions[0].probabilities, predictions[1].probabilities, atol=1e-4)


def test_arrays_are_shrunk_by_variance_as_tensors_are(trained, data):
    trained.fit_posterior(data[0])
    logits, variance = np.ones((3, 2), "float32"), np.arange(3, dtype="float32")
    shrunk = keras.ops.convert_to_numpy(trained.gaussian_process.shrink_by_variance(logits, variance))
    np.testing.assert_allclose(shrunk, logits / np.sqrt(1 + np.pi / 8 * variance[:, None]), rtol=1e-5)


class CountedDense(keras.layers.Dense):
    calls = 0

    def call(self, inputs, training=None):
        self.calls += 1
        return super().call(inputs, training=training)


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="PyTorch runs each step without compiling it")
def test_training_is_compiled_once(data):
    def calls_in_fit(steps):
        dense = CountedDense(4)
        model = sngp.SNGP(keras.Sequential([keras.Input((2,)), dense]), 2, num_inducing=8)
        model.compile("sgd", LOSS)
        rows = 10 * steps
        model.fit(data[0][:rows], data[1][:rows], batch_size=10, verbose=0)
        return dense.calls

    assert calls_in_fit(4) == calls_in_fit(1)
