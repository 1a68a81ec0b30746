"""What detectors refuse, and their way into named arrays and back."""

import numpy as np
import pytest

from keras_sngp.metrics import detectors
from keras_sngp.metrics.detectors import Detector, detector_from_state, detector_state

ROWS = 60
GENERATOR = np.random.default_rng(0)
LABELS = np.arange(ROWS) % 3
FEATURES = np.abs(GENERATOR.normal(size=(ROWS, 5)) + 3 * np.eye(3, 5)[LABELS])
LOGITS = FEATURES[:, :3] + 0.1
GIVEN = {"features": FEATURES, "logits": LOGITS, "labels": LABELS}
NEEDS_LABELS = [
    "mahalanobis", "relative_mahalanobis", "mahalanobis++", "relative_mahalanobis++", "gaussian_mixture",
]  # fmt: skip
NEEDS_LOGITS = ["vim", "fdbd", "nnguide", "scale", "ash", "react"]


def fitted(name):
    return detectors.DETECTORS[name]().fit(**GIVEN)


@pytest.mark.parametrize("name", detectors.DETECTORS)
def test_names_and_protocol(name):
    detector = detectors.DETECTORS[name]()
    assert isinstance(detector, Detector)
    assert detector.name == name
    assert detector.fit(**GIVEN) is detector


@pytest.mark.parametrize("name", detectors.DETECTORS)
def test_state_and_back(name, tmp_path):
    detector = fitted(name)
    np.savez(tmp_path / "state.npz", **detector_state(detector))
    with np.load(tmp_path / "state.npz", allow_pickle=False) as arrays:
        again = detector_from_state(name, dict(arrays))
    expected = detector.score(features=FEATURES, logits=LOGITS)
    np.testing.assert_array_equal(again.score(features=FEATURES, logits=LOGITS), expected)


def test_settings_are_part_of_the_state():
    detector = detectors.GEN(gamma=0.5, num_classes=2)
    again = detector_from_state("gen", detector_state(detector))
    assert (again.gamma, again.num_classes) == (0.5, 2)
    knn = detector_from_state("knn", detector_state(detectors.KNN(num_neighbors=7)))
    assert knn.num_neighbors == 7 and isinstance(knn.num_neighbors, int)


def test_unknown_names_and_arrays():
    with pytest.raises(ValueError, match=r"`name` must be one of max_probability, .* Received: 'none'"):
        detector_from_state("none", {})
    with pytest.raises(ValueError, match=r"A detector 'knn' has bank, .* Received: means"):
        detector_from_state("knn", {"means": FEATURES})


@pytest.mark.parametrize("name", detectors.FROM_FEATURES)
def test_scoring_before_fitting(name):
    with pytest.raises(ValueError, match=r"Fit the detector .* before scoring. Received: an unfitted detector"):
        detectors.DETECTORS[name]().score(features=FEATURES, logits=LOGITS)


@pytest.mark.parametrize("name", detectors.FROM_FEATURES)
def test_features_that_are_refused(name):
    spoiled = FEATURES.copy()
    spoiled[4, 2] = np.nan
    for features, message in {
        "nothing": (None, "This detector needs `features=`.* Received: None"),
        "a vector": (FEATURES[0], r"`features` must have the shape \(rows, width\).* Received: shape \(5,\)"),
        "no rows": (FEATURES[:0], r"Received: shape \(0, 5\)"),
        "words": ([["a", "b"]], "`features` must be numbers. Received: dtype <U1"),
        "NaN": (spoiled, "`features` must be finite numbers. Received: NaN in row 4, column 2"),
        "infinity": (np.where(np.isnan(spoiled), np.inf, spoiled), "Received: inf in row 4, column 2"),
    }.values():
        with pytest.raises(ValueError, match=message):
            detectors.DETECTORS[name]().fit(**{**GIVEN, "features": features})
        with pytest.raises(ValueError, match=message):
            fitted(name).score(features=features, logits=LOGITS)


@pytest.mark.parametrize("name", detectors.FROM_FEATURES)
def test_features_of_another_width(name):
    with pytest.raises(
        ValueError, match=r"`features` must have the width of those fitted, 5. Received: shape \(60, 4\)"
    ):
        fitted(name).score(features=FEATURES[:, :4], logits=LOGITS)


@pytest.mark.parametrize("name", detectors.FROM_LOGITS)
def test_logits_that_are_refused_where_they_are_all(name):
    detector = detectors.DETECTORS[name]()
    for logits, message in [
        (None, "This detector needs `logits=`.* Received: None"),
        (LOGITS[0], r"`logits` must have the shape \(rows, classes\)"),
        (np.full((2, 2), np.inf), "`logits` must be finite numbers. Received: inf in row 0, column 0"),
    ]:
        with pytest.raises(ValueError, match=message):
            detector.score(logits=logits)
    with pytest.raises(ValueError, match="`logits` must be finite"):
        detector.fit(logits=np.full((2, 2), np.nan))


