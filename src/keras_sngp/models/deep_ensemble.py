"""Deep ensemble: several networks trained from different starts, averaged."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_sngp._runtime.batches import predict_in_batches
from keras_sngp._runtime.input_checks import check_inputs, check_labels, first_rows
from keras_sngp.metrics.probabilities import as_probabilities
from keras_sngp.models.prediction import Prediction


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
    ):
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

    def fit(self, x: Any, y: Any = None, *, verbose: str | int = "auto", **fit_arguments):
        """Trains all members on the same data and returns the ensemble.

        Args:
            x: Whatever `keras.Model.fit` takes and can be gone through more than once.
            y: Labels.
            verbose: 1 or "auto" shows one bar for all members, 2 a line an epoch, 0 nothing.
            **fit_arguments: Passed on to each member's `fit`.
        """
        check_inputs(x)
        one_row = first_rows(x)
        engine = self._new_member(one_row)
        check_labels(y, engine(one_row).shape[-1])
        engine.optimizer.build(engine.trainable_variables)
        fresh_optimizer = _values(engine.optimizer.variables)
        members: list[keras.Model] = []
        histories: list[keras.callbacks.History] = []
        member_weights: list[np.ndarray] = []
        bar = keras.utils.Progbar(self.num_members, unit_name="member", verbose=int(verbose != 0))
        for number in range(self.num_members):
            member = self._new_member(one_row)
            if members:
                _check_different(member_weights, _values(member.trainable_variables))
            member_weights = _values(member.trainable_variables)
            _assign(engine.variables, _values(member.variables))
            _assign(engine.optimizer.variables, fresh_optimizer)
            histories.append(engine.fit(x, y, verbose=2 if verbose == 2 else 0, **fit_arguments))
            _assign(member.variables, _values(engine.variables))
            members.append(member)
            bar.update(number + 1)
        self.members, self.histories, self._engine = members, histories, engine
        return self

    def _new_member(self, one_row) -> keras.Model:
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


def _values(variables) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def _assign(variables, values) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _check_different(weights: list[np.ndarray], others: list[np.ndarray]) -> None:
    if all(np.array_equal(a, b) for a, b in zip(weights, others, strict=True)):
        raise ValueError(
            "Members of a deep ensemble must start from different weights. Received: two members with "
            "the same; `make_model` must not fix the random seed."
        )
