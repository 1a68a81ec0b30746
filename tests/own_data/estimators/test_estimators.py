"""The estimators by scikit-learn's own checks, and inside its tools."""

import pickle

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from keras_sngp.own_data.estimators import DeepEnsembleClassifier, MCDropoutClassifier, SNGPClassifier

SMALL = {"width": 16, "num_blocks": 1, "batch_size": 32, "learning_rate": 0.02, "epochs": 20, "random_state": 0}
ESTIMATORS = [
    SNGPClassifier(num_inducing=64, **SMALL),
    MCDropoutClassifier(**SMALL),
    DeepEnsembleClassifier(num_members=2, **SMALL),
]
WEIGHTS_ARE_NOT_REPEATED_ROWS = "a step sees a batch of rows, so that a row repeated is not one with twice the weight"
EACH_PLACE_HAS_ITS_MASKS = "dropout draws other masks for each place in the data"
ORDER_CHECKS = ("check_methods_sample_order_invariance", "check_methods_subset_invariance")


def expected_failures(estimator):
    failures = {"check_sample_weight_equivalence_on_dense_data": WEIGHTS_ARE_NOT_REPEATED_ROWS}
    if isinstance(estimator, MCDropoutClassifier):
        failures |= dict.fromkeys(ORDER_CHECKS, EACH_PLACE_HAS_ITS_MASKS)
    return failures


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="each of some hundred small networks would be compiled")
@parametrize_with_checks(ESTIMATORS[:1], expected_failed_checks=expected_failures)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.long
@pytest.mark.skipif(keras.backend.backend() != "torch", reason="each of some hundred small networks would be compiled")
@parametrize_with_checks(ESTIMATORS[1:], expected_failed_checks=expected_failures)
def test_scikit_learns_checks_of_the_other_estimators(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def fitted(iris):
    x, y = iris
    return SNGPClassifier(num_inducing=64, **SMALL).fit(x, np.array(["setosa", "versicolor", "virginica"])[y])


def test_it_learns_names_and_knows_what_is_far(fitted, iris):
    x, _ = iris
    assert fitted.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert not hasattr(fitted, "schema_")
    assert fitted.score(x, np.array(["setosa", "versicolor", "virginica"])[iris[1]]) > 0.9
    assert fitted.predict_variance(x + 50).mean() > 5 * fitted.predict_variance(x).mean()
    assert (fitted.decision_function(x).argmax(axis=1) == fitted.predict_proba(x).argmax(axis=1)).all()


def test_a_pickle_says_the_same(fitted, iris):
    loaded = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_allclose(loaded.predict_proba(iris[0]), fitted.predict_proba(iris[0]), atol=1e-6)


def test_a_row_gets_the_same_answer_alone(fitted, iris):
    np.testing.assert_array_equal(fitted.predict_proba(iris[0])[7], fitted.predict_proba(iris[0][7:8])[0])


def test_the_same_seed_gives_the_same_network_and_leaves_numpy_alone(iris):
    x, y = iris
    estimator = SNGPClassifier(num_inducing=16, **{**SMALL, "epochs": 1})
    np.random.seed(3)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    first = estimator.fit(x, y).predict_proba(x)
    assert np.random.random() == expected  # noqa: NPY002
    np.testing.assert_allclose(clone(estimator).fit(x, y).predict_proba(x), first, atol=1e-6)


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="many small networks would be compiled")
def test_inside_scikit_learns_tools(iris):
    x, y = iris
    estimator = SNGPClassifier(num_inducing=64, **SMALL)
    search = GridSearchCV(estimator, {"width": [8, 16]}, cv=2).fit(x, y)
    assert search.best_score_ > 0.8
    assert (cross_val_predict(estimator, x, y, cv=2) == y).mean() > 0.8
    calibrated = CalibratedClassifierCV(estimator, cv=2).fit(x, y)
    np.testing.assert_allclose(calibrated.predict_proba(x).sum(axis=1), 1)
    table = np.column_stack([x[:, 0], np.array(["a", "b", "c"])[y]]).astype(object)
    columns = ColumnTransformer([("numbers", StandardScaler(), [0]), ("words", OneHotEncoder(), [1])])
    assert make_pipeline(columns, estimator).fit(table, y).score(table, y) > 0.9


def test_bad_input_gets_one_clear_message(fitted, iris):
    x, y = iris
    estimator = SNGPClassifier(**SMALL)
    with pytest.raises(ValueError, match=r"at least 2 classes\. Received: 1 class, 0"):
        estimator.fit(x, np.zeros(len(x), int))
    with pytest.raises(ValueError, match="Input X contains NaN"):
        estimator.fit(np.where(x > 5, np.nan, x), y)
    with pytest.raises(ValueError, match="expecting 4 features"):
        fitted.predict(x[:, :2])
    with pytest.raises(ValueError, match="at least one non-zero"):
        estimator.fit(x, y, sample_weight=np.zeros(len(x)))