@pytest.mark.parametrize("name", NEEDS_LOGITS)
def test_logits_that_are_refused_beside_features(name):
    detector = detectors.DETECTORS[name]()
    with pytest.raises(ValueError, match="This detector needs `logits=`"):
        detector.fit(features=FEATURES, labels=LABELS)
    with pytest.raises(ValueError, match=r"`logits` must be of the same 60 rows as `features`. Received: 59 rows"):
        detector.fit(features=FEATURES, logits=LOGITS[1:])
    if name in ("vim", "fdbd", "nnguide"):
        with pytest.raises(ValueError, match=r"`logits` must have the 3 classes of those fitted"):
            fitted(name).score(features=FEATURES, logits=LOGITS[:, :2])


@pytest.mark.parametrize("name", NEEDS_LABELS)
def test_labels_that_are_refused(name):
    detector = detectors.DETECTORS[name]()
    for labels, message in [
        (None, "This detector needs `labels=`"),
        (LABELS[1:], r"`labels` must have the shape \(60,\)"),
        (np.zeros(ROWS, int), "`labels` must be of at least two classes. Received: class 0 alone"),
        (LABELS + 0.5, "`labels` must be whole class numbers"),
        (LABELS - 1, "Received: from -1 to 1"),
        (LABELS.astype(str), "`labels` must be class numbers"),
    ]:
        with pytest.raises(ValueError, match=message):
            detector.fit(features=FEATURES, labels=labels)


@pytest.mark.parametrize("name", NEEDS_LABELS)
def test_class_numbers_may_have_gaps_and_features_must_vary(name):
    gaps = fitted(name).fit(features=FEATURES, labels=np.array([0, 7, 900])[LABELS])
    np.testing.assert_array_equal(gaps.score(features=FEATURES), fitted(name).score(features=FEATURES))
    with pytest.raises(ValueError, match="`features` must vary within the classes"):
        detectors.DETECTORS[name]().fit(features=np.eye(3)[LABELS], labels=LABELS)


def test_covariances_that_cannot_be_inverted():
    flat = np.concatenate([FEATURES, FEATURES[:, :1]], axis=1)
    with pytest.raises(ValueError, match=r"cannot be inverted; take a larger `shrinkage`.* Received: 0"):
        detectors.Mahalanobis(shrinkage=0).fit(features=np.repeat(flat, 2, axis=1), labels=LABELS)
    with pytest.raises(ValueError, match=r"`shrinkage` must be from 0 to 1. Received: 2"):
        detectors.Mahalanobis(shrinkage=2).fit(features=FEATURES, labels=LABELS)
    with pytest.raises(ValueError, match=r"at least 2 rows of each class. Received: 1 of class 5"):
        detectors.GaussianMixture().fit(features=FEATURES, labels=np.append(LABELS[1:], 5))


def test_settings_that_are_refused():
    for detector, message in [
        (detectors.KNN(num_neighbors=61), "from 1 to the number of training rows kept, 60. Received: 61"),
        (detectors.KNN(max_rows=0), "`max_rows` must be an integer of at least 1. Received: 0"),
        (detectors.NNGuide(num_neighbors=0), "Received: 0"),
        (detectors.ViM(num_components=5), "from 0 to less than the width, 5. Received: 5"),
        (detectors.SCALE(kernel=np.ones((4, 3))), r"the width being 5. Received: shape \(4, 3\)"),
        (detectors.ASH(bias=[1.0]), "a bias without a kernel"),
        (detectors.ReAct(kernel=np.ones((5, 3)), bias=[1.0, 2.0]), r"`bias` must have the shape \(3,\)"),
        (detectors.FDBD(kernel=np.ones((5, 3))), "Received: the same for the classes 0 and 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            detector.fit(features=FEATURES, logits=LOGITS)
    for shaping in (detectors.SCALE, detectors.ASH, detectors.ReAct):
        with pytest.raises(ValueError, match=r"`percentile` must be from 0 to 1. Received: 90"):
            shaping(percentile=90)


def test_features_inside_the_principal_space_leave_vim_nothing():
    flat = np.concatenate([FEATURES[:, :2], np.zeros((ROWS, 3))], axis=1)
    with pytest.raises(ValueError, match=r"take fewer `num_components`. Received: a mean residual of"):
        detectors.ViM(num_components=3).fit(features=flat, logits=flat[:, :2])


def test_a_random_subset_is_kept_of_many_rows():
    few = detectors.KNN(num_neighbors=1, max_rows=10).fit(features=FEATURES)
    again = detectors.KNN(num_neighbors=1, max_rows=10).fit(features=FEATURES)
    other = detectors.KNN(num_neighbors=1, max_rows=10, seed=1).fit(features=FEATURES)
    assert few.bank.shape == (10, 5)
    np.testing.assert_array_equal(few.bank, again.bank)
    assert not np.array_equal(few.bank, other.bank)
    whole = detectors.KNN(num_neighbors=1).fit(features=FEATURES)
    assert (few.score(features=FEATURES) >= whole.score(features=FEATURES)).all()


def test_arrays_of_a_framework_and_rows_of_zeros():
    torch = pytest.importorskip("torch")
    tensors = {name: torch.tensor(array) for name, array in GIVEN.items()}
    knn = detectors.KNN().fit(**tensors)
    expected = fitted("knn").score(features=FEATURES)
    np.testing.assert_array_equal(knn.score(features=tensors["features"]), expected)
    np.testing.assert_allclose(knn.score(features=np.zeros((1, 5))), [1.0])
