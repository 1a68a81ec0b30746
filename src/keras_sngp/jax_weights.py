"""With JAX, Keras takes the weights out of a model while it runs; here they are put back if the run fails."""

import contextlib
from collections.abc import Iterator

import keras


@contextlib.contextmanager
def weights_kept_on_error(model: keras.Model) -> Iterator[None]:
    """Leaves the model with its latest weights when the block raises, as it does on other backends.

    Without it, an error inside `fit`, `evaluate` or `predict`, such as bad input, an exception in a
    generator or Ctrl-C, would leave a model without weights. Does nothing on other backends.
    """
    if keras.backend.backend() != "jax":
        yield
        return
    before = [(variable, variable.value) for variable in _all_variables(model)]
    _forget_earlier_run(model)
    try:
        yield
    except BaseException:
        for variable, value in before:
            if not value.is_deleted():
                variable.assign(value)
        model.jax_state_sync()
        raise


class UntrackedJaxState:
    """A mixin for models: Keras keeps all variables' values in `_jax_state` and no longer tracks them one by one.

    Tracking takes a tenth of a small network's training step.
    """

    def __setattr__(self, name, value):
        if name == "_jax_state":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)


def _forget_earlier_run(model: keras.Model) -> None:
    """Keras keeps the weights that `predict_on_batch` returned, which training since then may have deleted."""
    if getattr(model, "_jax_state", None) is not None:
        model._jax_state = None


def _all_variables(model: keras.Model) -> list[keras.Variable]:
    optimizer = getattr(model, "optimizer", None)
    return [*model.variables, *model.metrics_variables, *(optimizer.variables if optimizer else [])]
