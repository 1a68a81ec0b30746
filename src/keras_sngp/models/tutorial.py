"""For code written after the TensorFlow tutorial: its networks and callback, whose covariance sums as they train.

New code takes `SNGP`, which computes the posterior once, exactly, after training.
"""

import keras

from keras_sngp._runtime.files import register
from keras_sngp.layers.gaussian_process import RandomFeatureGaussianProcess
from keras_sngp.models.deep_resnet import DeepResNet
from keras_sngp.models.posterior_pass import gaussian_process_layers
from keras_sngp.models.prediction import Prediction
from keras_sngp.models.predictive_distribution import predict_distribution


class ResetCovarianceCallback(keras.callbacks.Callback):
    """Resets the covariance at the start of each epoch, and makes it ready for use after training; for tutorial code.

    With `gp_cov_momentum=-1` each training batch adds to the covariance, so only the last epoch may count.

    Example:

    >>> model = keras.Sequential([RandomFeatureGaussianProcess(2, 64, gp_cov_momentum=-1, returns="logits")])
    >>> model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    >>> history = model.fit(x, y, epochs=3, verbose=0, callbacks=[ResetCovarianceCallback()])
    >>> model.layers[-1].rows_seen
    40.0
    """

    def on_epoch_begin(self, epoch, logs=None):
        if epoch > 0:
            for layer in gaussian_process_layers(self.model):
                layer.reset_covariance_matrix()

    def on_train_end(self, logs=None):
        for layer in gaussian_process_layers(self.model):
            if layer.rows_seen == 0:
                raise ValueError(
                    f"Layer {layer.name!r} was never called with training=True. In `call`, pass `training` on to "
                    "it: with JAX, Keras does not hand it down by itself."
                )
            layer.update_covariance()


@register
class DeepResNetSNGP(DeepResNet):
    """The tutorial's SNGP: bounded residual layers and a Gaussian process that sums as it trains.

    Without a reset each epoch the covariance counts every row once an epoch; see
    `DeepResNetSNGPWithCovReset`, or `SNGP`, which needs neither.

    Call arguments:
        return_covmat: Return `(logits, covariance (batch, batch))` instead of logits.
    """

    def __init__(self, num_classes=None, spec_norm_bound=0.9, **kwargs):
        super().__init__(num_classes, spec_norm_bound=spec_norm_bound, **kwargs)

    def make_output_layer(self, num_classes):
        return RandomFeatureGaussianProcess(num_classes, **{"gp_cov_momentum": -1, **self.classifier_kwargs})

    def call(self, inputs, training=None, return_covmat=False):
        hidden = self.last_hidden_units(inputs, training)
        if self.classifier is None:
            return hidden
        returns = "logits_and_covariance" if return_covmat and not training else "logits"
        return self.classifier(hidden, training=training, returns=returns)

    def predict_distribution(self, x, **options) -> Prediction:
        """Probabilities, logits and variance; see `keras_sngp.predict_distribution`."""
        return predict_distribution(self, x, **options)


@register
class DeepResNetSNGPWithCovReset(DeepResNetSNGP):
    """`DeepResNetSNGP` whose `fit` resets the covariance at the start of each epoch."""

    def fit(self, *args, callbacks=None, **kwargs):
        """Trains like `keras.Model.fit`, with a `ResetCovarianceCallback` added."""
        callbacks = [*(callbacks or []), ResetCovarianceCallback()]
        return super().fit(*args, callbacks=callbacks, **kwargs)
