"""Last-layer Laplace against a Hessian by automatic differentiation, dense inverses, and its limits."""

import keras
import numpy as np
import pytest
from mathematics import softmax

from keras_sngp import LastLayerLaplace, features_of

ROWS, WIDTH = 80, 3


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(ROWS, 4)).astype("float32")


def make_model(classes=3, activation=None):
    return keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(WIDTH, activation="tanh"), keras.layers.Dense(classes, activation)]
    )


def with_one(features):
    return np.concatenate([features, np.ones((len(features), 1))], axis=1).astype("float64")


def automatic_hessian(features, logits):
    """Second derivatives of the summed cross-entropy in the weights `(classes, width + 1)`, at the trained ones."""
    torch = pytest.importorskip("torch")
    h = torch.tensor(with_one(features))
    at = torch.linalg.lstsq(h, torch.tensor(logits.astype("float64"))).solution.T
    labels = torch.arange(len(h)) % logits.shape[1]

    def loss(weights):
        return torch.nn.functional.cross_entropy(h @ weights.T, labels, reduction="sum")

    size = at.numel()
    return torch.autograd.functional.hessian(loss, at).reshape(size, size).numpy()


def brute_force(covariance, features, classes):
    rows = []
    for h in with_one(features):
        jacobian = np.kron(np.eye(classes), h)
        rows.append(np.diag(jacobian @ covariance @ jacobian.T))
    return np.array(rows)


def test_the_full_posterior_is_that_of_an_automatic_hessian(x):
    model = make_model()
    features, logits = features_of(model, x)
    covariance = np.linalg.inv(automatic_hessian(features, logits) + 0.7 * np.eye(3 * (WIDTH + 1)))
    prediction = LastLayerLaplace(model, 0.7, "full").fit_posterior(x).predict_distribution(x)
    expected = brute_force(covariance, features, 3)
    np.testing.assert_allclose(prediction.variance, expected, rtol=1e-4)
    np.testing.assert_allclose(prediction.logits, logits, rtol=1e-5, atol=1e-6)
    shrunk = softmax(logits / np.sqrt(1 + np.pi / 8 * expected))
    np.testing.assert_allclose(prediction.probabilities, shrunk, rtol=1e-4)


def test_the_kronecker_posterior_is_that_of_the_product_of_the_sums(x):
    model = make_model(activation="softmax")
    features, logits = features_of(model, x)
    p, h = softmax(logits.astype("float64")), with_one(features)
    of_logits = sum(np.diag(row) - np.outer(row, row) for row in p)
    hessian = np.kron(of_logits, h.T @ h / ROWS)
    covariance = np.linalg.inv(hessian + 0.3 * np.eye(len(hessian)))
    prediction = LastLayerLaplace(model, 0.3).fit_posterior(x).predict_distribution(x, batch_size=32)
    np.testing.assert_allclose(prediction.variance, brute_force(covariance, features, 3), rtol=1e-5)


def test_both_structures_agree_where_all_rows_have_the_same_features():
    model, x = make_model(), np.ones((ROWS, 4), "float32")
    full = LastLayerLaplace(model, structure="full").fit_posterior(x).predict_distribution(x)
    kronecker = LastLayerLaplace(model).fit_posterior(x).predict_distribution(x)
    np.testing.assert_allclose(full.variance, kronecker.variance, rtol=1e-6)


@pytest.mark.parametrize("structure", ["kronecker", "full"])
def test_a_single_logit_is_logistic_regression(x, structure):
    model = make_model(1, "sigmoid")
    features, logits = features_of(model, x)
    p = 1 / (1 + np.exp(-logits[:, 0].astype("float64")))
    h = with_one(features)
    weights = p * (1 - p)
    hessian = (weights[:, None] * h).T @ h if structure == "full" else weights.sum() * h.T @ h / ROWS
    expected = np.einsum("ri,ij,rj->r", h, np.linalg.inv(hessian + np.eye(WIDTH + 1)), h)
    prediction = LastLayerLaplace(model, structure=structure).fit_posterior(x).predict_distribution(x)
    np.testing.assert_allclose(prediction.variance, expected, rtol=1e-5)
    shrunk = 1 / (1 + np.exp(-logits[:, 0] / np.sqrt(1 + np.pi / 8 * expected)))
    np.testing.assert_allclose(prediction.probabilities[:, 1], shrunk, rtol=1e-5)


def test_a_strong_prior_leaves_the_network_and_a_weak_one_is_less_confident(x):
    model = make_model()
    laplace = LastLayerLaplace(model, 1e12).fit_posterior(x)
    _, logits = features_of(model, x)
    np.testing.assert_allclose(laplace.predict_distribution(x).probabilities, softmax(logits), rtol=1e-5)
    laplace.prior_precision = 1e-3
    assert laplace.predict_distribution(x).max_probability.mean() < softmax(logits).max(axis=1).mean()


def test_more_rows_lessen_the_variance(x):
    model = make_model()
    for structure in ("kronecker", "full"):
        few = LastLayerLaplace(model, structure=structure).fit_posterior(x[:20]).predict_distribution(x)
        many = LastLayerLaplace(model, structure=structure).fit_posterior(np.tile(x[:20], (5, 1)))
        assert (many.predict_distribution(x).variance < few.variance).all()


def test_calibrate_takes_the_prior_precision_of_greatest_held_out_likelihood(x):
    model = make_model()
    model.layers[-1].kernel.assign(4 * model.layers[-1].kernel)
    _, logits = features_of(model, x)
    labels = (2 * logits + np.random.default_rng(1).gumbel(size=logits.shape) * 4).argmax(axis=1)
    laplace = LastLayerLaplace(model).fit_posterior(x)
    assert laplace.calibrate(x, labels) is laplace
    chosen = laplace.prior_precision

    def loss(precision):
        laplace.prior_precision = precision
        p = laplace.predict_distribution(x).probabilities
        return -np.log(p[np.arange(ROWS), labels]).mean()

    assert loss(chosen) <= min(loss(chosen * factor) for factor in (0.1, 0.5, 2, 10)) + 1e-9
    assert 1e-4 < chosen < 1e4


def test_refusals(x):
    model = make_model()
    with pytest.raises(ValueError, match=r"`prior_precision` must be above 0. Received: 0"):
        LastLayerLaplace(model, 0)
    with pytest.raises(ValueError, match=r"`structure` must be one of kronecker, full. Received: 'diagonal'"):
        LastLayerLaplace(model, structure="diagonal")
    for call in (
        lambda: LastLayerLaplace(model).predict_distribution(x),
        lambda: LastLayerLaplace(model).calibrate(x, [0]),
    ):
        with pytest.raises(ValueError, match=r"Call `fit_posterior\(x_train\)` first"):
            call()
    fitted = LastLayerLaplace(model).fit_posterior(x)
    with pytest.raises(ValueError, match="Labels must be class numbers from 0 to 2"):
        fitted.calibrate(x, np.full(ROWS, 3))
    with pytest.raises(ValueError, match="`x` must hold finite numbers"):
        fitted.predict_distribution(np.full((2, 4), np.nan, "float32"))
