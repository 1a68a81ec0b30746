"""Data sets for trying things out and for measuring."""

from keras_sngp.datasets import two_moons as two_moons
