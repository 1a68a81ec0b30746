import base64
import json
import re

import keras
import numpy as np
import pytest
from matplotlib.image import imread

import keras_sngp as sngp
from keras_sngp import two_moons as data
from keras_sngp.metrics import expected_calibration_error
from keras_sngp_cli.moons import experiment as two_moons
from keras_sngp_cli.moons.page import measures_table, write_report

MEASURES = {
    "test_accuracy",
    "test_nll",
    "test_ece",
    "test_brier",
    "ood_mean_confidence",
    "ood_auroc",
    "fit_seconds",
    "predict_seconds",
}


class RecordedProgress:
    def __init__(self):
        self.begun = []
        self.epochs = 0
        self.predictions = 0

    def begin(self, method, epochs):
        self.begun.append((method, epochs))

    def epoch_done(self):
        self.epochs += 1

    def predicting(self):
        self.predictions += 1


@pytest.fixture(scope="module")
def progress():
    return RecordedProgress()


@pytest.fixture(scope="module")
def result(progress):
    config = two_moons.Config(
        epochs=2, members=2, samples=3, num_layers=2, num_hidden=16, num_inducing=64, learning_rate=3e-3
    )
    return two_moons.run(config, progress)


def test_all_methods_are_measured_on_what_they_say(result):
    assert list(result.methods) == ["deterministic", "mc_dropout", "deep_ensemble", "sngp"]
    for name, method in result.methods.items():
        assert set(method.measures) == MEASURES | ({"variance_auroc"} if name == "sngp" else set())
        assert method.grid.probabilities.shape == (10_000, 2)
    x, y = result.data.x_test, result.data.y_test
    prediction = result.sngp.predict_distribution(x)
    measures = result.methods["sngp"].measures
    chosen = prediction.probabilities[np.arange(len(y)), y]
    assert measures["test_accuracy"] == pytest.approx((prediction.labels == y).mean())
    assert measures["test_nll"] == pytest.approx(-np.log(chosen).mean(), rel=1e-3)
    assert measures["test_brier"] == pytest.approx(((1 - chosen) ** 2).mean(), rel=1e-3)
    far = result.sngp.predict_distribution(result.data.out_of_domain)
    assert measures["ood_mean_confidence"] == pytest.approx(far.max_probability.mean(), rel=1e-3)
    greater = far.variance[:, None] > prediction.variance[None]
    assert measures["variance_auroc"] == pytest.approx(greater.mean(), abs=1e-3)


def test_progress_is_told_of_every_epoch(result, progress):
    assert progress.begun == [("deterministic", 2), ("mc_dropout", 0), ("deep_ensemble", 4), ("sngp", 2)]
    assert progress.epochs == 8
    assert progress.predictions == 4


def test_training_and_test_data_differ(result):
    assert not {tuple(row) for row in result.data.x} & {tuple(row) for row in result.data.x_test}


def test_report_holds_the_pictures_the_numbers_and_the_model(result, tmp_path):
    paths = write_report(result, tmp_path)
    assert {path.name for path in paths} == {path.name for path in tmp_path.iterdir()}
    page = (tmp_path / "report.html").read_text()
    pictures = [base64.b64decode(code) for code in re.findall(r"data:image/png;base64,([^\"]+)", page)]
    on_disk = [(tmp_path / f"{name}.png").read_bytes() for name in ("comparison", *result.methods)]
    assert pictures == on_disk
    assert "http" not in re.sub(r"base64,[^\"]+", "", page)
    for row in measures_table(result).rows:
        for cell in row:
            assert f"<td>{cell}</td>" in page
    written = json.loads((tmp_path / "results.json").read_text())
    assert written["methods"]["sngp"] == result.methods["sngp"].measures
    assert written["config"]["epochs"] == 2
    assert written["versions"]["backend"] == keras.backend.backend()
    for name in result.methods:
        assert imread(tmp_path / f"{name}.png").std() > 0.05
    model = keras.models.load_model(tmp_path / "sngp.keras")
    np.testing.assert_allclose(
        model.predict_distribution(result.data.x_test).probabilities,
        result.sngp.predict_distribution(result.data.x_test).probabilities,
        atol=1e-6,
    )


@pytest.mark.long
def test_sngp_is_calibrated_near_the_data_and_unsure_far_away():
    config = two_moons.Config()
    keras.utils.set_random_seed(config.seed)
    backbone = sngp.DeepResNet(num_layers=config.num_layers, spec_norm_bound=config.spec_norm_bound)
    model = sngp.SNGP(backbone, 2, seed=config.seed)
    model.compile(
        keras.optimizers.Adam(config.learning_rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    model.fit(*data.make_training_data(), epochs=config.epochs, batch_size=config.batch_size, verbose=0)
    x_test, y_test = data.make_training_data(seed=two_moons.TEST_SEED_OFFSET)
    test = model.predict_distribution(x_test)
    far = model.predict_distribution(data.make_out_of_domain_data())
    assert (test.labels == y_test).mean() >= 0.998
    assert expected_calibration_error(test.probabilities, y_test) <= 0.02
    assert -np.log(test.probabilities[np.arange(len(y_test)), y_test]).mean() <= 0.03
    assert far.max_probability.mean() <= 0.56
    assert np.mean(far.variance[:, None] > test.variance[None]) >= 0.999
    assert np.mean(far.bernoulli_variance[:, None] > test.bernoulli_variance[None]) >= 0.999
