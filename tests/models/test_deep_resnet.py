import keras
import numpy as np
import pytest
from mathematics import count
from sklearn.metrics import roc_auc_score

import keras_sngp as sngp
import keras_sngp.layers as nlp_layers
from keras_sngp import two_moons
from keras_sngp.metrics import expected_calibration_error

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def test_parameter_counts_are_the_tutorials():
    model = sngp.DeepResNet(num_classes=2, num_layers=6, num_hidden=128)
    model(np.zeros((1, 2)))
    assert count(model.weights) == 99_714
    assert count(model.trainable_weights) == 99_330


def test_sngp_trains_the_tutorials_number_of_parameters():
    model = sngp.DeepResNetSNGP(num_classes=2, num_layers=6, num_hidden=128)
    model(np.zeros((1, 2)), training=True)
    assert count(model.trainable_weights) == 101_120
    assert count(model.dense_layers[0].weights) == 128 * 128 + 128 + 128 + 2


class TutorialResNet(keras.Model):
    """The class structure of the public tutorial; `training` is passed on as Keras needs it with JAX, and
    `hidden` is not changed in place, which PyTorch forbids."""

    def __init__(self, num_classes, num_layers=3, num_hidden=128, dropout_rate=0.1, **classifier_kwargs):
        super().__init__()
        self.num_hidden = num_hidden
        self.num_layers = num_layers
        self.dropout_rate = dropout_rate
        self.classifier_kwargs = classifier_kwargs
        self.input_layer = keras.layers.Dense(self.num_hidden, trainable=False)
        self.dense_layers = [self.make_dense_layer() for _ in range(num_layers)]
        self.classifier = self.make_output_layer(num_classes)

    def call(self, inputs, training=False):
        hidden = self.input_layer(inputs)
        for layer in self.dense_layers:
            residual = layer(hidden, training=training)
            hidden = hidden + keras.layers.Dropout(self.dropout_rate)(residual, training=training)
        return self.classifier(hidden, training=training)

    def make_dense_layer(self):
        return keras.layers.Dense(self.num_hidden, activation="relu")

    def make_output_layer(self, num_classes):
        return keras.layers.Dense(num_classes, **self.classifier_kwargs)


class TutorialSNGP(TutorialResNet):
    def __init__(self, spec_norm_bound=0.9, **kwargs):
        self.spec_norm_bound = spec_norm_bound
        super().__init__(**kwargs)
        self.dropout_layers = [keras.layers.Dropout(self.dropout_rate) for _ in range(self.num_layers)]

    def make_dense_layer(self):
        dense = super().make_dense_layer()
        return nlp_layers.SpectralNormalization(dense, norm_multiplier=self.spec_norm_bound)

    def make_output_layer(self, num_classes):
        return nlp_layers.RandomFeatureGaussianProcess(
            num_classes, gp_cov_momentum=-1, scale_random_features=True, **self.classifier_kwargs
        )

    def call(self, inputs, training=False, return_covmat=False):
        hidden = self.input_layer(inputs)
        for layer, dropout in zip(self.dense_layers, self.dropout_layers, strict=True):
            hidden = hidden + dropout(layer(hidden, training=training), training=training)
        logits, covmat = self.classifier(hidden, training=training)
        if not training and return_covmat:
            return logits, covmat
        return logits


