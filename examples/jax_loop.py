"""An SNGP trained by a hand-written JAX loop with optax.

KERAS_BACKEND=jax python examples/jax_loop.py
"""

import jax
import keras
import numpy as np
import optax

import keras_sngp as sngp
from keras_sngp import two_moons


def make_model() -> sngp.SNGP:
    inputs = keras.Input((2,))
    hidden = keras.layers.Dense(64)(inputs)
    for _ in range(3):
        dense = keras.layers.Dense(64, activation="relu")
        hidden = keras.layers.Add()([hidden, sngp.SpectralNormalization(dense, 0.9)(hidden)])
    return sngp.SNGP(keras.Model(inputs, hidden), 2, 256, seed=0)


def train(model: sngp.SNGP, x: np.ndarray, y: np.ndarray, epochs: int = 40, batch: int = 125) -> None:
    optimizer = optax.adam(3e-3)
    weights = [variable.value for variable in model.trainable_variables]
    state = [variable.value for variable in model.non_trainable_variables]
    moments = optimizer.init(weights)

    def loss(weights, state, rows, labels):
        logits, state = model.stateless_call(weights, state, rows, training=True)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean(), state

    @jax.jit
    def step(weights, state, moments, rows, labels):
        (_, state), gradients = jax.value_and_grad(loss, has_aux=True)(weights, state, rows, labels)
        updates, moments = optimizer.update(gradients, moments)
        return optax.apply_updates(weights, updates), state, moments

    generator = np.random.default_rng(0)
    for _ in range(epochs):
        for rows in generator.permutation(len(x)).reshape(-1, batch):
            weights, state, moments = step(weights, state, moments, x[rows], y[rows])
    for variables, values in ((model.trainable_variables, weights), (model.non_trainable_variables, state)):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)


def main() -> None:
    keras.utils.set_random_seed(0)
    x, y = two_moons.make_training_data()
    x_test, y_test = two_moons.make_training_data(seed=1)
    model = make_model()
    train(model, x, y)
    sngp.fit_posterior(model, x)
    near = model.predict_distribution(x_test)
    far = model.predict_distribution(two_moons.make_out_of_domain_data())
    accuracy = np.mean(near.labels == y_test)
    print(f"accuracy {accuracy:.2f}, variance: moons {near.variance.mean():.2f}, far away {far.variance.mean():.2f}")


if __name__ == "__main__":
    main()
