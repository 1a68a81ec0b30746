"""Each detector against a line of algebra, row by row."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_sngp.metrics import detectors, scores

WIDTH, CLASSES, ROWS = 6, 3, 90
FAST = settings(max_examples=25, deadline=None, derandomize=True)


@pytest.fixture(scope="module")
def data():
    generator = np.random.default_rng(0)
    labels = np.arange(ROWS) % CLASSES
    centres = 2 * generator.normal(size=(CLASSES, WIDTH))
    features = np.abs(centres[labels] + generator.normal(size=(ROWS, WIDTH)))
    kernel, bias = generator.normal(size=(WIDTH, CLASSES)), generator.normal(size=CLASSES)
    queries = np.abs(3 * generator.normal(size=(20, WIDTH)))
    return {
        "features": features,
        "labels": labels,
        "kernel": kernel,
        "bias": bias,
        "logits": features @ kernel + bias,
        "queries": queries,
        "query_logits": queries @ kernel + bias,
    }


def score(detector, data):
    detector.fit(features=data["features"], logits=data["logits"], labels=data["labels"])
    result = detector.score(features=data["queries"], logits=data["query_logits"])
    assert result.shape == (20,) and result.dtype == np.float64
    return result


def unit(rows):
    return rows / np.sqrt((rows**2).sum(axis=-1, keepdims=True))


def log_sum_exp(logits):
    return scipy.special.logsumexp(logits, axis=-1)


def test_scores_of_logits(data):
    z = data["query_logits"]
    p = scipy.special.softmax(z, axis=1)
    evidence = np.exp(z).sum(axis=1)
    expected = {
        "max_probability": 1 - p.max(axis=1),
        "entropy": scipy.stats.entropy(p, axis=1),
        "max_logit": -z.max(axis=1),
        "energy": -np.log(evidence),
        "gen": [sum((q * (1 - q)) ** 0.1 for q in row) for row in p],
        "dempster_shafer": CLASSES / (CLASSES + evidence),
    }
    assert expected.keys() == detectors.FROM_LOGITS.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(score(detectors.DETECTORS[name](), data), values, rtol=1e-5, err_msg=name)


def test_gen_takes_the_most_probable_classes_and_keeps_the_digits_of_a_sure_answer():
    z = np.log([[0.5, 0.3, 0.1, 0.1]])
    two = sum((q * (1 - q)) ** 0.5 for q in (0.5, 0.3))
    np.testing.assert_allclose(scores.gen(z, gamma=0.5, num_classes=2), [two])
    sure = 2 * np.exp(-100) ** 0.1
    np.testing.assert_allclose(scores.gen([[100.0, 0.0]]), [sure], rtol=1e-9)
    with pytest.raises(ValueError, match=r"`gamma` must be above 0 .* Received: 0 and 100"):
        scores.gen(z, gamma=0)


def test_knn(data):
    bank, queries = unit(data["features"]), unit(data["queries"])
    expected = [np.sort([np.linalg.norm(q - b) for b in bank])[4] for q in queries]
    np.testing.assert_allclose(score(detectors.KNN(num_neighbors=5), data), expected, rtol=1e-5)


def pooled(features, labels):
    means = np.stack([features[labels == c].mean(axis=0) for c in range(CLASSES)])
    return means, np.cov((features - means[labels]).T, bias=True)


def squared_distance(row, mean, covariance):
    return (row - mean) @ np.linalg.inv(covariance) @ (row - mean)


@pytest.mark.parametrize("normalize", [False, True])
def test_mahalanobis_and_relative(data, normalize):
    as_given = unit if normalize else np.asarray
    features, queries = as_given(data["features"]), as_given(data["queries"])
    means, covariance = pooled(features, data["labels"])
    nearest = np.array([min(squared_distance(q, mean, covariance) for mean in means) for q in queries])
    everything = [squared_distance(q, features.mean(axis=0), np.cov(features.T, bias=True)) for q in queries]
    plain = detectors.MahalanobisPlusPlus if normalize else detectors.Mahalanobis
    relative = detectors.RelativeMahalanobisPlusPlus if normalize else detectors.RelativeMahalanobis
    np.testing.assert_allclose(score(plain(shrinkage=0), data), nearest, rtol=1e-7)
    np.testing.assert_allclose(score(relative(shrinkage=0), data), nearest - everything, rtol=1e-7)


def test_shrinkage_mixes_in_the_identity_and_allows_fewer_rows_than_columns(data):
    few = {**data, "features": data["features"][:5], "logits": data["logits"][:5], "labels": [0, 0, 1, 1, 1]}
    labels = np.array(few["labels"])
    centred = few["features"] - np.stack([few["features"][labels == c].mean(axis=0) for c in labels])
    covariance = centred.T @ centred / 5
    shrunk = 0.9 * covariance + 0.1 * np.trace(covariance) / WIDTH * np.eye(WIDTH)
    means = [few["features"][labels == c].mean(axis=0) for c in (0, 1)]
    expected = [min(squared_distance(q, mean, shrunk) for mean in means) for q in few["queries"]]
    np.testing.assert_allclose(score(detectors.Mahalanobis(shrinkage=0.1), few), expected, rtol=1e-8)
    assert np.isfinite(score(detectors.RelativeMahalanobis(), few)).all()
    assert np.isfinite(score(detectors.GaussianMixture(), few)).all()


def test_gaussian_mixture(data):
    density = np.zeros(20)
    for c in range(CLASSES):
        rows = data["features"][data["labels"] == c]
        gaussian = scipy.stats.multivariate_normal(rows.mean(axis=0), np.cov(rows.T, bias=True))
        density += len(rows) / ROWS * gaussian.pdf(data["queries"])
    np.testing.assert_allclose(score(detectors.GaussianMixture(shrinkage=0), data), -np.log(density), rtol=1e-7)


def test_vim(data):
    w, b = data["kernel"], data["bias"]
    origin = -b @ np.linalg.pinv(w)
    _, _, directions = np.linalg.svd(data["features"] - origin)
    residual = directions[4:].T
    alpha = data["logits"].max(axis=1).mean() / np.linalg.norm((data["features"] - origin) @ residual, axis=1).mean()
    expected = alpha * np.linalg.norm((data["queries"] - origin) @ residual, axis=1) - log_sum_exp(data["query_logits"])
    np.testing.assert_allclose(score(detectors.ViM(num_components=4), data), expected, rtol=1e-7)


def test_fdbd(data):
    w, mean = data["kernel"], data["features"].mean(axis=0)
    expected = []
    for h, z in zip(data["queries"], data["query_logits"], strict=True):
        top = z.argmax()
        distances = [(z[top] - z[c]) / np.linalg.norm(w[:, top] - w[:, c]) for c in range(CLASSES) if c != top]
        expected.append(-np.mean(distances) / np.linalg.norm(h - mean))
    np.testing.assert_allclose(score(detectors.FDBD(), data), expected, rtol=1e-7)


def test_nnguide_in_one_block_and_in_many(data, monkeypatch):
    bank = log_sum_exp(data["logits"])[:, None] * unit(data["features"])
    guidance = [np.sort([unit(q) @ b for b in bank])[-7:].mean() for q in data["queries"]]
    expected = -log_sum_exp(data["query_logits"]) * guidance
    np.testing.assert_allclose(score(detectors.NNGuide(num_neighbors=7), data), expected, rtol=1e-6)
    monkeypatch.setattr("keras_sngp.metrics.detectors.nnguide.SIMILARITIES_AT_ONCE", 3 * ROWS)
    np.testing.assert_allclose(score(detectors.NNGuide(num_neighbors=7), data), expected, rtol=1e-6)


def test_activation_shaping(data):
    w, b, queries = data["kernel"], data["bias"], data["queries"]
    largest = [np.sort(h)[::-1][:2] for h in queries]
    factors = [np.exp(h.sum() / top.sum()) for h, top in zip(queries, largest, strict=True)]
    scaled = [h * factor for h, factor in zip(queries, factors, strict=True)]
    pruned = [np.where(h >= top[-1], h, 0) * factor for h, top, factor in zip(queries, largest, factors, strict=True)]
    cut = np.minimum(queries, np.percentile(data["features"], 80))
    expected = {
        detectors.SCALE(percentile=2 / 3): scaled,
        detectors.ASH(percentile=2 / 3): pruned,
        detectors.ReAct(percentile=0.8): cut,
    }
    for detector, shaped in expected.items():
        energies = -log_sum_exp(np.asarray(shaped) @ w + b)
        np.testing.assert_allclose(score(detector, data), energies, rtol=1e-7, err_msg=detector.name)


def test_scale_and_ash_stay_bounded_where_no_feature_is_above_zero(data):
    negative = {**data, "queries": -data["queries"]}
    once = -log_sum_exp(-np.e * data["queries"] @ data["kernel"] + data["bias"])
    np.testing.assert_allclose(score(detectors.SCALE(), negative), once, rtol=1e-7)
    assert np.isfinite(score(detectors.ASH(), negative)).all()


@FAST
@given(seed=st.integers(0, 2**32 - 1), width=st.integers(1, 8), classes=st.integers(2, 5))
def test_a_linear_head_is_recovered_exactly_from_rows_that_span_the_features(seed, width, classes):
    generator = np.random.default_rng(seed)
    kernel, bias = generator.normal(size=(width, classes)), generator.normal(size=classes)
    features = generator.normal(size=(width + 20, width))
    found = detectors.SCALE().fit(features=features, logits=features @ kernel + bias)
    np.testing.assert_allclose(found.head_kernel, kernel, atol=1e-8)
    np.testing.assert_allclose(found.head_bias, bias, atol=1e-8)


def test_a_recovered_head_gives_the_training_rows_their_logits_where_they_do_not_span_the_features(data):
    dead = np.concatenate([data["features"], np.zeros((ROWS, 2))], axis=1)
    found = detectors.ReAct(percentile=1.0).fit(features=dead, logits=data["logits"])
    np.testing.assert_allclose(found.score(features=dead), -log_sum_exp(data["logits"]), rtol=1e-8)
    np.testing.assert_allclose(found.head_kernel[-2:], 0, atol=1e-12)


@pytest.mark.parametrize("rows", [4, ROWS])
def test_a_head_that_is_not_linear_is_recovered_by_least_squares_of_least_norm(rows, data):
    features = np.concatenate([data["features"], data["features"][:, :1]], axis=1)[:rows]
    logits = np.tanh(data["logits"])[:rows]
    found = detectors.SCALE().fit(features=features, logits=logits)
    expected = np.linalg.pinv(features - features.mean(axis=0)) @ (logits - logits.mean(axis=0))
    np.testing.assert_allclose(found.head_kernel, expected, atol=1e-9)
    np.testing.assert_allclose(found.head_bias, (logits - features @ expected).mean(axis=0), atol=1e-9)


@pytest.mark.parametrize("name", ["vim", "fdbd", "scale", "ash", "react"])
def test_a_head_given_and_a_head_recovered_score_alike(name, data):
    given_head = detectors.DETECTORS[name](kernel=data["kernel"], bias=data["bias"]).fit(features=data["features"])
    recovered = score(detectors.DETECTORS[name](), data)
    np.testing.assert_allclose(given_head.score(features=data["queries"]), recovered, rtol=1e-7)


def test_a_single_logit_is_that_of_the_second_class(data):
    z = data["query_logits"][:, :1]
    pair = np.concatenate([np.zeros_like(z), z], axis=1)
    for detector in detectors.FROM_LOGITS.values():
        np.testing.assert_array_equal(detector().score(logits=z), detector().score(logits=pair))
    features, kernel = data["features"], data["kernel"]
    one = detectors.FDBD(kernel=kernel[:, :1], bias=[0.5]).fit(features=features).score(features=data["queries"])
    weights = np.stack([np.zeros(WIDTH), kernel[:, 0]], axis=1)
    two = detectors.FDBD(kernel=weights, bias=[0, 0.5]).fit(features=features).score(features=data["queries"])
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", detectors.DETECTORS)
def test_the_order_and_the_number_of_rows_scored_do_not_matter(name, data):
    settings = {"num_neighbors": 5} if name == "knn" else {}
    detector = detectors.DETECTORS[name](**settings)
    whole = score(detector, data)
    turned = detector.score(features=data["queries"][::-1][:3], logits=data["query_logits"][::-1][:3])
    np.testing.assert_allclose(turned, whole[::-1][:3], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", detectors.FROM_FEATURES)
def test_far_rows_score_higher_than_rows_of_a_class(name):
    generator = np.random.default_rng(1)
    labels = np.arange(300) % 3
    features = 4 * np.eye(3, 8)[labels] + 0.3 * np.abs(generator.normal(size=(300, 8)))
    kernel = np.eye(8, 3)
    detector = detectors.DETECTORS[name]().fit(features=features, logits=features @ kernel, labels=labels)
    far = np.concatenate([np.zeros((50, 3)), np.abs(generator.normal(size=(50, 5)))], axis=1)
    known, unknown = features[:50], far
    low = detector.score(features=known, logits=known @ kernel)
    high = detector.score(features=unknown, logits=unknown @ kernel)
    assert (high[:, None] > low).mean() > 0.95