class TutorialResetCallback(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch > 0:
            self.model.classifier.reset_covariance_matrix()


def test_the_tutorials_own_classes_count_each_row_once_and_give_a_covariance():
    x, y = two_moons.make_training_data(50)
    model = TutorialSNGP(num_classes=2, num_layers=2, num_hidden=16)
    model.compile(keras.optimizers.Adam(1e-2), LOSS)
    model.fit(x, y, batch_size=50, epochs=2, verbose=0, callbacks=[TutorialResetCallback()])
    logits, covmat = model(x, return_covmat=True)
    assert model.classifier.rows_seen == len(x)
    adjusted = nlp_layers.gaussian_process.mean_field_logits(logits, covmat, mean_field_factor=np.pi / 8)
    shrunk = (
        keras.ops.convert_to_numpy(logits)
        / np.sqrt(1 + np.pi / 8 * np.diag(keras.ops.convert_to_numpy(covmat)))[:, None]
    )
    np.testing.assert_allclose(keras.ops.convert_to_numpy(adjusted), shrunk, rtol=1e-4)


@pytest.mark.long
def test_the_tutorials_own_classes_behave_as_in_the_tutorial():
    x, y = two_moons.make_training_data(seed=0)
    x_test, y_test = two_moons.make_training_data(seed=1000)
    out_of_domain = two_moons.make_out_of_domain_data(seed=0)
    model = TutorialSNGP(num_classes=2, num_layers=6, num_hidden=128)
    model.compile(keras.optimizers.Adam(1e-4), LOSS, metrics=["accuracy"])
    model.fit(x, y, batch_size=128, epochs=100, verbose=0, callbacks=[TutorialResetCallback()])

    logits, covmat = model(np.concatenate([x_test, out_of_domain]), return_covmat=True)
    assert model.classifier.rows_seen == len(x)
    logits = nlp_layers.gaussian_process.mean_field_logits(logits, covmat, mean_field_factor=np.pi / 8)
    probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits, axis=-1))
    test, far = probabilities[: len(x_test)], probabilities[len(x_test) :]
    uncertainty = probabilities[:, 0] * probabilities[:, 1]
    is_far = np.repeat([0, 1], [len(test), len(far)])

    assert (test.argmax(axis=1) == y_test).mean() >= 0.998
    assert 0.04 < expected_calibration_error(test, y_test) < 0.11
    assert far.max(axis=1).mean() < 0.56
    assert roc_auc_score(is_far, uncertainty) > 0.998


def test_cov_reset_counts_each_row_once():
    x, y = two_moons.make_training_data(50)
    model = sngp.DeepResNetSNGPWithCovReset(2, num_layers=1, num_hidden=8, num_inducing=16, seed=0)
    model.compile("adam", LOSS)
    model.fit(x, y, epochs=3, verbose=0)
    assert model.classifier.rows_seen == 100
    assert model.classifier.posterior_state == sngp.PosteriorState.FITTED
    summed = sngp.DeepResNetSNGP(2, num_layers=1, num_hidden=8, num_inducing=16, seed=0)
    summed.compile("adam", LOSS)
    summed.fit(x, y, epochs=3, verbose=0)
    assert summed.classifier.rows_seen == 300
    prediction = model.predict_distribution(x[:7])
    logits, covmat = model(x[:7], return_covmat=True)
    np.testing.assert_allclose(prediction.variance, np.diag(keras.ops.convert_to_numpy(covmat)), rtol=1e-3)
    np.testing.assert_allclose(prediction.logits, keras.ops.convert_to_numpy(logits), rtol=1e-3, atol=1e-5)


class ForgetsTraining(keras.Model):
    def __init__(self):
        super().__init__()
        self.classifier = nlp_layers.RandomFeatureGaussianProcess(2, 8, gp_cov_momentum=-1, returns="logits")

    def call(self, inputs, training=False):
        return self.classifier(inputs, training=False)


def test_a_model_that_does_not_pass_training_on_is_told():
    x, y = two_moons.make_training_data(10)
    model = ForgetsTraining()
    model.compile("adam", LOSS)
    with pytest.raises(ValueError, match="never called with training=True"):
        model.fit(x, y, verbose=0, callbacks=[sngp.ResetCovarianceCallback()])


@pytest.mark.parametrize("make", [sngp.DeepResNet, sngp.DeepResNetSNGP, sngp.DeepResNetSNGPWithCovReset])
def test_config_and_file_round_trip(make, tmp_path):
    x, _ = two_moons.make_training_data(5)
    model = make(2, num_layers=2, num_hidden=8, dropout_rate=0.2)
    before = keras.ops.convert_to_numpy(model(x))
    assert make.from_config(model.get_config()).get_config() == model.get_config()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(loaded(x)), before)


def test_without_classes_it_gives_features():
    assert sngp.DeepResNet(num_layers=1, num_hidden=8)(np.zeros((3, 2))).shape == (3, 8)


def test_deterministic_prediction_is_the_softmax():
    x, _ = two_moons.make_training_data(20)
    model = sngp.DeepResNet(2, num_layers=1, num_hidden=8)
    logits = keras.ops.convert_to_numpy(model(x))
    prediction = model.predict_distribution(x)
    np.testing.assert_allclose(prediction.logits, logits, atol=1e-6)
    np.testing.assert_allclose(prediction.probabilities, keras.ops.softmax(logits), atol=1e-6)
