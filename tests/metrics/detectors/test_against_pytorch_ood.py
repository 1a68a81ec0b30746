"""The same scores as pytorch-ood 0.4, up to the constants that each test states."""

import importlib
import importlib.util
import sys

import numpy as np
import pytest

from keras_sngp.metrics import detectors

torch = pytest.importorskip("torch")

WIDTH, CLASSES, ROWS = 12, 4, 200


@pytest.fixture(scope="module")
def theirs():
    """Their detectors alone: the package itself imports its data sets, too, which need torchvision."""
    specification = importlib.util.find_spec("pytorch_ood")
    if specification is None:
        pytest.skip("pytorch-ood is not installed")
    sys.modules["pytorch_ood"] = importlib.util.module_from_spec(specification)
    return importlib.import_module("pytorch_ood.detector")


@pytest.fixture(scope="module")
def head():
    torch.manual_seed(0)
    return torch.nn.Linear(WIDTH, CLASSES).double().requires_grad_(False)


@pytest.fixture(scope="module")
def data(head):
    generator = np.random.default_rng(0)
    labels = np.arange(ROWS) % CLASSES
    features = np.abs(generator.normal(size=(ROWS, WIDTH)) + 3 * np.eye(CLASSES, WIDTH)[labels])
    queries = np.abs(2 * generator.normal(size=(40, WIDTH)))
    arrays = {"features": features, "labels": labels, "queries": queries}
    tensors = {name: torch.tensor(array) for name, array in arrays.items()}
    return {**tensors, "logits": head(tensors["features"]), "query_logits": head(tensors["queries"])}


def ours(detector, data):
    detector.fit(features=data["features"], logits=data["logits"], labels=data["labels"])
    return detector.score(features=data["queries"], logits=data["query_logits"])


def assert_same(some, others):
    np.testing.assert_allclose(some, np.asarray(others), rtol=1e-5, atol=1e-5)


def test_scores_of_logits(theirs, data):
    z = data["query_logits"]
    assert_same(ours(detectors.MaxSoftmaxProbability(), data) - 1, theirs.MaxSoftmax.score(z))
    assert_same(ours(detectors.Entropy(), data), theirs.Entropy.score(z))
    assert_same(ours(detectors.MaxLogit(), data), theirs.MaxLogit.score(z))
    assert_same(ours(detectors.Energy(), data), theirs.EnergyBased.score(z))


def test_gen_which_they_average_instead_of_summing(theirs, data):
    assert_same(ours(detectors.GEN(), data), CLASSES * theirs.GEN.score(data["query_logits"]))
    assert_same(ours(detectors.GEN(num_classes=2), data), 2 * theirs.GEN.score(data["query_logits"], M=2))


def test_knn(theirs, data):
    their = theirs.KNN(None, k=10).fit_features(data["features"], data["labels"])
    assert_same(ours(detectors.KNN(num_neighbors=10), data), their.predict_features(data["queries"]))


def test_mahalanobis_of_which_they_take_half_with_a_covariance_that_is_not_divided_by_the_rows(theirs, data):
    features, queries = data["features"].float(), data["queries"].float()
    their = theirs.Mahalanobis(None).fit_features(features, data["labels"])
    assert_same(ours(detectors.Mahalanobis(shrinkage=0), data) / (2 * ROWS), their.predict_features(queries))


def test_relative_mahalanobis(theirs, data):
    features, queries = data["features"].float(), data["queries"].float()
    their = theirs.RMD(None).fit_features(features, data["labels"])
    assert_same(ours(detectors.RelativeMahalanobis(shrinkage=0), data) / ROWS, their.predict_features(queries))


def test_gaussian_mixture(theirs, data):
    their = theirs.GMM(None, reg=0).fit_features(data["features"], data["labels"])
    assert_same(ours(detectors.GaussianMixture(shrinkage=0), data), their.predict_features(data["queries"]))


def test_vim(theirs, data, head):
    their = theirs.ViM(None, d=5, w=head.weight, b=head.bias).fit_features(data["features"], data["labels"])
    assert_same(ours(detectors.ViM(num_components=5), data), their.predict_features(data["queries"]))


def test_fdbd(theirs, data, head):
    their = theirs.fDBD(None, torch.nn.Linear(WIDTH, CLASSES))
    their.head.load_state_dict(head.state_dict())
    their.fit_features(data["features"])
    assert_same(ours(detectors.FDBD(), data), their.predict_features(data["queries"]))


def test_nnguide(theirs, data, head):
    single = torch.nn.Linear(WIDTH, CLASSES).requires_grad_(False)
    single.load_state_dict(head.state_dict())
    their = theirs.NNGuide(None, single, k=10).fit_features(data["features"].float(), data["labels"])
    assert_same(ours(detectors.NNGuide(), data), their.predict_features(data["queries"].float()))


def test_activation_shaping_on_features_as_maps_of_one_pixel(theirs, data, head):
    def on_maps(maps):
        return head(maps[:, :, 0, 0])

    maps, training = data["queries"][:, :, None, None], data["features"][:, :, None, None]
    scale, ash = theirs.SCALE(None, on_maps, 0.85), theirs.ASH(None, on_maps, variant="ash-s", percentile=0.9)
    react = theirs.ReAct(None, on_maps, percentile=0.9).fit_feature_maps(training, data["labels"])
    assert_same(ours(detectors.SCALE(), data), scale.predict_feature_maps(maps))
    assert_same(ours(detectors.ASH(), data), ash.predict_feature_maps(maps))
    assert_same(ours(detectors.ReAct(), data), react.predict_feature_maps(maps))
