"""`map` by the workers of a Ray cluster."""

import collections
import itertools
import logging
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import keras

ITEMS_A_WORKER = 2
RETRIES = 3

Item = TypeVar("Item")
Result = TypeVar("Result")


def ray_map(function: Callable[[Item], Result], items: Iterable[Item], workers: int | None = None) -> Iterator[Result]:
    """Like `map`, by processes of the cluster that `RAY_ADDRESS` names, or of this machine.

    Results come in order. Each worker gets the function once, with whatever it holds, and two items at a time, so
    that memory does not grow with their number. Where a worker dies, another takes its place and does its items
    again; no result is lost or comes twice.

    Args:
        function: What pickle can send, with the Keras models it holds.
        items: Arguments, one a call; taken as they are needed.
        workers: Number of processes; by default one for each CPU of the cluster.

    Raises:
        ValueError: Ray is not installed.
        ChildProcessError: workers died again and again over the same item.
        Exception: whatever the function raised.
    """
    # Ray would otherwise report to its makers that it was started.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise ValueError("Work on Ray needs it installed: pip install 'keras-sngp[ray]'") from error
    started_here = not ray.is_initialized()
    if started_here:
        with warnings.catch_warnings():
            # JAX warns of forks; Ray's are followed by the start of another program, to which they do no harm.
            warnings.simplefilter("ignore", RuntimeWarning)
            ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    try:
        yield from _results(ray, function, items, workers or int(ray.cluster_resources().get("CPU", 1)))
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayActorError as error:
        raise ChildProcessError(
            f"Expected workers that stay alive. Received: one that died {RETRIES + 1} times over the same rows; "
            "it may need more memory"
        ) from error
    finally:
        if started_here:
            ray.shutdown()


def _results(ray: Any, function: Any, items: Iterable[Any], number: int) -> Iterator[Any]:
    remote = ray.remote(max_restarts=-1, max_task_retries=RETRIES)(_Worker)
    remote = remote.options(runtime_env={"env_vars": {"KERAS_BACKEND": keras.backend.backend()}})
    shared = [ray.put(function)]
    workers = [remote.remote() for _ in range(number)]
    on_their_way: collections.deque[Any] = collections.deque()
    for worker, item in zip(itertools.cycle(workers), items):
        on_their_way.append(worker.call.remote(shared, item))
        if len(on_their_way) == ITEMS_A_WORKER * number:
            yield ray.get(on_their_way.popleft())
    while on_their_way:
        yield ray.get(on_their_way.popleft())


class _Worker:
    """A process, which fetches the function when it first needs it, also after a death."""

    function: Callable[[Any], Any] | None = None

    def call(self, shared: list[Any], item: Any) -> Any:
        import ray

        if self.function is None:
            self.function = ray.get(shared[0])
        return self.function(item)
