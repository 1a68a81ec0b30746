"""The layer against dense Gaussian processes and brute-force sums in float64 numpy."""

import warnings

import keras
import numpy as np
import pytest
from keras import ops
from mathematics import brute_force_gram, dense_covariance, gaussian_process_covariance, numpy, softmax

import keras_sngp as sngp
from keras_sngp import PosteriorState, RandomFeatureGaussianProcess

WIDTH = 3


def rows(count, seed=0, width=WIDTH):
    return np.random.default_rng(seed).normal(size=(count, width)).astype("float32")


def make_layer(units=2, num_inducing=16, *, kernel_seed=9, **arguments):
    """A built layer with a normal output kernel, so that rows differ in their logits."""
    layer = RandomFeatureGaussianProcess(units, num_inducing, **{"seed": 1, **arguments})
    layer.build((None, WIDTH))
    layer.kernel.assign(np.random.default_rng(kernel_seed).normal(size=layer.kernel.shape))
    return layer


def fit(layer, *batches):
    """The pass over the data by the layer's own public steps."""
    layer.reset_covariance_matrix()
    for batch in batches:
        layer.accumulate(layer.random_features(batch), layer(batch, returns="logits"))
    layer.update_covariance()


def phi(layer, x):
    return numpy(layer.random_features(x))


# Shapes and kinds of output


@pytest.mark.parametrize(
    "likelihood, units, each", [("gaussian", 3, ()), ("categorical", 2, ()), ("categorical", 3, (3,))]
)
def test_each_kind_of_output_has_its_shape_in_calls_and_in_graphs(likelihood, units, each):
    layer = make_layer(units, gp_cov_likelihood=likelihood)
    fit(layer, rows(6))
    logits = (5, units)
    expected = {
        "logits": logits,
        "mean_field_logits": logits,
        "logits_and_variance": (logits, (5, *each)),
        "logits_and_covariance": (logits, (*each, 5, 5)),
    }
    for training in (False, True):
        for returns, shapes in expected.items():
            outputs = layer(rows(5), training=training, returns=returns)
            assert keras.tree.map_structure(lambda tensor: tuple(tensor.shape), outputs) == shapes
    for returns, shapes in expected.items():
        symbolic = layer(keras.Input((WIDTH,), batch_size=5), returns=returns)
        assert keras.tree.map_structure(lambda tensor: tensor.shape, symbolic) == shapes


def test_variance_is_the_diagonal_of_the_covariance_and_logits_agree():
    for units, likelihood in [(2, "gaussian"), (3, "categorical")]:
        layer = make_layer(units, gp_cov_likelihood=likelihood)
        fit(layer, rows(8))
        x = rows(5, seed=1)
        logits, covariance = layer(x)
        same_logits, variance = layer(x, returns="logits_and_variance")
        diagonal = np.diagonal(numpy(covariance), axis1=-2, axis2=-1).T
        np.testing.assert_allclose(numpy(variance), diagonal, rtol=1e-5)
        np.testing.assert_array_equal(numpy(logits), numpy(same_logits))
        np.testing.assert_array_equal(numpy(logits), numpy(layer(x, returns="logits")))


def test_logits_are_linear_in_the_features():
    layer = make_layer(gp_output_bias=0.7)
    x = rows(5)
    expected = phi(layer, x) @ numpy(layer.kernel) + 0.7
    np.testing.assert_allclose(numpy(layer(x, returns="logits")), expected, atol=1e-5)


def test_mean_field_logits_are_shrunk_by_the_variance_once_fitted():
    layer = make_layer(returns="mean_field_logits", mean_field_factor=0.5)
    x = rows(5, seed=1)
    plain = numpy(layer(x, returns="logits"))
    np.testing.assert_array_equal(numpy(layer(x)), plain)
    fit(layer, rows(8))
    variance = numpy(layer(x, returns="logits_and_variance")[1])
    np.testing.assert_allclose(numpy(layer(x)), plain / np.sqrt(1 + 0.5 * variance[:, None]), rtol=1e-5)
    np.testing.assert_array_equal(numpy(layer(x, training=True)), plain)


