"""Data sets for trying things out and for measuring: local files first, the public source second."""

from keras_sngp.datasets import adult as adult
from keras_sngp.datasets import cifar10 as cifar10
from keras_sngp.datasets import cifar100 as cifar100
from keras_sngp.datasets import clinc150 as clinc150
from keras_sngp.datasets import corruptions as corruptions
from keras_sngp.datasets import fashion_mnist as fashion_mnist
from keras_sngp.datasets import letters as letters
from keras_sngp.datasets import mnist as mnist
from keras_sngp.datasets import two_moons as two_moons
