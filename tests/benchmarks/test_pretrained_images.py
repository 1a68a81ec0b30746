"""The studies on a pretrained image encoder: what is kept of it, and how the rows are split."""

import numpy as np
import pytest

from benchmarks.quality import pretrained_images


def test_features_are_computed_once_and_what_is_missing_is_added(tmp_path, monkeypatch):
    file, asked = tmp_path / "new" / "features.npz", []

    def count_rows(images):
        asked.append(len(images))
        return images.reshape(len(images), -1).astype("float32")

    monkeypatch.setattr(pretrained_images, "embed", count_rows)
    one = {"one": lambda: np.full((2, 2, 2, 3), 1)}
    two = {"two": lambda: np.full((3, 2, 2, 3), 2)}
    pretrained_images.kept_features(file, one)
    found = pretrained_images.kept_features(file, one | two)
    assert asked == [2, 3]
    assert {name: float(array.mean()) for name, array in found.items()} == {"one": 1, "two": 2}
    assert sorted(np.load(file).files) == ["one", "two"]


@pytest.mark.parametrize("classes", [10, 100])
def test_splits_have_as_many_rows_of_each_class_and_no_row_twice(classes):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(classes), 10_000 // classes))
    parts = pretrained_images.split_cifar100(labels)
    assert [len(part) for part in parts] == [7_000, 1_000, 2_000]
    assert len(set(np.concatenate(parts))) == 10_000
    assert [set(np.bincount(labels[part])) for part in parts] == [{len(part) // classes} for part in parts]


def test_noise_is_the_same_each_time_and_digits_are_in_the_middle():
    noise = pretrained_images.far_images(None)["noise"]
    assert noise().shape == (2_000, 32, 32, 3)
    np.testing.assert_array_equal(noise(), noise())
    digit = pretrained_images.in_colour(np.full((1, 28, 28), 9, "uint8"))
    assert digit.shape == (1, 32, 32, 3)
    assert digit[0, 2:30, 2:30].min() == 9
    assert digit.sum() == 3 * 9 * 28 * 28