def test_covariance_in_training_is_zero():
    for units, likelihood in [(2, "gaussian"), (3, "categorical")]:
        layer = make_layer(units, gp_cov_likelihood=likelihood)
        fit(layer, rows(8))
        for returns in ("logits_and_covariance", "logits_and_variance"):
            assert not numpy(layer(rows(5), training=True, returns=returns)[1]).any()


def test_normalised_input_hides_its_norm():
    layer = make_layer(normalize_input=True)
    fit(layer, rows(8))
    x = 10 * rows(5, seed=1)
    np.testing.assert_allclose(numpy(layer(x)[1]), numpy(layer(100 * x)[1]), atol=1e-3)
    plain = make_layer()
    fit(plain, rows(8))
    assert np.abs(numpy(plain(x)[1]) - numpy(plain(100 * x)[1])).max() > 0.1


# The posterior against dense Gaussian processes


@pytest.mark.parametrize("ridge", [0.01, 1.0, 20.0])
@pytest.mark.parametrize("scaled, amplitude", [(True, 1.0), (True, 5.0), (False, 1.0)])
def test_posterior_is_the_gaussian_process_in_weights_and_in_functions(ridge, scaled, amplitude):
    """Dual form: `Phi* (G + tau I)^-1 Phi*^T = K** - K*n (Knn + I)^-1 Kn*` with `K = Phi Phi^T / tau`."""
    layer = make_layer(gp_cov_ridge_penalty=ridge, scale_random_features=scaled, gp_kernel_amplitude=amplitude)
    train, test = rows(12), rows(5, seed=1)
    fit(layer, train)
    features, test_features = phi(layer, train), phi(layer, test)
    weight_space = dense_covariance(features.T @ features, ridge, test_features)
    among_test = test_features @ test_features.T / ridge
    across = test_features @ features.T / ridge
    among_train = features @ features.T / ridge
    function_space = among_test - across @ np.linalg.inv(among_train + np.eye(12)) @ across.T
    np.testing.assert_allclose(weight_space, function_space, atol=1e-8 * np.abs(among_test).max())
    covariance = numpy(layer(test)[1])
    np.testing.assert_allclose(covariance, function_space, rtol=1e-3, atol=1e-4 * np.abs(covariance).max())


def test_variance_converges_to_the_exact_gaussian_process_with_the_number_of_features():
    train, test, scale = rows(12), rows(6, seed=1), 1.5
    exact = np.diagonal(gaussian_process_covariance(train, test, scale))

    def error(num_inducing):
        errors = []
        for seed in range(4):
            layer = make_layer(num_inducing=num_inducing, gp_kernel_scale=scale, seed=seed)
            fit(layer, train)
            errors.append(np.abs(numpy(layer(test, returns="logits_and_variance")[1]) - exact).mean())
        return np.mean(errors)

    few, many = error(16), error(256)
    assert many < 0.05
    assert many < few / 2, "a fourth is expected"


def test_linear_kernel_is_bayesian_linear_regression():
    layer = make_layer(gp_kernel_type="linear", gp_kernel_scale=2.0, gp_cov_ridge_penalty=0.5)
    train, test = rows(12).astype("float64"), rows(5, seed=1).astype("float64")
    fit(layer, rows(12))
    expected = dense_covariance(train.T @ train / 4, 0.5, test / 2)
    np.testing.assert_allclose(numpy(layer(rows(5, seed=1))[1]), expected, rtol=1e-4, atol=1e-5)


def test_variance_is_small_at_the_data_and_the_priors_far_away():
    layer = make_layer(num_inducing=256, gp_kernel_scale=4.0)
    near, far = rows(40), rows(40) + 100
    fit(layer, near)
    variance_near = numpy(layer(near, returns="logits_and_variance")[1])
    variance_far = numpy(layer(far, returns="logits_and_variance")[1])
    prior = np.sum(phi(layer, far) ** 2, axis=1)
    assert variance_near.max() < 0.3
    assert (variance_far > 0.8 * prior).all()
    assert (variance_far < prior * (1 + 1e-5)).all()


# Likelihoods


