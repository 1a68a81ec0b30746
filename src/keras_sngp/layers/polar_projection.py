"""The geometry in which a kernel sees features: direction and distance, from a point halfway to their mean."""

from typing import Any

import keras
from keras import ops

from keras_sngp._runtime.files import register
from keras_sngp._runtime.ops import Shape, Tensor

MOMENTUM = 0.99
SHARE_OF_THE_MEAN = 0.5


@register
class PolarProjection(keras.layers.Layer):
    r"""Maps features to their direction and distance, as seen from half their mean.

    .. math::
        z = \frac{h - m / 2}{r}, \qquad
        s(h) = \left( \frac{2 z}{\|z\|^2 + 1}, \; \frac{\|z\|^2 - 1}{\|z\|^2 + 1} \right) \text{ if } \|z\| \le 1,
        \qquad
        s(h) = \left( \frac{z}{\|z\|}, \; \frac{\|z\|^2 - 1}{2} \right) \text{ otherwise}

    with the mean `m` of the training features `h` and their typical distance `r` from `m / 2`,
    `r^2 = E ||h - m / 2||^2`. Features within that distance go onto the lower half of the unit sphere, by the inverse
    stereographic projection; features beyond it onto a cylinder that continues the sphere. The map is one to one and
    smooth. At the typical distance it keeps lengths, in units of `r`.

    Why: in a trained network, inputs unlike the training data have smaller features. They collapse towards the origin
    or towards the mean, where a Gaussian kernel on `h` sees them close to everything. Seen from halfway between origin
    and mean, these two lie in opposite directions, and the training data in others. Direction from the origin alone
    cannot tell two inputs on one ray apart. The last coordinate can. Beyond the typical distance it has no bound, so
    that the variance of inputs far out returns to the prior's.

    `m` and `E ||h||^2` are moving averages over the training steps, like those of `BatchNormalization`, with momentum
    0.99 after the first steps. They are constants at inference. Until the first step `m` is 0 and `E ||h||^2` is the
    width.

    Args:
        scaled: Whether the result is multiplied by `r`, so that a length scale means what it means for `h`. False keeps
            distances of order 1 however much the features grow in training.
        name: The layer's name.
        dtype: Dtype or dtype policy.
        trainable: False stops the moving averages.

    Call arguments:
        inputs: `(batch, width)`.
        training: Whether to update the moving averages with this batch.

    Returns:
        `(batch, width + 1)`.

    Example:

    >>> points = PolarProjection()(np.array([[0.0, 0.0], [2.0, 0.0], [6.0, 0.0]]))
    >>> keras.ops.convert_to_numpy(points).astype("float64").round(2).tolist()
    [[0.0, 0.0, -1.0], [1.0, 0.0, 0.5], [1.0, 0.0, 8.5]]

    Reference: docs/design/0014-polar-geometry.md has the measurements.
    """

    def __init__(
        self,
        scaled: bool = False,
        *,
        name: str | None = None,
        dtype: str | keras.DTypePolicy | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(name=name, dtype=dtype, trainable=trainable, autocast=False)
        self.scaled = scaled

    def build(self, input_shape: Shape) -> None:
        width = input_shape[-1]
        self.mean = self._average("mean", (width,), "zeros")
        self.mean_square = self._average("mean_square", (), keras.initializers.Constant(width))
        self.steps = self._average("steps", (), "zeros")

    def _average(self, name: str, shape: Shape, initializer: Any) -> keras.Variable:
        return self.add_weight(
            name=name, shape=shape, initializer=initializer, trainable=False, autocast=False, aggregation="mean"
        )

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        inputs = ops.cast(inputs, self.variable_dtype)
        if training and self.trainable:
            self._update(ops.stop_gradient(inputs))
        mean = ops.convert_to_tensor(self.mean)
        square_radius = self.mean_square - (1 - SHARE_OF_THE_MEAN**2) * ops.sum(ops.square(mean))
        radius = ops.sqrt(ops.maximum(square_radius, keras.config.epsilon()))
        scaled = (inputs - SHARE_OF_THE_MEAN * mean) / radius
        square = ops.sum(ops.square(scaled), axis=-1, keepdims=True)
        within = ops.minimum(square, 1.0) + 1
        horizontal = scaled * (2 / within) / ops.sqrt(ops.maximum(square, 1.0))
        points = ops.concatenate([horizontal, (square - 1) / within], axis=-1)
        return radius * points if self.scaled else points

    def _update(self, inputs: Tensor) -> None:
        """The first step replaces the first values; the weight of the past grows to `MOMENTUM` with the steps."""
        kept = ops.minimum(MOMENTUM, self.steps / (self.steps + 9))
        self.mean.assign(kept * self.mean + (1 - kept) * ops.mean(inputs, axis=0))
        square = ops.mean(ops.sum(ops.square(inputs), axis=-1))
        self.mean_square.assign(kept * self.mean_square + (1 - kept) * square)
        self.steps.assign(self.steps + 1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], input_shape[-1] + 1)  # type: ignore[operator]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scaled": self.scaled}
