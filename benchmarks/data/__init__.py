"""Data sets for trying things out and for measuring: local files first, the public source second."""

from benchmarks.data import adult as adult
from benchmarks.data import cifar10 as cifar10
from benchmarks.data import cifar100 as cifar100
from benchmarks.data import clinc150 as clinc150
from benchmarks.data import corruptions as corruptions
from benchmarks.data import fashion_mnist as fashion_mnist
from benchmarks.data import letters as letters
from benchmarks.data import mnist as mnist