@pytest.mark.parametrize(
    "likelihood, units, weight",
    [
        ("gaussian", 2, lambda f: 1.0),
        ("binary_logistic", 1, lambda f: 1 / (1 + np.exp(-f[0])) * (1 - 1 / (1 + np.exp(-f[0])))),
        ("poisson", 1, lambda f: np.exp(f[0])),
        ("categorical", 2, lambda f: np.mean(softmax(f) * (1 - softmax(f)))),
        ("categorical", 12, lambda f: np.mean(softmax(f) * (1 - softmax(f)))),
    ],
)
def test_posterior_of_each_likelihood_is_the_weighted_sum_over_rows(likelihood, units, weight):
    layer = make_layer(units, gp_cov_likelihood=likelihood, gp_cov_ridge_penalty=0.3)
    train, test = rows(10), rows(5, seed=1)
    fit(layer, train[:4], train[4:])
    logits = numpy(layer(train, returns="logits"))
    gram = brute_force_gram(phi(layer, train), [weight(row) for row in logits])
    np.testing.assert_allclose(numpy(layer.gram), gram, rtol=1e-4, atol=1e-5)
    expected = dense_covariance(gram, 0.3, phi(layer, test))
    np.testing.assert_allclose(numpy(layer(test)[1]), expected, rtol=1e-3, atol=1e-4)


def test_covariance_a_class_uses_each_classs_own_curvature():
    layer = make_layer(3, gp_cov_likelihood="categorical")
    assert layer.has_covariance_per_class
    train, test = rows(10), rows(5, seed=1)
    fit(layer, train)
    probabilities = softmax(numpy(layer(train, returns="logits")))
    variances = numpy(layer(test, returns="logits_and_variance")[1])
    for label in range(3):
        p = probabilities[:, label]
        gram = brute_force_gram(phi(layer, train), p * (1 - p))
        expected = np.diagonal(dense_covariance(gram, 1.0, phi(layer, test)))
        np.testing.assert_allclose(variances[:, label], expected, rtol=1e-4)
    shared = make_layer(3, gp_cov_likelihood="categorical", gp_cov_per_class=False)
    fit(shared, train)
    np.testing.assert_allclose(numpy(shared.gram), numpy(layer.gram).mean(axis=0), rtol=1e-4, atol=1e-5)


