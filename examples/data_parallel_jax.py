"""An SNGP trained on all devices of one or several processes by keras.distribution.

KERAS_BACKEND=jax python examples/data_parallel_jax.py
KERAS_BACKEND=jax python examples/data_parallel_jax.py --address localhost:1234 --processes 2 --process 0  # and 1
"""

import argparse

import keras

import keras_sngp as sngp
from keras_sngp import two_moons

ROWS_A_STEP = 100


def make_model() -> sngp.SNGP:
    backbone = sngp.DeepResNet(num_layers=1, num_hidden=64, spec_norm_bound=0.9)
    model = sngp.SNGP(backbone, 2, 256, seed=0)
    model.compile(keras.optimizers.Adam(3e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", help="HOST:PORT of process 0")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--process", type=int, default=0)
    parser.add_argument("--rows", type=int, default=501)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--output", default="moons.keras")
    arguments = parser.parse_args()
    if arguments.address:
        keras.distribution.initialize(arguments.address, arguments.processes, arguments.process)
    keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
    keras.utils.set_random_seed(0)

    x, y = two_moons.make_training_data(arguments.rows)
    x, y = x[arguments.process :: arguments.processes], y[arguments.process :: arguments.processes]
    batch_size = ROWS_A_STEP // arguments.processes
    even = arguments.rows // ROWS_A_STEP * batch_size  # Keras trains on as many and as large batches in each process
    model = make_model()
    model.fit(x[:even], y[:even], batch_size=batch_size, epochs=arguments.epochs, verbose=0)
    model.fit_posterior(x)  # all rows, though some processes have one more
    keras.distribution.set_distribution(None)  # from here on, each process by itself
    if arguments.process == 0:
        model.save(arguments.output)
        print(f"posterior of {model.gaussian_process.rows_seen:.0f} rows in {arguments.output}")


if __name__ == "__main__":
    main()
