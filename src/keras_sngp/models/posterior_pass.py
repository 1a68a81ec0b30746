"""One pass over the data, after training, that sets the posterior of a model's Gaussian process layers."""

import contextlib
import itertools
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import keras
from keras import ops

from keras_sngp._runtime.batches import ROWS_PER_BATCH, cached_view
from keras_sngp._runtime.devices import EvenBatches, parts_of_a_batch, sums_over_processes
from keras_sngp._runtime.input_checks import check_inputs, is_array_like
from keras_sngp._runtime.keras_internals import layers_of, weights_kept_on_error
from keras_sngp._runtime.ops import Tensor
from keras_sngp.layers import call_notes, posterior
from keras_sngp.layers.gaussian_process import RandomFeatureGaussianProcess
from keras_sngp.layers.posterior import PosteriorState
from keras_sngp.layers.spectral_normalization import bounded_layers, refine_changed

NARROW_KERNEL_RATIO = 0.5


def gaussian_process_layers(model: keras.Model) -> list[RandomFeatureGaussianProcess]:
    """The model's Gaussian process layers, wherever they are nested.

    Raises:
        ValueError: there is none.
    """
    layers = [layer for layer in layers_of(model) if isinstance(layer, RandomFeatureGaussianProcess)]
    if not layers:
        raise ValueError(
            f"The model must contain a RandomFeatureGaussianProcess layer. Received: {model.name!r}, which has none"
        )
    return layers


def fit_posterior(
    model: keras.Model,
    x: Any,
    y: Any = None,
    *,
    sample_weight: Any = None,
    batch_size: int | None = None,
    steps: int | None = None,
    verbose: str | int = 0,
) -> None:
    """Computes the exact posterior of each Gaussian process layer in one pass over the training data.

    Settles the spectral norms of `SpectralNormalization` layers, then runs the model in inference mode (no
    dropout, frozen normalisation statistics), adds up `G = sum_i w_i phi_i phi_i^T` over all rows, and factorises
    once. The result does not depend on the batch size or on the order of the rows. Use plain data, without
    augmentation. Of several devices each does its share of the rows. Of several processes each passes its own rows,
    and all get the posterior of all rows; see docs/scale.md.

    Args:
        model: Any Keras model with at least one `RandomFeatureGaussianProcess` layer, trained.
        x: Whatever `model.fit` takes: arrays, tf.data.Dataset, PyDataset, torch DataLoader, generator.
        y: Not used, so that the arguments of `fit` can be passed on.
        sample_weight: With arrays, how often each row counts.
        batch_size: Rows a batch for arrays; 1024 by default.
        steps: Number of batches to take, for generators that do not end.
        verbose: 1 or "auto" shows a progress bar, 0 nothing.

    Raises:
        ValueError: no rows, non-finite inputs, or a model without a Gaussian process layer.

    Example:

    >>> fit_posterior(model, x)
    >>> model.predict_distribution(x).variance.shape
    (40,)

    Reference: Liu et al. 2020, arXiv:2006.10108, algorithm 1 and equation 9.
    """
    check_inputs(x, model)
    for layer in bounded_layers(model):
        layer.refine()
    for layer in gaussian_process_layers(model):
        if layer.built:
            layer.reset_covariance_matrix()
    _add_rows(model, x, sample_weight, batch_size, steps, verbose)


def update_posterior(
    model: keras.Model,
    x: Any,
    y: Any = None,
    *,
    sample_weight: Any = None,
    batch_size: int | None = None,
    steps: int | None = None,
    verbose: str | int = 0,
) -> None:
    """Adds new rows to the posterior without forgetting the earlier ones; arguments as `fit_posterior`.

    Exact for a "gaussian" likelihood, as if all rows had come in one pass.
    """
    check_inputs(x, model)
    for layer in gaussian_process_layers(model):
        _check_not_stale(layer)
    refine_changed(model)
    _add_rows(model, x, sample_weight, batch_size, steps, verbose)


