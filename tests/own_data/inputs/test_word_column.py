"""Texts by their words."""

import numpy as np
import pyarrow as pa
import pytest

from keras_sngp.own_data.inputs import EncodedTextColumn, WordColumn

TEXTS = pa.table(
    {"text": ["red wine and cheese", "white wine", "fast car", "slow car and bus", "cheese", "the bus", None]}
)


@pytest.fixture(scope="module")
def column():
    return WordColumn.learn("text", TEXTS)


def test_texts_with_the_same_words_are_near_and_others_far(column):
    encoded = column.read(pa.table({"text": ["red wine", "wine, RED", "fast bus"]})).values
    assert encoded.dtype == np.float32
    lengths = np.linalg.norm(encoded, axis=1)
    np.testing.assert_allclose(lengths, np.sqrt(column.input_shape[0]), rtol=1e-5)
    cosines = encoded @ encoded[0] / lengths[0] ** 2
    assert cosines[1] > 0.8
    assert cosines[2] < 0.4


def test_missing_and_unknown_texts(column):
    odd = pa.table({"text": [None, "", "xyzzy", "wine"]})
    assert column.read(odd).bad.tolist() == [True, True, False, False]
    assert column.read(odd).reasons == ["text missing", "text missing", "", ""]
    assert np.isfinite(column.read(odd).values).all()


def test_json_and_arrays_give_the_same_column(column):
    same = WordColumn.from_json(column.to_json(), column.arrays())
    np.testing.assert_array_equal(same.read(TEXTS).values, column.read(TEXTS).values)
    for wrong in ({}, {**column.arrays(), "directions": column.directions[:5]}, {"weights": column.weights}):
        with pytest.raises(ValueError, match="weights and directions"):
            WordColumn.from_json(column.to_json(), wrong)
    with pytest.raises(ValueError, match="finite weights"):
        WordColumn.from_json(column.to_json(), {**column.arrays(), "weights": column.weights * np.nan})


def test_wrong_columns_are_refused(column):
    with pytest.raises(ValueError, match=r"texts in a column 'text'\. Received: 'words'"):
        column.check(["words"])
    with pytest.raises(ValueError, match=r"Expected texts in column 'text'\. Received: list"):
        column.read(pa.table({"text": [["a"]]}))


def test_a_folder_without_an_encoder_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"the folder of an encoder, with tokenizer\.json"):
        EncodedTextColumn.learn("text", tmp_path)
