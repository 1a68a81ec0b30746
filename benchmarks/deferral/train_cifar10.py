"""Trains a small residual network on CIFAR-10 and writes its test predictions for the deferral benchmark.

    python benchmarks/deferral/train_cifar10.py --data-dir DATA --output predictions.npz

DATA holds cifar10/ and cifar100/ with Parquet files of images. Training goes on from its checkpoint when stopped.
Logits of the CIFAR-10 test images, and those of CIFAR-100 as out-of-domain images, are written as NPZ files that
`keras-sngp report` reads. Uses PyTorch on the processor, in bfloat16.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from residual_network import ResidualNetwork
from torch.nn import functional

from benchmarks.data import cifar10, cifar100
from keras_sngp._runtime.files import atomic_write

MEAN = torch.tensor([0.4914, 0.4822, 0.4465]).view(1, 3, 1, 1)
DEVIATION = torch.tensor([0.2470, 0.2435, 0.2616]).view(1, 3, 1, 1)
PADDING = 4


def to_tensor(images: np.ndarray) -> torch.Tensor:
    """Standardised images, channels first, laid out as the processor's convolutions like them."""
    tensor = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    return ((tensor - MEAN) / DEVIATION).contiguous(memory_format=torch.channels_last)


def augmented(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Each image shifted by up to four pixels and mirrored half of the time."""
    rows, _, height, width = images.shape
    padded = functional.pad(images, (PADDING,) * 4, mode="reflect")
    down, right = torch.randint(0, 2 * PADDING + 1, (2, rows, 1), generator=generator)
    mirror = torch.rand(rows, 1, generator=generator) < 0.5
    columns = torch.arange(width).expand(rows, width)
    columns = torch.where(mirror, columns.flip(1), columns) + right
    lines = torch.arange(height) + down
    chosen = padded.permute(0, 2, 3, 1)[torch.arange(rows)[:, None, None], lines[:, :, None], columns[:, None, :]]
    return chosen.permute(0, 3, 1, 2)


def train(images: torch.Tensor, labels: torch.Tensor, options: argparse.Namespace) -> ResidualNetwork:
    """Trains with a one-cycle learning rate, keeping a checkpoint after each epoch."""
    torch.manual_seed(options.seed)
    network = ResidualNetwork(options.width).to(memory_format=torch.channels_last)
    decayed = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": options.weight_decay}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, lr=options.learning_rate, momentum=0.9, nesterov=True)
    steps = len(images) // options.batch_size
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, options.learning_rate, total_steps=steps * options.epochs, pct_start=0.25
    )
    first = restore(options.checkpoint, network, optimizer, schedule)
    for epoch in range(first, options.epochs):
        started = time.perf_counter()
        loss = train_epoch(network, optimizer, schedule, images, labels, options, epoch)
        keep(options.checkpoint, network, optimizer, schedule, epoch + 1)
        print(f"epoch {epoch + 1}/{options.epochs}: loss {loss:.3f}, {time.perf_counter() - started:.0f} s", flush=True)
    return network


def train_epoch(network, optimizer, schedule, images, labels, options, epoch: int) -> float:
    """One pass over the images in an order that depends on seed and epoch alone; returns the mean loss."""
    generator = torch.Generator().manual_seed(options.seed * 1_000 + epoch)
    order = torch.randperm(len(images), generator=generator)
    network.train()
    total, steps = 0.0, len(images) // options.batch_size
    for rows in order[: steps * options.batch_size].view(steps, -1):
        with torch.autocast("cpu", torch.bfloat16):
            logits, _ = network(augmented(images[rows], generator))
            loss = functional.cross_entropy(logits.float(), labels[rows], label_smoothing=options.label_smoothing)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        total += loss.item()
    return total / steps


def keep(checkpoint: Path, network, optimizer, schedule, epochs: int) -> None:
    state = {"network": network, "optimizer": optimizer, "schedule": schedule}
    with atomic_write(checkpoint) as temporary:
        torch.save({"epochs": epochs, **{name: part.state_dict() for name, part in state.items()}}, temporary)


def restore(checkpoint: Path, network, optimizer, schedule) -> int:
    """Loads the checkpoint if there is one; returns the number of epochs it has behind it."""
    if not checkpoint.exists():
        return 0
    state = torch.load(checkpoint, weights_only=True)
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    return state["epochs"]


@torch.inference_mode()
def predict(network: ResidualNetwork, images: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Logits and features in float32, each the mean over an image and its mirror image."""
    network.eval()
    outputs = []
    for batch in images.split(500):
        seen, mirrored = network(batch), network(batch.flip(3))
        outputs.append([(one + other) / 2 for one, other in zip(seen, mirrored, strict=True)])
    logits, features = (torch.cat(parts).numpy() for parts in zip(*outputs, strict=True))
    return logits, features


def write_predictions(path: Path, **arrays) -> None:
    with atomic_write(path) as temporary:
        np.savez_compressed(temporary, **arrays)
    print(f"wrote {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=Path("predictions.npz"))
    parser.add_argument("--checkpoint", type=Path, help="by default beside the output, with the ending .pt")
    parser.add_argument("--features", type=Path, help="also write the features of all images, for another output layer")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--learning-rate", type=float, default=0.2)
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    parser.add_argument("--label-smoothing", type=float, default=0.1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.checkpoint = options.checkpoint or options.output.with_suffix(".pt")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)

    data = cifar10.load(options.data_dir)
    training, labels = data.train
    network = train(to_tensor(training), torch.from_numpy(labels), options)

    test, test_labels = data.test
    other, _ = cifar100.load_test(options.data_dir)
    logits, features = predict(network, to_tensor(test))
    other_logits, other_features = predict(network, to_tensor(other))
    names = np.array(data.class_names)
    print(f"test accuracy {np.mean(logits.argmax(axis=1) == test_labels):.4f}")
    write_predictions(options.output, logits=logits, label=test_labels, class_names=names)
    out_of_domain = options.output.with_name(f"{options.output.stem}-cifar100.npz")
    write_predictions(out_of_domain, logits=other_logits, class_names=names)
    if options.features is not None:
        _, training_features = predict(network, to_tensor(training))
        write_predictions(
            options.features,
            training=training_features,
            training_labels=labels,
            test=features,
            test_labels=test_labels,
            out_of_domain=other_features,
        )


if __name__ == "__main__":
    main()
