"""Public data sets to measure on: local files first, the public source second. See docs/data.md."""

from benchmarks.data import adult, cifar10, cifar100, clinc150, corruptions, fashion_mnist, letters, mnist

__all__ = ["adult", "cifar10", "cifar100", "clinc150", "corruptions", "fashion_mnist", "letters", "mnist"]
