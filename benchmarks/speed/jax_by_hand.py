"""The SNGP tutorial's network on two moons in nothing but JAX: what a program without any library can reach.

An epoch is one compiled loop that adds each batch to the precision, as the tutorial does.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular

from benchmarks.speed import moons
from benchmarks.speed.measuring import main, once
from benchmarks.speed.moons import BATCH_SIZE, FEATURES, LAYERS, UNITS

x, y, grid = moons.load()
draws = np.random.default_rng(0)
first = draws.normal(size=(2, UNITS)).astype("float32")
directions = draws.normal(size=(UNITS, FEATURES)).astype("float32")
phases = draws.uniform(0, 2 * np.pi, FEATURES).astype("float32")


def start(is_sngp):
    """Weights, their moments, a count of steps, vectors of the power iterations, and the precision."""
    weights = {
        "layers": draws.uniform(-0.15, 0.15, (LAYERS, UNITS, UNITS)).astype("float32"),
        "biases": np.zeros((LAYERS, UNITS), "float32"),
        "last": np.zeros((FEATURES if is_sngp else UNITS, 2), "float32"),
    }
    zeros = jax.tree.map(np.zeros_like, weights)
    return weights, zeros, zeros, 0, np.ones((LAYERS, UNITS), "float32"), np.eye(FEATURES, dtype="float32")


def hidden_units(weights, vectors, inputs, key=None, is_sngp=True):
    hidden, moved = inputs @ first, []
    for number in range(LAYERS):
        kernel = weights["layers"][number]
        if is_sngp:
            fixed = jax.lax.stop_gradient(kernel)
            vector = fixed.T @ (fixed @ vectors[number])
            vector /= jnp.linalg.norm(vector)
            moved.append(vector)
            kernel = kernel * jnp.minimum(1, moons.BOUND / jnp.linalg.norm(kernel @ vector))
        change = jax.nn.relu(hidden @ kernel + weights["biases"][number])
        if key is not None:
            key, now = jax.random.split(key)
            change *= jax.random.bernoulli(now, 1 - moons.DROPOUT, change.shape) / (1 - moons.DROPOUT)
        hidden += change
    return hidden, jnp.stack(moved) if is_sngp else vectors


def features_of(hidden):
    return jnp.sqrt(2 / FEATURES) * jnp.cos(hidden @ directions + phases)


def make_epoch(is_sngp):
    def loss(weights, vectors, inputs, labels, counted, key):
        hidden, vectors = hidden_units(weights, vectors, inputs, key, is_sngp)
        features = features_of(hidden) if is_sngp else hidden
        logits = features @ weights["last"]
        losses = -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1)[:, 0]
        return jnp.sum(losses * counted) / jnp.sum(counted), (vectors, features * counted[:, None])

    def one_step(state, batch):
        """A step of Adam."""
        weights, means, squares, count, vectors, precision = state
        gradients, (vectors, features) = jax.grad(loss, has_aux=True)(weights, vectors, *batch)
        count += 1
        means = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, means, gradients)
        squares = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, squares, gradients)
        rate = moons.LEARNING_RATE * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        weights = jax.tree.map(lambda w, m, s: w - rate * m / (jnp.sqrt(s) + 1e-7), weights, means, squares)
        if is_sngp:
            precision += features.T @ features
        return (weights, means, squares, count, vectors, precision), None

    def epoch(state, batches):
        return jax.lax.scan(one_step, (*state[:-1], jnp.eye(FEATURES)), batches)[0]

    return jax.jit(epoch, donate_argnums=0)


def batches_of(number):
    """An epoch's batches, the last filled up with rows that do not count."""
    order = np.random.default_rng(number).permutation(len(x))
    steps = -(-len(x) // BATCH_SIZE)
    filled = np.resize(order, steps * BATCH_SIZE)
    counted = (np.arange(len(filled)) < len(x)).astype("float32")
    shape = (steps, BATCH_SIZE)
    keys = jax.random.split(jax.random.key(number), steps)
    return x[filled].reshape(*shape, 2), y[filled].reshape(shape), counted.reshape(shape), keys


def fit(kind, epochs):
    epoch, state, times = make_epoch(kind == "SNGP"), start(kind == "SNGP"), []
    for number in range(epochs):

        def go(number=number):
            nonlocal state
            state = jax.block_until_ready(epoch(state, batches_of(number)))

        times.append(once(go))
    weights, *_, vectors, precision = state
    return (weights, vectors, jnp.linalg.cholesky(precision)), times


@jax.jit
def predict(model, inputs):
    weights, vectors, root = model
    features = features_of(hidden_units(weights, vectors, inputs)[0])
    variance = jnp.sum(solve_triangular(root, features.T, lower=True) ** 2, axis=0)
    logits = features @ weights["last"]
    return jax.nn.softmax(logits / jnp.sqrt(1 + jnp.pi / 8 * variance)[:, None]), variance


if __name__ == "__main__":
    of_sngp = {"SNGP": lambda model, inputs: jax.device_get(predict(model, inputs))}
    main(moons.works_of(fit, of_sngp, grid, trained=("SNGP", "plain")))
