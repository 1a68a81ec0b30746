"""Columns: their types, what they become, what is unlike the training data."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_sngp.own_data.inputs import TableSchema, infer_schema
from keras_sngp.own_data.inputs.columns import UNFAMILIAR, CategoryColumn, NumberColumn

PEOPLE = pa.table(
    {
        "age": ["20", "30", " 40 ", "50"],
        "job": ["cook", "nurse", "?", "cook"],
        "gain": [0.0, 0.0, None, 10.0],
        "row": [1, 2, 3, 4],
        "same": ["x", "x", "x", "x"],
        "nothing": pa.nulls(4),
        "list": [[1], [2], [3], [4]],
    }
)


def test_types_are_inferred_and_the_rest_is_ignored_with_a_reason():
    schema = infer_schema(PEOPLE)
    assert {column.name: column.kind for column in schema.columns} == {
        "age": "number",
        "job": "category",
        "gain": "number",
        "row": "number",
    }
    assert schema.ignored == {
        "same": "the same in every row",
        "nothing": "all missing",
        "list": "not a single value, but list<item: int64>",
    }


def test_row_numbers_and_free_text_are_ignored_in_larger_tables():
    rows = 100
    table = pa.table(
        {
            "number": np.arange(rows) + 7,
            "name": [f"person {row}" for row in range(rows)],
            "value": np.random.default_rng(0).normal(size=rows),
        }
    )
    schema = infer_schema(table)
    assert schema.names == ["value"]
    assert schema.ignored["number"] == "counts the rows"
    assert "different in 100 of 100 rows" in schema.ignored["name"]


def test_overrides_decide():
    schema = infer_schema(PEOPLE, {"row": "ignore", "age": "category"})
    assert {column.name: column.kind for column in schema.columns} == {
        "age": "category",
        "job": "category",
        "gain": "number",
    }
    assert schema.ignored["row"] == "as you asked"
    with pytest.raises(ValueError, match="Received: 'size'"):
        infer_schema(PEOPLE, {"size": "number"})
    with pytest.raises(ValueError, match=r"'age' can be number, category or ignore. Received: 'text'"):
        infer_schema(PEOPLE, {"age": "text"})
    with pytest.raises(ValueError, match="'job' must hold numbers"):
        infer_schema(PEOPLE, {"job": "number"})


def test_numbers_are_standardised_and_words_are_one_hot():
    schema = infer_schema(PEOPLE.select(["age", "job"]))
    encoded = schema.read(PEOPLE).values
    np.testing.assert_allclose(encoded[:, 0], (np.array([20, 30, 40, 50]) - 35) / np.std([20, 30, 40, 50]), rtol=1e-6)
    assert encoded[:, 1].tolist() == [0, 0, 0, 0]
    # cook, nurse, missing, rare, unfamiliar
    assert encoded[:, 2:].tolist() == [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [1, 0, 0, 0, 0]]
    assert schema.read(PEOPLE).reasons == ["", "", "", ""]


def test_long_tails_are_drawn_in():
    values = np.concatenate([np.zeros(900), np.linspace(1e3, 1e5, 100)])
    column = NumberColumn.learn("gain", pa.chunked_array([values]))
    assert column.unit is not None
    encoded = column.read(pa.chunked_array([values])).values[:, 0]
    assert abs(encoded.mean()) < 1e-5
    assert encoded.max() < 8
    assert (np.diff(encoded[900:]) > 0).all()


def test_what_is_unlike_the_training_data_is_far_from_it_and_told():
    schema = infer_schema(PEOPLE.select(["age", "job"]))
    new = pa.table({"job": ["pilot", "cook", None, "cook"], "age": ["500", "abc", "30", None], "extra": [1, 2, 3, 4]})
    assert schema.read(new).reasons == ["age out of range; job unseen", "age not a number", "", "age missing"]
    assert schema.read(new).bad.tolist() == [False, True, False, False]
    encoded = schema.read(new).values
    assert encoded[0, -1] == encoded[1, 1] == encoded[3, 1] == UNFAMILIAR
    assert encoded[0, 0] > UNFAMILIAR


def test_the_many_rare_words_share_a_place():
    words = [f"word {number}" for number in range(300) for _ in range(2 if number < 100 else 1)]
    column = CategoryColumn.learn("words", pa.chunked_array([words]))
    assert len(column.values) == 200
    assert column.rare_seen
    table = pa.chunked_array([["word 0", "word 299", "never seen"]])
    assert np.flatnonzero(column.read(table).values.sum(axis=0)).size == 2
    assert not any(mask.any() for mask in column.read(table).notes.values())


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, 2, 3]),
        pa.array([1.0, 2.0, 3.0]),
        pa.array(["1", "2.0", "3e0"]),
        pa.array(["1", "2", "3"]).dictionary_encode(),
        pa.array([1, 2, 3], pa.decimal128(5, 2)),
        pa.array([1000, 2000, 3000], pa.timestamp("ms")),
        pa.array([1, 2, 3], pa.time32("s")),
    ],
    ids=lambda column: str(column.type),
)
def test_a_column_of_another_type_with_the_same_numbers_is_the_same(column):
    schema = infer_schema(pa.table({"x": [1, 2, 3]}))
    np.testing.assert_array_equal(
        schema.read(pa.table({"x": column})).values, schema.read(pa.table({"x": [1, 2, 3]})).values
    )


def test_numbers_as_words_are_the_same_whatever_they_are_stored_as():
    schema = infer_schema(pa.table({"zip": [10, 20, 10]}), {"zip": "category"})
    for column in ([10.0, 20.0, 30.0], ["10", "20", "30"], [10, 20, 30]):
        assert schema.read(pa.table({"zip": column})).reasons == ["", "", "zip unseen"]


def test_a_missing_column_is_named_and_perhaps_found():
    schema = infer_schema(PEOPLE.select(["age", "job"]))
    with pytest.raises(ValueError, match=r"Missing: 'age'\. 'age' may now be 'Age'"):
        schema.read(pa.table({"Age": [1], "job": ["cook"]}))
    with pytest.raises(ValueError, match=r"Missing: 'job'\. Received: 'height'"):
        schema.read(pa.table({"age": [1], "height": [2]}))


def test_a_list_where_a_value_is_expected_is_refused():
    schema = infer_schema(PEOPLE.select(["age"]))
    with pytest.raises(ValueError, match=r"Expected numbers or words in column 'age'\. Received: list"):
        schema.read(pa.table({"age": [[1]]}))


def test_json_gives_the_same_schema():
    schema = infer_schema(PEOPLE)
    assert TableSchema.from_json(json.loads(json.dumps(schema.to_json()))) == schema


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("columns",), [], "at least one column"),
        (("columns",), None, "Expected a list as 'columns'"),
        (("columns", 0, "kind"), "code", "one of the kinds number, category"),
        (("columns", 0, "center"), "far", "Expected a finite number as 'center'"),
        (("columns", 0, "center"), float("nan"), "Expected a finite number as 'center'"),
        (("columns", 1, "values"), [1], "Expected a list of texts as 'values'"),
        (("columns", 0, "more"), 1, "Expected a column with the fields"),
    ],
)
def test_edited_json_is_refused(path, value, message):
    content = json.loads(json.dumps(infer_schema(PEOPLE).to_json()))
    place = content
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(ValueError, match=message):
        TableSchema.from_json(content)


CELLS = st.one_of(
    st.none(),
    st.text(max_size=5),
    st.floats().map(str),
    st.integers().map(str),
    st.sampled_from(["a", "b", "1e300", "-1e308", "?", "0"]),
)
TABLES = st.integers(1, 30).flatmap(
    lambda rows: st.dictionaries(st.text(max_size=4), st.lists(CELLS, min_size=rows, max_size=rows), max_size=4)
)


@settings(deadline=None, max_examples=400, derandomize=True)
@given(TABLES)
def test_any_table_is_encoded_or_refused_with_a_message(columns):
    table = pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})
    try:
        schema = infer_schema(table)
    except ValueError as error:
        assert "Expected at least one column to learn from" in str(error)
        return
    encoded = schema.read(table).values
    assert encoded.shape == (table.num_rows, schema.width)
    assert np.isfinite(encoded).all()
    assert schema.read(table).reasons == [""] * table.num_rows
    assert not schema.read(table).bad.any()
    assert TableSchema.from_json(json.loads(json.dumps(schema.to_json()))) == schema
