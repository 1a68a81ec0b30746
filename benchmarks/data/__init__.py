"""Public data sets to measure on: local files first, the public source second. See docs/data.md."""

from benchmarks.data import adult, bbc_news, cifar10, cifar100, clinc150, corruptions, fashion_mnist, letters, mnist

__all__ = ["adult", "bbc_news", "cifar10", "cifar100", "clinc150", "corruptions", "fashion_mnist", "letters", "mnist"]
