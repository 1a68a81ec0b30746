"""Keras callbacks for Gaussian process layers that sum their covariance while training."""

import keras

from keras_sngp.posterior_pass import gaussian_process_layers


class ResetCovarianceCallback(keras.callbacks.Callback):
    """Resets the covariance at the start of each epoch, and makes it ready for use after training.

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
