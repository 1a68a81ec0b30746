"""Images made worse step by step: noise, blur and rotation by strengths 1 to 5, in the manner of Hendrycks and
Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations" (2019)."""

import numpy as np
import numpy.typing as npt

STRENGTHS = (1, 2, 3, 4, 5)
NOISE_DEVIATIONS = (20.0, 40.0, 60.0, 80.0, 100.0)
BLUR_DEVIATIONS = (0.5, 1.0, 1.5, 2.0, 3.0)
ROTATION_DEGREES = (15.0, 30.0, 45.0, 60.0, 90.0)

Images = npt.NDArray[np.uint8]


def gaussian_noise(images: Images, strength: int, seed: int = 0) -> Images:
    """Adds normal noise of deviation 20, 40, 60, 80 or 100 of 255 to each value.

    Example:

    >>> gaussian_noise(np.zeros((1, 2, 2), "uint8"), strength=1).shape
    (1, 2, 2)
    """
    deviation = _of_strength(NOISE_DEVIATIONS, strength)
    noise = np.random.default_rng(seed).normal(0, deviation, _checked(images).shape)
    return _as_bytes(images + noise)


def gaussian_blur(images: Images, strength: int) -> Images:
    """Blurs each image by a normal kernel of deviation 0.5, 1, 1.5, 2 or 3 pixels."""
    from scipy import ndimage

    deviation = _of_strength(BLUR_DEVIATIONS, strength)
    deviations = (0, deviation, deviation, *(0 for _ in _checked(images).shape[3:]))
    return _as_bytes(ndimage.gaussian_filter(images.astype("float32"), deviations))


def rotation(images: Images, strength: int) -> Images:
    """Turns each image by 15, 30, 45, 60 or 90 degrees; corners are filled with black."""
    from scipy import ndimage

    degrees = _of_strength(ROTATION_DEGREES, strength)
    turned = ndimage.rotate(_checked(images).astype("float32"), degrees, axes=(1, 2), reshape=False, order=1)
    return _as_bytes(turned)


def _of_strength(amounts: tuple[float, ...], strength: int) -> float:
    if strength not in STRENGTHS:
        raise ValueError(f"strength must be 1, 2, 3, 4 or 5. Received: {strength}")
    return amounts[strength - 1]


def _checked(images: Images) -> Images:
    if images.ndim not in (3, 4) or images.dtype != np.uint8:
        raise ValueError(
            "images must be uint8 of shape (n, height, width) or (n, height, width, channels). "
            f"Received: {images.dtype} of shape {images.shape}"
        )
    return images


def _as_bytes(values: np.ndarray) -> Images:
    return values.round().clip(0, 255).astype("uint8")