def test_with_two_classes_a_covariance_each_is_the_shared_one_twice():
    each = make_layer(2, gp_cov_likelihood="categorical", gp_cov_per_class=True)
    shared = make_layer(2, gp_cov_likelihood="categorical")
    assert not shared.has_covariance_per_class
    for layer in (each, shared):
        fit(layer, rows(10))
    x = rows(5, seed=1)
    covariance = numpy(shared(x)[1])
    np.testing.assert_allclose(numpy(each(x)[1]), [covariance, covariance], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("units, expected", [(2, False), (3, True), (10, True), (11, False)])
def test_covariance_a_class_is_the_default_for_three_to_ten_classes(units, expected):
    layer = RandomFeatureGaussianProcess(units, 4, gp_cov_likelihood="categorical")
    assert layer.has_covariance_per_class is expected
    assert not RandomFeatureGaussianProcess(units, 4).has_covariance_per_class


def test_covariances_a_class_are_the_diagonal_blocks_of_the_softmax_hessian():
    """The Hessian of the negative log-likelihood in all output weights, by finite differences."""
    classes, step = 3, 1e-4
    layer = make_layer(classes, gp_kernel_type="linear", gp_cov_likelihood="categorical")
    train = rows(6)
    fit(layer, train)
    labels = np.array([0, 1, 2, 0, 1, 2])
    start = numpy(layer.kernel).ravel()

    def loss(weights):
        logits = train.astype("float64") @ weights.reshape(WIDTH, classes)
        return -np.log(softmax(logits)[np.arange(6), labels]).sum()

    offsets = step * np.eye(start.size)
    hessian = np.array(
        [
            [
                (loss(start + a + b) - loss(start + a - b) - loss(start - a + b) + loss(start - a - b)) / (4 * step**2)
                for b in offsets
            ]
            for a in offsets
        ]
    ).reshape(WIDTH, classes, WIDTH, classes)
    for label in range(classes):
        np.testing.assert_allclose(numpy(layer.gram)[label], hessian[:, label, :, label], rtol=1e-3, atol=1e-4)


# Accumulating while training


def test_sum_over_one_epoch_is_the_exact_pass():
    def make_model(momentum):
        layer = RandomFeatureGaussianProcess(1, 16, gp_cov_momentum=momentum, returns="logits", seed=1)
        return layer, keras.Sequential([keras.Input((WIDTH,)), layer])

    x, test = rows(10), rows(5, seed=1)
    summed, model = make_model(-1)
    model.compile("sgd", "mse")
    model.fit(x, rows(10, seed=2, width=1), batch_size=4, epochs=1, verbose=0)
    assert summed.posterior_state == PosteriorState.STALE
    summed.update_covariance()
    exact, model = make_model(None)
    sngp.fit_posterior(model, x)
    assert summed.rows_seen == exact.rows_seen == 10
    np.testing.assert_allclose(numpy(summed.gram), numpy(exact.gram), rtol=1e-4, atol=1e-5)
    variances = [numpy(layer(test, returns="logits_and_variance")[1]) for layer in (summed, exact)]
    np.testing.assert_allclose(variances[0], variances[1], rtol=1e-4)


def test_sum_over_several_epochs_with_resets_counts_each_row_once():
    layer = RandomFeatureGaussianProcess(1, 16, gp_cov_momentum=-1, returns="logits", seed=1)
    model = keras.Sequential([keras.Input((WIDTH,)), layer])
    model.compile("sgd", "mse")
    x = rows(10)
    callback = sngp.ResetCovarianceCallback()
    model.fit(x, rows(10, width=1), batch_size=4, epochs=3, callbacks=[callback], verbose=0)
    assert layer.posterior_state == PosteriorState.FITTED
    assert layer.rows_seen == 10
    np.testing.assert_allclose(numpy(layer.gram), brute_force_gram(phi(layer, x), np.ones(10)), rtol=1e-4, atol=1e-5)


def test_momentum_forgets_old_batches_by_the_same_factor_each_step():
    layer = make_layer(gp_cov_momentum=0.9)
    batches = [rows(4, seed=0), rows(3, seed=1), rows(5, seed=2)]
    for batch in batches:
        layer(batch, training=True)
    kept = [0.81, 0.9, 1.0]
    gram = sum(k * brute_force_gram(phi(layer, b), np.ones(len(b))) for k, b in zip(kept, batches, strict=True))
    np.testing.assert_allclose(numpy(layer.gram), gram, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.rows_seen, 0.81 * 4 + 0.9 * 3 + 5, rtol=1e-6)
    test = rows(5, seed=3)
    np.testing.assert_allclose(
        numpy(layer(test)[1]), dense_covariance(gram, 1.0, phi(layer, test)), rtol=1e-3, atol=1e-4
    )


def test_without_momentum_training_accumulates_nothing():
    layer = make_layer()
    layer(rows(4), training=True)
    assert layer.rows_seen == 0
    assert not numpy(layer.gram).any()


def test_sample_weights_count_a_row_that_often():
    counts = np.array([0, 1, 2, 3], "float32")
    for likelihood, units in [("gaussian", 2), ("categorical", 3)]:
        weighted, repeated = (make_layer(units, gp_cov_likelihood=likelihood) for _ in range(2))
        x = rows(4)
        weighted.accumulate(weighted.random_features(x), weighted(x, returns="logits"), counts)
        weighted.update_covariance()
        fit(repeated, np.repeat(x, counts.astype(int), axis=0))
        assert weighted.rows_seen == repeated.rows_seen == 6
        np.testing.assert_allclose(numpy(weighted.gram), numpy(repeated.gram), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("arguments", [{}, {"normalize_input": True}, {"gp_cov_likelihood": "categorical", "units": 3}])
def test_batches_of_inputs_add_up_to_the_exact_pass(arguments):
    by_batch, in_one_pass = (make_layer(**arguments) for _ in range(2))
    x, counts = rows(7), np.array([1, 2, 0, 1, 3, 1, 1], "float32")
    for batch in (slice(0, 4), slice(4, 7)):
        by_batch.accumulate_inputs(x[batch], counts[batch])
    by_batch.update_covariance()
    model = keras.Sequential([keras.Input((WIDTH,)), in_one_pass])
    sngp.fit_posterior(model, x, sample_weight=counts)
    assert by_batch.rows_seen == in_one_pass.rows_seen == 9
    assert by_batch.posterior_state == PosteriorState.FITTED
    np.testing.assert_allclose(numpy(by_batch.gram), numpy(in_one_pass.gram), rtol=1e-4, atol=1e-5)


# State


def test_state_goes_from_unfitted_to_fitted_to_stale_and_back():
    layer = make_layer()
    assert layer.posterior_state == PosteriorState.UNFITTED
    layer(rows(4), training=True)
    assert layer.posterior_state == PosteriorState.UNFITTED
    fit(layer, rows(6))
    assert (layer.posterior_state, layer.rows_seen) == (PosteriorState.FITTED, 6)
    layer(rows(4), training=True)
    assert (layer.posterior_state, layer.rows_seen) == (PosteriorState.STALE, 6)
    layer.reset_covariance_matrix()
    assert (layer.posterior_state, layer.rows_seen) == (PosteriorState.UNFITTED, 0)


def test_unfitted_layer_warns_and_gives_the_finite_positive_prior():
    for units, likelihood in [(2, "gaussian"), (3, "categorical")]:
        layer = make_layer(units, gp_cov_likelihood=likelihood, gp_cov_ridge_penalty=4.0)
        x = rows(5)
        with pytest.warns(UserWarning, match=r"has not been fitted.*prior.*fit_posterior"):
            covariance = numpy(layer(x)[1])
        features = phi(layer, x)
        prior = np.broadcast_to(features @ features.T / 4, covariance.shape)
        np.testing.assert_allclose(covariance, prior, rtol=1e-4, atol=1e-6)
        assert np.linalg.eigvalsh(covariance).min() > -1e-5
        assert np.diagonal(covariance, axis1=-2, axis2=-1).min() > 0


def test_stale_layer_warns_and_keeps_the_old_posterior():
    layer = make_layer()
    x = rows(5, seed=1)
    fit(layer, rows(6))
    before = numpy(layer(x)[1])
    layer(rows(4), training=True)
    with pytest.warns(UserWarning, match=r"stale.*fit_posterior"):
        after = numpy(layer(x)[1])
    np.testing.assert_array_equal(after, before)


def test_stale_layer_gives_plain_logits_for_mean_field_ones():
    layer = make_layer(returns="mean_field_logits")
    fit(layer, rows(6))
    layer(rows(4), training=True)
    np.testing.assert_array_equal(numpy(layer(rows(5))), numpy(layer(rows(5), returns="logits")))


@pytest.mark.parametrize("momentum", [-1, 0.9])
def test_layer_that_accumulates_updates_itself_at_inference_without_a_warning(momentum):
    layer = make_layer(gp_cov_momentum=momentum)
    layer(rows(4), training=True)
    assert layer.posterior_state == PosteriorState.STALE
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        layer(rows(5))
    assert layer.posterior_state == PosteriorState.FITTED


def test_predict_of_an_unfitted_layer_gives_the_prior():
    """With or without the warning, which PyTorch alone can give here, since it does not compile."""
    layer = make_layer(returns="logits_and_variance")
    model = keras.Sequential([keras.Input((WIDTH,)), layer])
    x = rows(5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        _, variance = model.predict(x, verbose=0)
    np.testing.assert_allclose(variance, np.sum(phi(layer, x) ** 2, axis=1), rtol=1e-4)
    assert layer.posterior_state == PosteriorState.UNFITTED


def test_reset_gives_the_prior_again():
    layer = make_layer(3, gp_cov_likelihood="categorical", gp_cov_ridge_penalty=2.0)
    start = [numpy(weight) for weight in layer.weights]
    fit(layer, rows(6))
    layer.reset_covariance_matrix()
    for before, weight in zip(start, layer.weights, strict=True):
        np.testing.assert_allclose(numpy(weight), before, rtol=1e-6)


def test_covariance_of_no_rows_is_refused():
    with pytest.raises(ValueError, match=r"at least one training row.*Received.*0"):
        make_layer().update_covariance()


def test_features_that_are_not_finite_are_refused():
    layer = make_layer()
    layer.accumulate(ops.full((2, 16), np.nan), ops.zeros((2, 2)))
    with pytest.raises(ValueError, match="NaN or infinite"):
        layer.update_covariance()


# Saving and precision


@pytest.mark.parametrize("likelihood, units", [("gaussian", 2), ("categorical", 3)])
def test_saved_model_keeps_posterior_and_state(tmp_path, likelihood, units):
    layer = make_layer(units, gp_cov_likelihood=likelihood, gp_kernel_scale="auto", normalize_input=True)
    model = keras.Sequential([keras.Input((WIDTH,)), layer])
    layer(rows(6), training=True)
    sngp.fit_posterior(model, 10 * rows(6))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras").layers[-1]
    assert (loaded.posterior_state, loaded.rows_seen) == (PosteriorState.FITTED, 6)
    x = rows(5, seed=1)
    for expected, received in zip(layer(x), loaded(x), strict=True):
        np.testing.assert_array_equal(numpy(received), numpy(expected))


def test_config_round_trip_keeps_every_argument():
    arguments = {
        "units": 3,
        "num_inducing": 8,
        "gp_kernel_type": "gaussian",
        "gp_kernel_scale": 2.0,
        "gp_kernel_amplitude": 3.0,
        "gp_output_bias": 0.5,
        "normalize_input": True,
        "gp_output_bias_trainable": True,
        "gp_cov_momentum": 0.99,
        "gp_cov_ridge_penalty": 0.1,
        "scale_random_features": False,
        "orthogonal_random_features": True,
        "l2_regularization": 1e-3,
        "gp_cov_likelihood": "categorical",
        "gp_cov_per_class": False,
        "mean_field_factor": 0.2,
        "returns": "logits_and_variance",
        "seed": 3,
    }
    config = RandomFeatureGaussianProcess(**arguments, kernel_initializer="ones").get_config()
    copy = RandomFeatureGaussianProcess.from_config(config)
    assert {name: getattr(copy, name) for name in arguments} == arguments
    assert isinstance(copy.kernel_initializer, keras.initializers.Ones)


def test_mixed_precision_keeps_statistics_in_float32_and_the_same_results():
    plain, mixed = make_layer(), make_layer(dtype="mixed_bfloat16")
    for layer in (plain, mixed):
        fit(layer, rows(8))
    assert {keras.backend.standardize_dtype(w.dtype) for w in mixed.weights if w is not mixed.state} == {"float32"}
    x = rows(5, seed=1)
    for expected, received in zip(plain(x), mixed(x), strict=True):
        assert keras.backend.standardize_dtype(received.dtype) == "float32"
        np.testing.assert_allclose(numpy(received), numpy(expected), rtol=1e-5, atol=1e-6)


def test_bfloat16_features_give_a_close_posterior():
    plain, mixed = make_layer(), make_layer(dtype="mixed_bfloat16")
    train, test = rows(8), rows(5, seed=1)
    fit(plain, train)
    fit(mixed, ops.cast(train, "bfloat16"))
    variances = [
        numpy(plain(test, returns="logits_and_variance")[1]),
        numpy(mixed(ops.cast(test, "bfloat16"), returns="logits_and_variance")[1]),
    ]
    np.testing.assert_allclose(variances[1], variances[0], rtol=0.02)


def test_output_kernel_is_all_that_training_moves_unless_the_bias_may():
    layer = make_layer(gp_cov_momentum=-1, normalize_input=False)
    assert [w is layer.kernel for w in layer.trainable_variables] == [True]
    with_bias = make_layer(gp_output_bias_trainable=True)
    assert len(with_bias.trainable_variables) == 2


def test_l2_penalty_is_the_factor_times_the_squared_weights():
    layer = make_layer(l2_regularization=0.01)
    np.testing.assert_allclose(numpy(sum(layer.losses)), 0.01 * np.sum(numpy(layer.kernel) ** 2), rtol=1e-5)
    assert make_layer(l2_regularization=0.0).losses == []


# Errors


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"units": 0}, "`units`.*Received: 0"),
        ({"units": 2.0}, "`units`.*Received: 2.0"),
        ({"num_inducing": 0}, "num_inducing.*Received: 0"),
        ({"num_inducing": -3}, "num_inducing.*Received: -3"),
        ({"gp_kernel_type": "matern"}, "gaussian, laplacian, linear.*'matern'"),
        ({"gp_kernel_scale": 0.0}, "length scale.*Received: 0.0"),
        ({"gp_kernel_amplitude": 0.0}, "amplitude.*Received: 0.0"),
        ({"gp_kernel_amplitude": float("nan")}, "amplitude.*Received: nan"),
        ({"gp_kernel_amplitude": "auto"}, "amplitude.*Received: 'auto'"),
        ({"gp_cov_likelihood": "student"}, "gp_cov_likelihood.*categorical.*'student'"),
        ({"gp_cov_likelihood": "binary_logistic"}, "binary_logistic.*one logit.*units=2"),
        ({"gp_cov_likelihood": "poisson"}, "poisson.*one logit.*units=2"),
        ({"units": 1, "gp_cov_likelihood": "categorical"}, "at least 2 classes.*binary_logistic.*units=1"),
        ({"gp_cov_per_class": True}, "gp_cov_per_class.*categorical.*'gaussian'"),
        ({"gp_cov_ridge_penalty": 0}, "gp_cov_ridge_penalty.*Received: 0"),
        ({"gp_cov_ridge_penalty": -1.0}, "gp_cov_ridge_penalty.*Received: -1.0"),
        ({"gp_cov_ridge_penalty": float("nan")}, "gp_cov_ridge_penalty.*Received: nan"),
        ({"gp_cov_momentum": 0}, "gp_cov_momentum.*Received: 0"),
        ({"gp_cov_momentum": 1.0}, "gp_cov_momentum.*Received: 1.0"),
        ({"gp_cov_momentum": -0.5}, "gp_cov_momentum.*Received: -0.5"),
        ({"gp_cov_momentum": float("nan")}, "gp_cov_momentum.*Received: nan"),
        ({"mean_field_factor": -0.1}, "mean_field_factor.*Received: -0.1"),
        ({"mean_field_factor": float("nan")}, "mean_field_factor.*Received: nan"),
        ({"returns": "variance"}, "`returns`.*logits_and_variance.*'variance'"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        RandomFeatureGaussianProcess(**{"units": 2, **arguments})


def test_unknown_returns_in_a_call_is_refused():
    with pytest.raises(ValueError, match=r"`returns`.*logits_and_variance.*'covariance'"):
        make_layer()(rows(4), returns="covariance")


@pytest.mark.parametrize("shape", [(2, 3, 4), (4,)])
def test_inputs_that_are_no_rows_of_features_are_refused(shape):
    with pytest.raises(ValueError, match=r"\(batch, width\).*Received"):
        RandomFeatureGaussianProcess(2, 4)(np.ones(shape, "float32"))


def test_wrong_width_names_the_expected_one():
    with pytest.raises(ValueError, match=r"3.*\(4, 5\)"):
        make_layer()(np.ones((4, 5), "float32"))


def test_mean_field_logits_use_the_posterior_that_sums_in_training_without_being_told():
    layer = RandomFeatureGaussianProcess(
        2, 64, gp_cov_momentum=-1, returns="mean_field_logits", kernel_initializer="normal", seed=0
    )
    x = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
    layer(x, training=True)
    far = x + 100
    logits, variance = layer(far, returns="logits_and_variance")
    fresh = RandomFeatureGaussianProcess.from_config(layer.get_config())
    fresh.build(x.shape)
    fresh.set_weights(layer.get_weights())
    fresh.state.assign(int(PosteriorState.STALE))
    expected = numpy(logits) / np.sqrt(1 + np.pi / 8 * numpy(variance)[:, None])
    np.testing.assert_allclose(numpy(fresh(far)), expected, rtol=1e-5)
    assert fresh.posterior_state == PosteriorState.FITTED
