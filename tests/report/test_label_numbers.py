"""Labels by name, by position, and never by both at once."""

import numpy as np
import pytest

from keras_sngp.report.label_numbers import LabelNumbers

ANIMALS = LabelNumbers(["cat", "dog"], "labels")
NUMBERED = LabelNumbers(["1", "2"], "labels")


@pytest.mark.parametrize(
    "labels", [["dog", "cat"], [1, 0], [1.0, 0.0], ["1", "0"], [" dog ", "cat"], [True, False], ["1.0", "0"]]
)
def test_names_and_numbers(labels):
    assert ANIMALS.of(np.array(labels)).tolist() == [1, 0]


@pytest.mark.parametrize("labels", [["2", "1"], [2, 1], [2.0, 1.0], ["2.0", "1"]])
def test_classes_named_by_numbers_are_meant_by_name(labels):
    assert NUMBERED.of(np.array(labels)).tolist() == [1, 0]


@pytest.mark.parametrize("value", ["cow", 2, -1, 0.5, np.nan, "", "1e400"])
def test_other_labels_are_refused_with_their_row(value):
    labels = np.array(["cat", value] if isinstance(value, str) else [0, value])
    with pytest.raises(ValueError, match=r"classes \(cat, dog\) or numbers from 0 to 1\. Received: .* in row 11"):
        ANIMALS.of(labels, first_row=10)


def test_numbers_by_position_are_refused_where_classes_are_named_by_numbers():
    with pytest.raises(ValueError, match=r"must be classes \(1, 2\)\. Received: 0 in row 0"):
        NUMBERED.of(np.array([0, 1]))
