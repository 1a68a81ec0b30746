"""A nine-layer residual network for 32 x 32 images, in PyTorch."""

import torch
from torch import nn


def convolution(inputs: int, outputs: int, pool: bool = False) -> nn.Sequential:
    """Convolution, batch normalisation and ReLU; `pool` halves the image."""
    layers = [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.MaxPool2d(2)) if pool else nn.Sequential(*layers)


class ResidualBlock(nn.Module):
    """Two convolutions beside the identity."""

    def __init__(self, width: int):
        super().__init__()
        self.branch = nn.Sequential(convolution(width, width), convolution(width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.branch(x)


class ResidualNetwork(nn.Module):
    """Gives the logits of each image, and the features `(rows, 8 * width)` they are computed from.

    Its shape is that of David Page's network for DAWNBench ("How to train your ResNet", 2018).
    """

    def __init__(self, width: int = 32, num_classes: int = 10):
        super().__init__()
        self.backbone = nn.Sequential(
            convolution(3, width),
            convolution(width, 2 * width, pool=True),
            ResidualBlock(2 * width),
            convolution(2 * width, 4 * width, pool=True),
            convolution(4 * width, 8 * width, pool=True),
            ResidualBlock(8 * width),
            nn.AdaptiveMaxPool2d(1),
            nn.Flatten(),
        )
        self.head = nn.Linear(8 * width, num_classes)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.backbone(x)
        return self.head(features), features
