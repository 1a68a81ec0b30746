"""An SNGP trained by several processes with PyTorch's DistributedDataParallel.

KERAS_BACKEND=torch torchrun --nproc-per-node 2 examples/data_parallel_torch.py
"""

import argparse

import keras
import torch
from torch import distributed
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

import keras_sngp as sngp
from keras_sngp import two_moons


def make_model() -> sngp.SNGP:
    backbone = sngp.DeepResNet(num_layers=1, num_hidden=64, spec_norm_bound=0.9)
    return sngp.SNGP(backbone, 2, 256, seed=0)


def train(model: sngp.SNGP, x: torch.Tensor, y: torch.Tensor, epochs: int) -> None:
    model(x[:128], training=True)  # sets the kernel's length scale, which DistributedDataParallel then copies
    parallel = torch.nn.parallel.DistributedDataParallel(model)
    data = TensorDataset(x, y)
    sampler = DistributedSampler(data)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    loss = torch.nn.CrossEntropyLoss()
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        for rows, labels in DataLoader(data, 50, sampler=sampler):
            optimizer.zero_grad()
            loss(parallel(rows, training=True), labels).backward()
            optimizer.step()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--output", default="moons.keras")
    arguments = parser.parse_args()
    distributed.init_process_group("gloo")
    rank, processes = distributed.get_rank(), distributed.get_world_size()
    keras.utils.set_random_seed(0)

    x, y = map(torch.as_tensor, two_moons.make_training_data(arguments.rows))
    model = make_model()
    train(model, x, y.long(), arguments.epochs)
    model.fit_posterior(x[rank::processes])  # each process its own rows; all get the posterior of all rows
    if rank == 0:
        model.save(arguments.output)
        print(f"posterior of {model.gaussian_process.rows_seen:.0f} rows in {arguments.output}")
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
