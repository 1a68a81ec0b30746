"""An SNGP trained on several devices by tf.distribute.MirroredStrategy.

KERAS_BACKEND=tensorflow python examples/data_parallel_tensorflow.py  # all GPUs, or two halves of the CPU
"""

import argparse

import keras
import tensorflow as tf

import keras_sngp as sngp
from keras_sngp import two_moons


def devices() -> list[str]:
    if tf.config.list_physical_devices("GPU"):
        return [gpu.name for gpu in tf.config.list_logical_devices("GPU")]
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    return ["CPU:0", "CPU:1"]


def make_model() -> sngp.SNGP:
    backbone = sngp.DeepResNet(num_layers=1, num_hidden=64, spec_norm_bound=0.9)
    model = sngp.SNGP(backbone, 2, 256, seed=0)
    model.compile(keras.optimizers.Adam(3e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=501)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--output", default="moons.keras")
    arguments = parser.parse_args()
    strategy = tf.distribute.MirroredStrategy(devices())
    keras.utils.set_random_seed(0)

    x, y = two_moons.make_training_data(arguments.rows)
    with strategy.scope():
        model = make_model()
    model.fit(x, y, batch_size=100, epochs=arguments.epochs, verbose=0)  # the posterior is of all rows
    model.save(arguments.output)
    print(f"posterior of {model.gaussian_process.rows_seen:.0f} rows in {arguments.output}")


if __name__ == "__main__":
    main()
