"""A Gaussian process head in a plain torch.nn.Module, trained by a plain PyTorch loop.

KERAS_BACKEND=torch python examples/torch_loop.py
"""

import keras
import numpy as np
import torch

import keras_sngp as sngp
from keras_sngp import two_moons


class Classifier(torch.nn.Module):
    """Residual layers with PyTorch's spectral norm, and our head."""

    def __init__(self, width: int = 64):
        super().__init__()
        self.first = torch.nn.Linear(2, width)
        self.hidden = torch.nn.ModuleList(
            torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(width, width)) for _ in range(3)
        )
        self.head = sngp.RandomFeatureGaussianProcess(
            2, 256, gp_kernel_scale="auto", scale_random_features=False, returns="logits_and_variance", seed=0
        )
        self.head.build((None, width))

    def features(self, x):
        x = self.first(x)
        for layer in self.hidden:
            x = x + 0.9 * torch.relu(layer(x))
        return x

    def forward(self, x):
        return self.head(self.features(x), training=self.training)


def train(model: Classifier, x: torch.Tensor, y: torch.Tensor, epochs: int = 40) -> None:
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    loss = torch.nn.CrossEntropyLoss()
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), 128, shuffle=True)
    model.train()
    for _ in range(epochs):
        for rows, labels in loader:
            optimizer.zero_grad()
            logits, _ = model(rows)
            loss(logits, labels).backward()
            optimizer.step()


def fit_posterior(model: Classifier, x: torch.Tensor) -> None:
    """One exact pass with the final weights."""
    model.eval()
    model.head.reset_covariance_matrix()
    with torch.no_grad():
        for rows in x.split(256):
            model.head.accumulate_inputs(model.features(rows))
    model.head.update_covariance()


def main() -> None:
    keras.utils.set_random_seed(0)
    x, y = two_moons.make_training_data()
    x_test, y_test = two_moons.make_training_data(seed=1)
    model = Classifier()
    train(model, torch.as_tensor(x), torch.as_tensor(y).long())
    fit_posterior(model, torch.as_tensor(x))
    with torch.no_grad():
        logits, variance = model(torch.as_tensor(x_test))
        _, far = model(torch.as_tensor(two_moons.make_out_of_domain_data()))
    accuracy = np.mean(logits.argmax(1).numpy() == y_test)
    print(f"accuracy {accuracy:.2f}, variance: moons {variance.mean():.2f}, far away {far.mean():.2f}")


if __name__ == "__main__":
    main()
