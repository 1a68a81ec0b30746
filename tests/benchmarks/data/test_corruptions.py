import numpy as np
import pytest

from benchmarks.data import corruptions
from benchmarks.data.letters import make_letters

KINDS = (corruptions.gaussian_noise, corruptions.gaussian_blur, corruptions.rotation)


def test_letters_are_drawn_within_the_picture_and_the_same_again():
    images, labels = make_letters(rows=300, seed=1)
    again, _ = make_letters(rows=300, seed=1)
    np.testing.assert_array_equal(images, again)
    assert set(labels) == set(range(10))
    assert images.max(axis=(1, 2)).min() > 200
    edge = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]])
    assert (edge > 128).mean() < 0.01


@pytest.mark.parametrize("corrupt", KINDS)
@pytest.mark.parametrize("channels", [(), (3,)])
def test_each_strength_changes_images_more(corrupt, channels):
    images = np.zeros((20, 28, 28), "uint8")
    images[:, 4:12, 10:14] = 200
    images = np.broadcast_to(images.reshape(20, 28, 28, *(1 for _ in channels)), (20, 28, 28, *channels)).copy()
    changes = [np.abs(corrupt(images, strength).astype(float) - images).mean() for strength in corruptions.STRENGTHS]
    assert changes[0] > 0
    assert np.all(np.diff(changes) > 0)
    assert corrupt(images, 3).dtype == np.uint8


@pytest.mark.parametrize("corrupt", KINDS)
def test_wrong_strengths_and_images(corrupt):
    images = np.zeros((2, 8, 8), "uint8")
    with pytest.raises(ValueError, match=r"strength must be 1, 2, 3, 4 or 5\. Received: 0"):
        corrupt(images, 0)
    with pytest.raises(ValueError, match=r"images must be uint8.*Received: float32"):
        corrupt(images.astype("float32"), 1)
