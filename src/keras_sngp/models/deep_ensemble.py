"""Deep ensemble: several networks trained from different starts, averaged."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import keras
import numpy as np
import numpy.typing as npt

from keras_sngp._runtime.batches import predict_in_batches
from keras_sngp._runtime.input_checks import check_inputs, check_labels, first_rows
from keras_sngp.metrics.probabilities import as_probabilities
from keras_sngp.models.prediction import Prediction

Array = npt.NDArray[np.generic]


class DeepEnsemble:
    r"""Averages the softmax of networks trained independently.

    .. math:: p(y | x) = \frac{1}{K} \sum_{k=1}^K \mathrm{softmax}(f(x; \theta_k))

    All members are trained and run by one model, whose program is compiled once; their weights are moved in and
    out of it. They stay plain Keras models in `members`, to be saved or used one by one.

    Args:
        make_model: Function without arguments that returns a new compiled Keras classifier, each time with
            other first weights.
        num_members: Number of networks `K`.
        from_logits: Whether they end in logits rather than in a softmax or sigmoid.

    Attributes:
        members: The trained networks.
        histories: The `History` of each member's training.

    Example:

    >>> ensemble = DeepEnsemble(make_classifier, num_members=2).fit(x, y, epochs=1, verbose=0)
    >>> ensemble.predict_distribution(x).probabilities.shape
    (40, 2)

    Reference: Lakshminarayanan et al. 2017, arXiv:1612.01474, section 2.4.
    """

    def __init__(
        self,
        make_model: Callable[[], keras.Model],
        num_members: int = 10,
        from_logits: bool = True,
    ) -> None:
        if not callable(make_model) or isinstance(make_model, keras.layers.Layer):
            raise TypeError(
                "`make_model` must be a function that returns a new compiled Keras model. "
                f"Received: {type(make_model).__name__}"
            )
        if not isinstance(num_members, int) or num_members < 1:
            raise ValueError(f"`num_members` must be an integer of at least 1. Received: {num_members!r}")
        self.make_model = make_model
        self.num_members = num_members
        self.from_logits = from_logits
        self.members: list[keras.Model] = []
        self.histories: list[keras.callbacks.History] = []
        self._engine: keras.Model | None = None

    def fit(
        self,
        x: Any,
        y: Any = None,
        *,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: Sequence[keras.callbacks.Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int = 1,
    ) -> Self:
        """Trains all members on the same data and returns the ensemble.

        Args:
            x: Whatever `keras.Model.fit` takes and can be gone through more than once.
            y: Labels: class numbers, or one-hot rows; None where the batches hold them.
            batch_size: Rows a batch for arrays; 32 by default.
            epochs: Number of passes over the data, or rather of the last epoch, if `initial_epoch` is above 0.
            verbose: 1 or "auto" shows one bar for all members, 2 a line an epoch, 0 nothing.
            callbacks: Keras callbacks.
            validation_split: Share of the rows of arrays, the last ones, to validate on instead of training on them.
            validation_data: Data to validate on after each epoch: `(x, y)`, `(x, y, sample_weight)` or batches.
            shuffle: Whether to draw the rows of arrays in another order in each epoch.
            class_weight: How much each class counts in the loss, by class number.
            sample_weight: How much each row of arrays counts, `(rows,)`.
            initial_epoch: Epoch to begin with, to go on with an earlier training.
            steps_per_epoch: Batches an epoch; needed for generators that do not end.
            validation_steps: Batches to validate on, of a `validation_data` that comes in batches.
            validation_batch_size: Rows a batch in validation; `batch_size` by default.
            validation_freq: Epochs between validations.
        """
        check_inputs(x)
        one_row = first_rows(x)
        engine = self._new_member(one_row)
        check_labels(y, engine(one_row).shape[-1])
        engine.optimizer.build(engine.trainable_variables)
        train = functools.partial(
            engine.fit,
            x,
            y,
            batch_size=batch_size,
            epochs=epochs,
            callbacks=callbacks,
            validation_split=validation_split,
            validation_data=validation_data,
            shuffle=shuffle,
            class_weight=class_weight,
            sample_weight=sample_weight,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps,
            validation_batch_size=validation_batch_size,
            validation_freq=validation_freq,
            verbose=2 if verbose == 2 else 0,
        )
        self.members, self.histories = self._trained_members(engine, one_row, train, verbose)
        self._engine = engine
        return self

    def _trained_members(
        self, engine: keras.Model, one_row: Any, train: Callable[[], keras.callbacks.History], verbose: str | int
    ) -> tuple[list[keras.Model], list[keras.callbacks.History]]:
        fresh_optimizer = _values(engine.optimizer.variables)
        members: list[keras.Model] = []
        histories: list[keras.callbacks.History] = []
        member_weights: list[Array] = []
        bar = keras.utils.Progbar(self.num_members, unit_name="member", verbose=int(verbose != 0))
        for number in range(self.num_members):
            member = self._new_member(one_row)
            if members:
                _check_different(member_weights, _values(member.trainable_variables))
            member_weights = _values(member.trainable_variables)
            _assign(engine.variables, _values(member.variables))
            _assign(engine.optimizer.variables, fresh_optimizer)
            histories.append(train())
            _assign(member.variables, _values(engine.variables))
            members.append(member)
            bar.update(number + 1)
        return members, histories

    def _new_member(self, one_row: Any) -> keras.Model:
        model = self.make_model()
        if not isinstance(model, keras.Model) or not model.compiled:
            raise ValueError(
                "`make_model` must return a compiled Keras model. Received: "
                + ("a model that is not compiled" if isinstance(model, keras.Model) else repr(model))
            )
        if not model.built:
            model(one_row)
        return model

    def predict_distribution(self, x: Any, *, batch_size: int | None = None, verbose: str | int = 0) -> Prediction:
        """Mean probabilities, and each member's as `samples`.

        Args:
            x: Whatever `keras.Model.predict` takes and can be gone through more than once.
            batch_size: Rows a batch for arrays; 1024 by default.
            verbose: 1 or "auto" shows one bar for all members.

        Raises:
            ValueError: the ensemble has not been trained.
        """
        if self._engine is None:
            raise ValueError("The ensemble has not been trained: call `fit` first.")
        bar = keras.utils.Progbar(self.num_members, unit_name="member", verbose=int(verbose != 0))
        samples = []
        for number, member in enumerate(self.members):
            _assign(self._engine.variables, _values(member.variables))
            outputs = predict_in_batches(self._engine, x, batch_size, verbose=0)
            samples.append(as_probabilities(outputs, self.from_logits))
            bar.update(number + 1)
        return Prediction(np.mean(samples, axis=0), samples=np.stack(samples))


def _values(variables: list[keras.Variable]) -> list[Array]:
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def _assign(variables: list[keras.Variable], values: list[Array]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _check_different(weights: list[Array], others: list[Array]) -> None:
    if all(np.array_equal(a, b) for a, b in zip(weights, others, strict=True)):
        raise ValueError(
            "Members of a deep ensemble must start from different weights. Received: two members with "
            "the same; `make_model` must not fix the random seed."
        )
