"""`map` by the workers of a Ray cluster."""

import collections
import contextlib
import logging
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import keras

ITEMS_PER_WORKER = 2
RESULTS_PER_WORKER = 4
RETRIES = 3

Item = TypeVar("Item")
Result = TypeVar("Result")


def ray_map(function: Callable[[Item], Result], items: Iterable[Item], workers: int | None = None) -> Iterator[Result]:
    """Like `map`, by processes of the cluster that `RAY_ADDRESS` names, or of this machine.

    Results come in order. Each worker gets the function once, with whatever it holds, and the next item when it is done
    with one. At most four items a worker are between here and there, so that memory does not grow with their number.
    Where a worker dies, another takes its place and does its items again; no result is lost or comes twice.

    Args:
        function: What pickle can send, with the Keras models it holds.
        items: Arguments, one a call; taken as they are needed.
        workers: Number of processes; by default one for each CPU of the cluster.

    Raises:
        ValueError: Ray is not installed.
        ChildProcessError: workers died again and again over the same item.
        Exception: whatever the function raised.

    Example:

    >>> answers = ray_map(model.predict, batches, workers=4)  # doctest: +SKIP
    """
    with _cluster() as ray:
        try:
            yield from _results(ray, function, items, workers or int(ray.cluster_resources()["CPU"]))
        except ray.exceptions.RayTaskError as error:
            raise error.cause from error
        except ray.exceptions.RayError as error:
            raise ChildProcessError(
                f"Expected workers that stay alive. Received: one that died {RETRIES + 1} times over the same item; it "
                "may need more memory"
            ) from error


@contextlib.contextmanager
def _cluster() -> Iterator[Any]:
    # Ray would otherwise report to its makers that it was started.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise ValueError("Work on Ray needs it installed: pip install 'keras-sngp[ray]'") from error
    if ray.is_initialized():
        yield ray
        return
    with warnings.catch_warnings():
        # JAX warns of forks; Ray's are followed by the start of another program, to which they do no harm.
        warnings.simplefilter("ignore", RuntimeWarning)
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    try:
        yield ray
    finally:
        ray.shutdown()


def _results(ray: Any, function: Any, items: Iterable[Any], number: int) -> Iterator[Any]:
    remote = ray.remote(
        max_restarts=-1,
        max_task_retries=RETRIES,
        scheduling_strategy="SPREAD",
        runtime_env={"env_vars": {"KERAS_BACKEND": keras.backend.backend()}},
    )(_Worker)
    shared = ray.put(function)
    free = [remote.remote(shared) for _ in range(number)] * ITEMS_PER_WORKER
    in_order: collections.deque[Any] = collections.deque()
    busy: dict[Any, Any] = {}
    for item in items:
        if not free:
            (done,), _ = ray.wait(list(busy))
            free.append(busy.pop(done))
        worker = free.pop(0)
        result = worker.call.remote(item)
        busy[result] = worker
        in_order.append(result)
        if len(in_order) == RESULTS_PER_WORKER * number:
            yield ray.get(in_order.popleft())
    while in_order:
        yield ray.get(in_order.popleft())


class _Worker:
    """A process; after a death, Ray calls its constructor again."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def call(self, item: Any) -> Any:
        return self.function(item)
