"""The benchmark of quality: its pages, what the figures must show, and the way there on small data."""

import dataclasses
import importlib
import json
import sys
from argparse import Namespace
from pathlib import Path

import keras
import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks" / "quality"


@pytest.fixture
def module(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module


@pytest.mark.parametrize("name", ["quality_page", "choosing_page", "readme_table"])
def test_pages_show_what_was_measured(name, module):
    page = module(name)
    assert page.PAGE.read_text() == page.render()


def mean_figures(name, method):
    study = json.loads((FOLDER / "results" / f"{name}.json").read_text())
    rows = [row for row in study["rows"] if row["method"] == method]
    other = next(iter(rows[0]["out_of_domain"]))
    figures = [row["test"] | row["out_of_domain"][other][row["score"]] for row in rows]
    return {figure: np.mean([row[figure] for row in figures]) for figure in figures[0]}


def test_an_sngp_on_the_frozen_encoder_beats_the_deterministic_network_and_the_ensemble():
    sngp, plain, ensemble = (
        mean_figures("clinc150-frozen", method) for method in ("SNGP", "deterministic", "deep ensemble (10)")
    )
    assert sngp["accuracy"] >= 0.953
    assert sngp["ece"] <= 0.012
    assert sngp["auroc"] >= max(0.978, ensemble["auroc"], plain["auroc"])
    assert sngp["aupr"] >= max(0.905, ensemble["aupr"], plain["aupr"])


def test_an_sngp_on_the_fine_tuned_encoder_beats_the_deterministic_network():
    sngp, plain = (mean_figures("clinc150-fine-tuned", method) for method in ("SNGP", "deterministic"))
    assert sngp["accuracy"] >= max(0.966, plain["accuracy"])
    assert sngp["auroc"] >= max(0.980, plain["auroc"])
    assert sngp["aupr"] >= max(0.92, plain["aupr"])


def test_an_sngp_on_clothes_finds_digits_better_than_the_deterministic_network_and_the_ensemble():
    sngp, plain, ensemble = (
        mean_figures("fashion-mnist", method) for method in ("SNGP", "deterministic", "deep ensemble (5)")
    )
    assert sngp["accuracy"] >= plain["accuracy"] - 0.003
    assert sngp["auroc"] >= max(0.97, plain["auroc"], ensemble["auroc"])


def test_shuffled_tiles_are_the_same_pixels_in_other_places(module):
    images = np.arange(2 * 8 * 8 * 3, dtype="uint8").reshape(2, 8, 8, 3)
    shuffled = module("image_studies").shuffled_tiles(images)
    assert shuffled.shape == images.shape
    assert (shuffled != images).mean() > 0.5
    for image, other in zip(images, shuffled, strict=True):
        np.testing.assert_array_equal(np.sort(other.ravel()), np.sort(image.ravel()))
    np.testing.assert_array_equal(shuffled[0, :2, :2].ravel() - shuffled[0, 0, 0, 0], images[0, :2, :2].ravel())


def test_augmented_images_are_shifted_and_half_of_them_mirrored(module):
    rows = 400
    images = np.broadcast_to(np.arange(32, dtype="float32")[None, None, :, None], (rows, 32, 32, 1))
    batches = module("augmented_images").AugmentedImages(images, np.arange(rows), rows, seed=0, augmented=True)
    changed, labels = batches[0]
    assert sorted(labels) == list(range(rows))
    rising = changed[:, 0, 20, 0] > changed[:, 0, 10, 0]
    assert 0.4 < rising.mean() < 0.6
    shifts = changed[rising, 0, 16, 0] - 16
    assert set(shifts) == set(range(-4, 5))
    plain = module("augmented_images").AugmentedImages(images, np.arange(rows), rows, seed=0, augmented=False)
    np.testing.assert_array_equal(plain[0][0], images)


def test_known_classes_are_numbered_anew_and_the_others_kept_apart(module):
    open_set = module("cifar10_open_set")
    part = np.arange(10)[:, None], np.arange(10)
    images, labels = open_set.of_known_classes(part)
    assert images.ravel().tolist() == [0, 1, 2, 4, 5, 9]
    assert labels.tolist() == [0, 1, 2, 3, 4, 5]
    assert open_set.of_other_classes(part).ravel().tolist() == [3, 6, 7, 8]


def blobs(generator, rows):
    labels = generator.integers(0, 3, rows)
    return (3 * np.eye(3, 4)[labels] + generator.normal(size=(rows, 4))).astype("float32"), labels


def make_study(study, **parts):
    generator = np.random.default_rng(0)

    def make_classifier(_):
        inputs = keras.Input((4,))
        hidden = keras.layers.Dropout(0.1)(keras.layers.Dense(16, activation="relu")(inputs))
        return keras.Model(inputs, keras.layers.Dense(3)(hidden))

    return study.Study(
        name="blobs",
        title="Blobs",
        description="Three blobs.",
        seeds=1,
        members=1,
        process_members=1,
        ablations=False,
        make_classifier=make_classifier,
        training=blobs(generator, 256),
        validation=blobs(generator, 128),
        test=blobs(generator, 128),
        out_of_domain={"far": generator.normal(20, 1, (64, 4)).astype("float32")},
        out_of_domain_validation=generator.normal(-20, 1, (64, 4)).astype("float32"),
        **parts,
    )


class InterruptedBatches(keras.utils.PyDataset):
    """Counts its batches, and stops the training before the one with the number `last`."""

    def __init__(self, x, y, last=None):
        super().__init__()
        self.x, self.y, self.last, self.given = x, y, last, 0

    def __len__(self):
        return 4

    def __getitem__(self, number):
        if self.given == self.last:
            raise RuntimeError("stopped here")
        self.given += 1
        rows = slice(64 * number, 64 * number + 64)
        return self.x[rows], self.y[rows]


def test_training_goes_on_from_the_last_epoch(module, tmp_path):
    study, settings = module("study"), module("settings")
    chosen = settings.Settings(epochs=5, learning_rate=1e-2, residual_blocks=0, batch_size=64, num_inducing=64)
    given = []

    def batches(last):
        x, y = make_study(study).training

        def make(batch_size, seed, augmented):
            given.append(InterruptedBatches(x, y, last))
            return given[-1]

        return make

    with pytest.raises(Exception, match="stopped here"):
        study.train(make_study(study, batches=batches(14)), chosen, study.SNGP, 0, tmp_path / "checkpoint")
    model = study.train(make_study(study, batches=batches(None)), chosen, study.SNGP, 0, tmp_path / "checkpoint")
    _, resumed, posterior = given
    assert resumed.given < 4 * 3
    assert 4 <= posterior.given < 8
    assert model.gaussian_process.rows_seen == 256


def test_a_network_of_two_learning_rates_has_the_mean_of_their_weights(module, tmp_path):
    study, settings = module("study"), module("settings")
    small = make_study(study, batches=lambda *_: InterruptedBatches(*make_study(study).training))
    rates = 1e-2, 1e-3
    chosen = [settings.Settings(epochs=2, learning_rate=rate, residual_blocks=0, num_inducing=64) for rate in rates]
    alone = [study.train(small, one, study.SNGP, 0) for one in chosen]
    both = dataclasses.replace(small, further_learning_rates=rates[1:])
    model = study.train(both, chosen[0], study.SNGP, 0)
    for weight, *parts in zip(*(one.trainable_weights for one in (model, *alone)), strict=True):
        first, second = map(keras.ops.convert_to_numpy, parts)
        np.testing.assert_allclose(weight, (first + second) / 2, rtol=1e-5, atol=1e-6)
    found = study.answers(both, chosen[0], study.SNGP, 0, tmp_path)
    logits = model.predict_distribution(small.test[0]).logits
    np.testing.assert_allclose(found["test/logits"], logits, rtol=1e-4, atol=1e-4)
    assert not np.allclose(logits, alone[0].predict_distribution(small.test[0]).logits, atol=1e-2)
    assert [file.name for file in (tmp_path / "blobs").iterdir()] == ["SNGP-0.npz"]


def test_a_study_from_training_to_the_table(module, tmp_path, monkeypatch, capsys):
    runner, study, settings = module("run_study"), module("study"), module("settings")
    monkeypatch.setattr(runner, "RESULTS", tmp_path)
    monkeypatch.setattr(runner, "write_pages", lambda: None)
    small = make_study(study)
    chosen = settings.Settings(epochs=5, learning_rate=1e-2, residual_blocks=0, num_inducing=64)
    options = Namespace(work_dir=tmp_path / "work", seeds=None, train_only=False, trials_only=False)
    runner.run(small, chosen, [(study.SNGP, chosen)], options)
    results = json.loads((tmp_path / "blobs.json").read_text())
    rows = {row["method"]: row for row in results["rows"]}
    assert list(rows) == ["deterministic", "deterministic, temperature", "MC dropout (10)", "SNGP"]
    assert rows["SNGP"]["test"]["accuracy"] > 0.7
    assert rows["SNGP"]["out_of_domain"]["far"]["variance"]["auroc"] > 0.95
    assert results["latency"]["deterministic"] == 1
    assert results["tried"][0]["network"] == "SNGP"
    assert "| SNGP |" in capsys.readouterr().out

    monkeypatch.setattr(sys.modules["study"], "train", None)
    runner.run(small, chosen, [(study.SNGP, chosen)], options)
    assert json.loads((tmp_path / "blobs.json").read_text())["rows"] == results["rows"]


def test_only_complete_seeds_have_every_method(module, tmp_path):
    study, settings, methods_of = module("study"), module("settings"), module("methods").methods_of
    two_seeds = dataclasses.replace(make_study(study), seeds=2, complete_seeds=1, members=2, process_members=2)
    chosen = settings.Settings(epochs=1, learning_rate=1e-2, residual_blocks=0, num_inducing=16)
    first, second = (methods_of(two_seeds, chosen, seed, tmp_path) for seed in range(2))
    plain = ["deterministic", "deterministic, temperature"]
    assert list(first) == [*plain, "MC dropout (10)", "deep ensemble (2)", "SNGP", "SNGP ensemble (2)"]
    assert list(second) == [*plain, "SNGP"]
    rows = [{"method": name, "seed": seed} for seed, methods in enumerate((first, second)) for name in methods]
    counted = module("quality_page").counted_seeds({"rows": rows})
    assert counted == "2 seeds (MC dropout (10) 1, deep ensemble (2) 1, SNGP ensemble (2) 1)"
    assert len(first["SNGP ensemble (2)"].networks) == 2
    assert second["SNGP"].networks[0].keys() == first["SNGP"].networks[0].keys()


def test_an_sngp_that_is_calibrated_with_altered_rows_is_less_sure_far_from_its_data(module, tmp_path):
    study, settings, methods = module("study"), module("settings"), module("methods")
    blobs_study = make_study(study)
    altered = blobs_study.validation[0][::-1] + 20
    with_altered = dataclasses.replace(blobs_study, out_of_domain_validation=altered, altered_rows=32)
    chosen = settings.Settings(epochs=5, learning_rate=1e-2, residual_blocks=0, num_inducing=64)
    found = methods.methods_of(with_altered, chosen, 0, tmp_path)
    answers = {name: method.answer("far") for name, method in found.items()}
    confidence = {name: answer.probabilities.max(axis=1).mean() for name, answer in answers.items()}
    assert confidence["SNGP, calibrated for shift"] < confidence["SNGP"]
    assert confidence["deterministic, temperature for shift"] < confidence["deterministic, temperature"]
    classes = {name: answer.probabilities.argmax(axis=1) for name, answer in answers.items()}
    np.testing.assert_array_equal(classes["SNGP, calibrated for shift"], classes["SNGP"])


def test_an_sngp_on_photographs_beats_the_deterministic_network_and_is_less_sure_the_more_they_are_blurred(module):
    study = json.loads((FOLDER / "results" / "cifar10-resnet-20.json").read_text())
    sngp, plain = (mean_figures("cifar10-resnet-20", method) for method in ("SNGP", "deterministic"))
    assert sngp["accuracy"] > plain["accuracy"]
    assert sngp["nll"] < plain["nll"]
    assert sngp["ece"] < plain["ece"]
    page = module("quality_page")
    uncertainty = [page.shift_mean(study, "SNGP", "blur", number, "uncertainty") for number in range(6)]
    assert uncertainty == sorted(uncertainty)
    errors = {
        method: [page.shift_mean(study, method, kind, 5, "ece") for kind in ("noise", "blur")]
        for method in ("SNGP, calibrated for shift", "deterministic, temperature for shift")
    }
    ours, theirs = errors.values()
    assert all(own < other for own, other in zip(ours, theirs, strict=True))
