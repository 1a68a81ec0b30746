"""Rows shared out among devices and processes: what it takes on each backend for sums to be over all rows, each once.

| | who shares out | what is done here |
|---|---|---|
| JAX | `keras.distribution`, which takes only batches it can cut evenly | batches are filled up with rows of weight 0 |
| TensorFlow | the strategy of `tf.distribute` that a model was made in; the same for the first batch | the same |
| PyTorch | the user: each process of `torch.distributed` has its rows | the sums of the processes are added up |
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sngp._runtime.keras_internals import distribution_strategy


def strategy_scope(model: keras.Model) -> contextlib.AbstractContextManager[Any]:
    """The scope in which to make models that run this one, so that they use the same devices."""
    strategy = distribution_strategy(model)
    return contextlib.nullcontext() if strategy is None else strategy.scope()


def parts_of_a_batch(model: keras.Model) -> int | None:
    """Into how many parts Keras cuts each batch of this process, one for each device; None where it cuts none."""
    if keras.backend.backend() == "tensorflow":
        replicas = distribution_strategy(model).num_replicas_in_sync
        return replicas if replicas > 1 else None
    if keras.backend.backend() != "jax" or (distribution := keras.distribution.distribution()) is None:
        return None
    mesh = distribution.device_mesh
    parts: int = mesh.shape[mesh.axis_names.index(distribution.batch_dim_name)]
    return parts // jax_processes()


class EvenBatches(keras.utils.PyDataset):
    """Arrays in batches that can be cut into equal parts, with the last row again, of weight 0, where they end early.

    JAX processes make the same number of batches, however many rows each of them has.

    Args:
        x: Arrays.
        sample_weight: How often each row counts, `(rows,)`; None for once.
        batch_size: Rows a batch, rounded up to a multiple of `parts`.
        parts: Number of parts.
    """

    def __init__(self, x: Any, sample_weight: Any, batch_size: int, parts: int) -> None:
        super().__init__()
        self.x = keras.tree.map_structure(ops.convert_to_numpy, x)
        self.rows = len(keras.tree.flatten(self.x)[0])
        self.weights = np.ones(self.rows) if sample_weight is None else ops.convert_to_numpy(sample_weight)
        self.most_rows = _most_rows_of_a_process(self.rows)
        self.batch_size = -(-min(batch_size, self.most_rows) // parts) * parts

    @property
    def num_batches(self) -> int:
        return -(-self.most_rows // self.batch_size)

    def __getitem__(self, number: int) -> tuple[Any, np.ndarray, np.ndarray]:
        places = np.arange(number * self.batch_size, (number + 1) * self.batch_size)
        there = np.minimum(places, self.rows - 1)
        inputs = keras.tree.map_structure(lambda array: array[there], self.x)
        weights = np.where(places < self.rows, self.weights.reshape(-1)[there], 0)
        return inputs, np.zeros((self.batch_size, 1)), weights


def jax_processes() -> int:
    """Number of processes of `jax.distributed`; 1 on other backends."""
    if keras.backend.backend() != "jax":
        return 1
    import jax

    return int(jax.process_count())


def _most_rows_of_a_process(rows: int) -> int:
    if jax_processes() == 1:
        return rows
    from jax.experimental import multihost_utils

    return int(np.max(multihost_utils.process_allgather(np.array([rows]))))


@contextlib.contextmanager
def sums_over_processes(model: keras.Model, sums_of: Callable[[keras.Model], list[keras.Variable]]) -> Iterator[None]:
    """In the block, each process adds its own rows to the sums in a model; after it, all have the total.

    First, all take the weights of the first process. Does nothing unless `torch.distributed` runs.
    """
    processes = _torch_processes()
    if processes is None:
        yield
        return
    for variable in model.variables:
        processes.broadcast(variable.value.data, 0)
    if processes.get_rank() > 0:
        for variable in sums_of(model):
            variable.assign(ops.zeros(variable.shape))
    yield
    for variable in sums_of(model):
        processes.all_reduce(variable.value.data)


def _torch_processes() -> Any:
    if keras.backend.backend() != "torch":
        return None
    from torch import distributed

    return distributed if distributed.is_available() and distributed.is_initialized() else None
