"""Data frames of words, dates and missing cells in the estimators."""

import pickle

import keras
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from keras_sngp.own_data.estimators import DeepEnsembleClassifier, MCDropoutClassifier, SNGPClassifier
from keras_sngp.own_data.estimators.rows_as_numbers import FrameRows
from keras_sngp.own_data.inputs import infer_schema

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "torch", reason="networks compile for long elsewhere, and are given the same numbers"
)
SMALL = {"width": 16, "num_blocks": 1, "batch_size": 32, "learning_rate": 0.02, "epochs": 10, "random_state": 0}
FRAMES = pytest.mark.parametrize(
    "make_frame", [pd.DataFrame, pl.DataFrame, pa.table], ids=["pandas", "polars", "arrow"]
)


@pytest.fixture(scope="module")
def animals():
    generator = np.random.default_rng(0)
    sheep = generator.random(200) < 0.5
    weight = [
        None if unknown else float(4 + 2 * s + z)
        for unknown, s, z in zip(generator.random(200) < 0.1, sheep, generator.normal(size=200), strict=True)
    ]
    born = np.datetime64("2020-01-01", "ms") + generator.integers(0, 900, 200).astype("timedelta64[D]")
    coat = np.where(sheep ^ (generator.random(200) < 0.1), "wool", "fur").tolist()
    return {"weight": weight, "coat": coat, "born": born, "legs": [4] * 200}, np.where(sheep, "sheep", "cat").tolist()


@pytest.fixture(scope="module")
def fitted(animals):
    columns, kinds = animals
    return SNGPClassifier(num_inducing=64, **SMALL).fit(pd.DataFrame(columns), pd.Series(kinds))


def first_rows(columns, rows, **others):
    return {name: others.get(name, cells[:rows]) for name, cells in columns.items()}


@FRAMES
def test_a_frame_of_any_library_becomes_the_numbers_that_the_commands_use(make_frame, animals):
    columns, kinds = animals
    labels = {pd.DataFrame: pd.Series, pl.DataFrame: pl.Series, pa.table: pa.chunked_array}[make_frame]
    estimator = SNGPClassifier()
    table, y = FrameRows.check_training(
        estimator, make_frame(columns), labels([kinds] if labels is pa.chunked_array else kinds)
    )
    assert estimator.feature_names_in_.tolist() == list(columns)
    assert list(y) == kinds
    rows = FrameRows.learn(table, np.ones(200))
    expected = infer_schema(pa.table(columns))
    assert rows.schema == expected
    assert [column.kind for column in expected.columns] == ["number", "category", "number"]
    np.testing.assert_array_equal(rows.encode(table), expected.read(pa.table(columns)).values)


def test_it_learns_from_words_and_knows_what_is_unlike_them(fitted, animals):
    columns, kinds = animals
    assert fitted.score(pd.DataFrame(columns), kinds) > 0.85
    assert fitted.schema_.ignored == {"legs": "the same in every row"}
    odd = pl.DataFrame(first_rows(columns, 3, weight=[5.0, 500.0, 5.0], coat=["fur", "fur", "scales"]))
    familiar, *unfamiliar = fitted.predict_variance(odd)
    assert min(unfamiliar) > 5 * familiar


def test_a_pickle_says_the_same(fitted, animals):
    frame = pd.DataFrame(animals[0])
    loaded = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_allclose(loaded.predict_proba(frame), fitted.predict_proba(frame), atol=1e-6)


def test_an_array_in_place_of_the_frame_is_understood_by_its_order(fitted, animals):
    frame = pd.DataFrame(animals[0])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        probabilities = fitted.predict_proba(frame.to_numpy(dtype=object))
    np.testing.assert_array_equal(probabilities, fitted.predict_proba(frame))


def test_columns_without_names_and_of_a_categorical_type():
    frame = pd.DataFrame({0: pd.Categorical([1, 2, 3] * 10), 1: [1.0, 2.0, 3.0] * 10})
    estimator = SNGPClassifier()
    table, _ = FrameRows.check_training(estimator, frame, [1, 2, 3] * 10)
    columns = FrameRows.learn(table, np.ones(30)).schema.columns
    assert [(column.name, column.kind) for column in columns] == [("0", "category"), ("1", "number")]
    assert not hasattr(estimator, "feature_names_in_")


@FRAMES
def test_inside_scikit_learns_tools(make_frame, animals):
    columns, kinds = animals
    pipeline = make_pipeline(FunctionTransformer(), SNGPClassifier(num_inducing=64, **SMALL))
    search = GridSearchCV(pipeline, {"sngpclassifier__epochs": [10]}, cv=2, refit=False)
    assert search.fit(make_frame(columns), kinds).best_score_ > 0.8


@pytest.mark.parametrize("estimator", [MCDropoutClassifier(**SMALL), DeepEnsembleClassifier(num_members=2, **SMALL)])
def test_the_other_estimators_learn_from_words(estimator, animals):
    frame = pd.DataFrame(animals[0])
    assert estimator.fit(frame, animals[1]).score(frame, animals[1]) > 0.85


def test_bad_frames_get_one_clear_message(fitted, animals):
    columns, kinds = animals
    frame = pd.DataFrame(columns)
    with pytest.raises(ValueError, match=r"yet now missing:\n- coat"):
        fitted.predict(frame.drop(columns="coat"))
    with pytest.raises(ValueError, match="same order"):
        fitted.predict(frame[["coat", "weight", "born", "legs"]])
    with pytest.raises(ValueError, match=r"rows that can be read\. Received: row 2: weight not a number"):
        fitted.predict(pl.DataFrame(first_rows(columns, 3, weight=["4", "heavy", "5"])))
    with pytest.raises(ValueError, match=r"row 3: weight not a number"):
        fitted.predict(pl.DataFrame(first_rows(columns, 3, weight=[4.0, 5.0, np.inf])))
    with pytest.raises(ValueError, match=r"cells of one type in column 'weight'\. Received: Could not convert 'heavy'"):
        fitted.predict(pd.DataFrame(first_rows(columns, 3, weight=[4, "heavy", 5])))
    with pytest.raises(ValueError, match=r"at least one row\. Received: a data frame of 0 rows"):
        fitted.predict(frame[:0])
    with pytest.raises(ValueError, match="Input y contains NaN"):
        SNGPClassifier().fit(frame, [np.nan, *[1.0] * 199])
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[200, 199\]"):
        SNGPClassifier().fit(frame, kinds[1:])
    with pytest.raises(
        ValueError, match=r"at least one column to learn from\. Received: 'legs': the same in every row"
    ):
        SNGPClassifier().fit(frame[["legs"]], kinds)