def _add_rows(
    model: keras.Model, x: Any, sample_weight: Any, batch_size: int | None, steps: int | None, verbose: str | int
) -> None:
    if isinstance(x, Iterator):
        x = _unless_exhausted(x)
    arrays = is_array_like(x)
    rows_per_batch = batch_size or ROWS_PER_BATCH
    posterior_pass = cached_view(model, _PosteriorPass)
    # The pass ignores labels, but Keras accepts weights only beside them.
    labels = _placeholder_labels(x) if arrays and sample_weight is not None else None
    if arrays and (parts := parts_of_a_batch(model)):
        x = EvenBatches(x, sample_weight, rows_per_batch, parts)
        labels = sample_weight = None
        arrays = False
    with _rows_kept_on_error(model), weights_kept_on_error(posterior_pass), sums_over_processes(model, _sums):
        posterior_pass.evaluate(
            x,
            labels,
            sample_weight=sample_weight,
            batch_size=rows_per_batch if arrays else None,
            steps=steps,
            verbose=0,
            callbacks=[_PosteriorProgress()] if verbose in (1, "auto") else None,
        )
    for layer in gaussian_process_layers(model):
        layer.update_covariance()
        _warn_of_narrow_kernel(layer)


@contextlib.contextmanager
def _rows_kept_on_error(model: keras.Model) -> Iterator[None]:
    """Leaves the Gram matrices as they were when the block raises, so that no row is counted twice on a retry."""
    sums = _sums(model)
    before = [ops.convert_to_numpy(variable) for variable in sums]
    try:
        yield
    except BaseException:
        for variable, value in zip(sums, before, strict=True):
            variable.assign(value)
        raise


def _sums(model: keras.Model) -> list[keras.Variable]:
    layers = [layer for layer in gaussian_process_layers(model) if layer.built]
    return [variable for layer in layers for variable in (layer.gram, layer.row_count)]


def _check_not_stale(layer: RandomFeatureGaussianProcess) -> None:
    if layer.built and layer.gp_cov_momentum is None and layer.posterior_state == PosteriorState.STALE:
        raise ValueError(
            "New rows can be added to a posterior that belongs to the present weights. Received: a stale one, "
            "trained on since; call `fit_posterior` with all rows."
        )


def _unless_exhausted(batches: Iterator[Any]) -> Iterator[Any]:
    try:
        first = next(batches)
    except StopIteration:
        raise ValueError(
            "The posterior needs the training data once more after training. Received: a generator with no "
            "batches left. Pass data that can be gone through again, or a generator that goes on."
        ) from None
    return (batch for batch in itertools.chain([first], batches))


def _warn_of_narrow_kernel(layer: RandomFeatureGaussianProcess) -> None:
    if layer.gp_cov_likelihood != "gaussian":
        return
    gram = ops.convert_to_numpy(layer.gram)
    root = ops.convert_to_numpy(layer.covariance_root.value)
    ratio = posterior.held_out_variance_ratio(gram, root, layer.gp_cov_ridge_penalty, layer.rows_seen)
    if ratio > NARROW_KERNEL_RATIO:
        warnings.warn(
            f"Layer {layer.name!r} is nearly as unsure about rows like the training data as about any other: "
            f"held-out variance is {ratio:.0%} of the prior's. The kernel's length scale "
            f"({layer.random_features.current_length_scale.numpy():.3g}) is too small for its inputs; "
            "gp_kernel_scale='auto' fits it to them.",
            stacklevel=3,
        )


def _placeholder_labels(x: Any) -> Tensor:
    return ops.zeros((len(keras.tree.flatten(x)[0]), 1))


class _PosteriorPass(keras.Model):
    """Adds each batch it evaluates to the Gram matrices, through public Keras methods only."""

    def __init__(self, model: keras.Model) -> None:
        super().__init__(name="posterior_pass")
        self.model = model
        self.gaussian_processes = gaussian_process_layers(model)
        self.compile()

    def call(self, inputs: Any) -> list[list[tuple[Tensor, Tensor]]]:
        with call_notes.captured_calls() as calls, call_notes.cached_norms():
            self.model(inputs, training=False)
        return [
            [(call.features, call.logits) for call in calls if call.layer is layer] for layer in self.gaussian_processes
        ]

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Tensor | None = None,
        training: bool = False,
    ) -> Tensor:
        for layer, calls in zip(self.gaussian_processes, y_pred, strict=True):
            for features, logits in calls:
                layer.accumulate(features, logits, sample_weight)
        return ops.zeros(())


class _PosteriorProgress(keras.callbacks.Callback):
    def on_test_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        self._bar = keras.utils.Progbar(self.params["steps"], unit_name="posterior batch")
        self._batches = 0

    def on_test_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._batches = batch + 1
        self._bar.update(self._batches, finalize=False)

    def on_test_end(self, logs: Mapping[str, Any] | None = None) -> None:
        self._bar.update(self._batches, finalize=True)
