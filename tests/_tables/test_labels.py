"""Labels by name in any spelling, by position, and never by both at once."""

import numpy as np
import pyarrow as pa
import pytest

from keras_sngp._tables.labels import checked_label_numbers, class_names_of, label_numbers

ANIMALS, NUMBERED = ["cat", "dog"], ["1", "2"]


@pytest.mark.parametrize(
    "labels", [["dog", "cat"], [1, 0], [1.0, 0.0], ["1", "0"], [" dog ", "cat"], [True, False], ["1.0", "0"]]
)
def test_names_and_numbers(labels):
    assert checked_label_numbers(pa.array(labels), ANIMALS).tolist() == [1, 0]


@pytest.mark.parametrize("labels", [["2", "1"], [2, 1], [2.0, 1.0], ["2.0", "1"]])
def test_classes_named_by_numbers_are_meant_by_name(labels):
    assert checked_label_numbers(pa.array(labels), NUMBERED).tolist() == [1, 0]


@pytest.mark.parametrize("labels", [[True, False], ["True", "False"], ["true", "false"], ["TRUE", "FALSE"]])
@pytest.mark.parametrize("names", [["True", "False"], ["true", "false"], ["False", "True"]])
def test_booleans_are_meant_by_name_where_classes_are_named_so(labels, names):
    expected = [names.index(name) for name in names if name.lower() == "true"]
    assert checked_label_numbers(pa.array(labels), names).tolist() == [expected[0], 1 - expected[0]]


@pytest.mark.parametrize("value", ["cow", 2, -1, 0.5, np.nan, "", "1e400"])
def test_other_labels_are_refused_with_their_row(value):
    labels = pa.array(["cat", value] if isinstance(value, str) else [0, value])
    with pytest.raises(ValueError, match=r"classes \(cat, dog\) or numbers from 0 to 1\. Received: .* in row 11"):
        checked_label_numbers(labels, ANIMALS, first_row=10)


def test_numbers_by_position_are_refused_where_classes_are_named_by_numbers():
    with pytest.raises(ValueError, match=r"must be classes \(1, 2\)\. Received: '0' in row 1"):
        checked_label_numbers(pa.array([0, 1]), NUMBERED)


def test_one_value_is_one_class_whatever_the_file_spells_it():
    spellings = [[1, 2, 1], [1.0, 2.0, None], ["1", "2.0", " 1.00 "], ["1", "2", "1"]]
    assert all(class_names_of(pa.chunked_array([some * 2]), "y") == ("1", "2") for some in spellings)
    assert label_numbers(pa.array(["2.0", "x", None]), ("1", "2")).tolist() == [1, -1, -1]


def test_numbers_with_zeros_before_them_are_names():
    assert class_names_of(pa.chunked_array([["007", "7"] * 3]), "y") == ("007", "7")
