"""The studies of quality on small data: what networks are trained on, and the way from there to the table."""

import dataclasses
from argparse import Namespace

import keras
import numpy as np
import pytest

from benchmarks.quality import images, run_study, study
from benchmarks.quality.augmented_images import AugmentedImages
from benchmarks.quality.detectors import settings_tried
from benchmarks.quality.methods import methods_of
from benchmarks.quality.study import DENSE, SNGP, Settings, Study
from benchmarks.results import read_results, write_results
from keras_sngp.metrics.detectors import DETECTORS

QUICK = Settings(epochs=5, learning_rate=1e-2, residual_blocks=0, num_inducing=64)


def blobs(generator, rows):
    labels = generator.integers(0, 3, rows)
    return (3 * np.eye(3, 4)[labels] + generator.normal(size=(rows, 4))).astype("float32"), labels


@pytest.fixture
def blobs_study():
    generator = np.random.default_rng(0)

    def make_classifier(_):
        inputs = keras.Input((4,))
        return keras.Model(inputs, study.residual_head(inputs, 3, num_blocks=1, width=16))

    return Study(
        name="blobs",
        title="Blobs",
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
    )


def test_shuffled_tiles_are_the_same_pixels_in_other_places():
    pictures = np.arange(2 * 8 * 8 * 3, dtype="uint8").reshape(2, 8, 8, 3)
    shuffled = images.shuffled_tiles(pictures)
    assert shuffled.shape == pictures.shape
    assert (shuffled != pictures).mean() > 0.5
    for image, other in zip(pictures, shuffled, strict=True):
        np.testing.assert_array_equal(np.sort(other.ravel()), np.sort(image.ravel()))
    np.testing.assert_array_equal(shuffled[0, :2, :2].ravel() - shuffled[0, 0, 0, 0], pictures[0, :2, :2].ravel())


def test_augmented_images_are_shifted_and_half_of_them_mirrored():
    rows = 400
    pictures = np.broadcast_to(np.arange(32, dtype="float32")[None, None, :, None], (rows, 32, 32, 1))
    changed, labels = AugmentedImages(pictures, np.arange(rows), rows, seed=0, augmented=True)[0]
    assert sorted(labels) == list(range(rows))
    rising = changed[:, 0, 20, 0] > changed[:, 0, 10, 0]
    assert 0.4 < rising.mean() < 0.6
    assert set(changed[rising, 0, 16, 0] - 16) == set(range(-4, 5))
    plain = AugmentedImages(pictures, np.arange(rows), rows, seed=0, augmented=False)
    np.testing.assert_array_equal(plain[0][0], pictures)


def test_known_classes_are_numbered_anew_and_the_others_kept_apart():
    part = np.arange(10)[:, None], np.arange(10)
    pictures, labels = images.of_known_classes(part)
    assert pictures.ravel().tolist() == [0, 1, 2, 4, 5, 9]
    assert labels.tolist() == [0, 1, 2, 3, 4, 5]
    assert images.of_other_classes(part).ravel().tolist() == [3, 6, 7, 8]


def test_a_network_of_two_learning_rates_has_the_mean_of_their_weights(blobs_study):
    rates = 1e-2, 1e-3
    chosen = [dataclasses.replace(QUICK, epochs=2, learning_rate=rate) for rate in rates]
    alone = [study.train(blobs_study, one, DENSE, 0) for one in chosen]
    both = study.train(dataclasses.replace(blobs_study, further_learning_rates=rates[1:]), chosen[0], DENSE, 0)
    for weight, *parts in zip(*(one.trainable_weights for one in (both, *alone)), strict=True):
        first, second = map(keras.ops.convert_to_numpy, parts)
        np.testing.assert_allclose(weight, (first + second) / 2, rtol=1e-5, atol=1e-6)


def test_a_study_from_training_to_the_table(blobs_study, tmp_path, monkeypatch, capsys):
    shifts = {("noise", 1): blobs_study.test[0][:50] + 1}
    with_shift = dataclasses.replace(blobs_study, shifts=shifts)
    options = Namespace(work_dir=tmp_path / "work", results_dir=tmp_path, seeds=None, epochs=None)
    options.tried = ["SNGP", "gp_kernel_scale=2.0", "epochs=1"]
    run_study.run(with_shift, QUICK, options)
    options.tried = None
    run_study.run(with_shift, QUICK, options)
    results = read_results(tmp_path / "blobs.json")
    assert [(trial["network"], trial["gp_kernel_scale"], trial["epochs"]) for trial in results["tried"]] == [
        ("SNGP", 2.0, 1)
    ]
    records = results["records"]
    methods = ["deterministic", "deterministic, temperature", "MC dropout (10)", "last-layer Laplace", "DDU", "SNGP"]
    assert list(dict.fromkeys(record["method"] for record in records)) == methods
    of_sngp = [record for record in records if record["method"] == "SNGP"]
    (test,) = (record for record in of_sngp if record["data"] == "test")
    assert test["accuracy"] > 0.7
    (far,) = (record for record in of_sngp if record["data"] == "far" and record["score"] == "variance")
    assert far["auroc"] > 0.95
    assert [record["strength"] for record in of_sngp if "strength" in record] == [0, 1]
    assert sum(record.get("chosen", False) for record in of_sngp) == 1
    assert results["latency"]["deterministic"] == 1
    found = {(one["features"], one["detector"]): one for one in results["detectors"]}
    assert set(found) == {(features, name) for features in ("deterministic", "SNGP") for name in DETECTORS}
    assert found["deterministic", "mahalanobis"]["auroc"] > 0.95
    assert found["SNGP", "knn"]["setting"]["num_neighbors"] in (1, 10, 50)
    printed = capsys.readouterr().out
    assert "| SNGP |" in printed
    assert "| mahalanobis |" in printed

    monkeypatch.setattr(study, "train", None)
    run_study.run(with_shift, QUICK, options)
    again = read_results(tmp_path / "blobs.json")
    assert (again["records"], again["detectors"]) == (records, results["detectors"])


def test_answers_are_made_again_from_the_kept_network_and_of_no_other_settings(blobs_study, tmp_path, monkeypatch):
    first = dict(study.answers(blobs_study, QUICK, SNGP, 0, tmp_path))
    monkeypatch.setattr(study, "train", None)
    (file,) = tmp_path.rglob("SNGP-0.npz")
    file.unlink()
    again = dict(study.answers(blobs_study, QUICK, SNGP, 0, tmp_path))
    assert first.keys() == again.keys()
    for name, array in first.items():
        np.testing.assert_allclose(again[name], array, rtol=1e-5, atol=1e-6, err_msg=name)
    others = dataclasses.replace(QUICK, epochs=6)
    with pytest.raises(ValueError, match=r"must have the settings .*epochs=6.* Received: .*'epochs': 5"):
        study.answers(blobs_study, others, SNGP, 0, tmp_path)


def test_no_more_than_ten_thousand_training_rows_are_kept(blobs_study):
    x, labels = blobs_study.training
    large = dataclasses.replace(blobs_study, training=(np.tile(x, (50, 1)), np.tile(labels, 50)))
    rows, chosen = large.fitting_rows()
    assert len(rows) == len(chosen) == study.FEATURE_ROWS
    np.testing.assert_array_equal(blobs_study.fitting_rows()[0], x)


def test_every_detector_with_settings_has_three():
    tried = {name: settings_tried(name, width=64, classes=10) for name in DETECTORS}
    assert {len(one) for one in tried.values()} == {1, 3}
    assert tried["vim"] == [{"num_components": number} for number in (16, 32, 48)]
    assert tried["gen"] == [{"num_classes": number} for number in (1, 5, 10)]
    assert tried["energy"] == [{}]


def keep_random_answers(asked, kind, number, folder):
    """Writes what a network may have said, so that none is trained."""
    generator = np.random.default_rng(number)
    quantities = {"features": 4, "logits": 3}
    if kind == SNGP:
        quantities |= {f"{study.PROCESS} probabilities": 3, f"{study.PROCESS} variance": 0}
    else:
        quantities |= {f"{study.LAPLACE} probabilities": 3, f"{study.LAPLACE} variance": 3}
    if kind == DENSE and asked.has_every_method(number):
        quantities |= {f"{study.DROPOUT} probabilities": 3, f"{study.DROPOUT} mutual information": 0}
    questions = asked.questions() | {"training": asked.training[0]}
    arrays = {
        f"{question}/{name}": generator.random((len(inputs), width) if width else len(inputs), "float32")
        for question, inputs in questions.items()
        for name, width in quantities.items()
    }
    file = folder / asked.name / f"{kind}-{number}.npz"
    write_results(file.with_suffix(".json"), {"seconds": 1.0, "settings": dataclasses.asdict(QUICK)})
    file.with_suffix(".keras").touch()
    np.savez(file, seconds=1.0, **arrays)


def test_only_complete_seeds_have_every_method(blobs_study, tmp_path):
    two_seeds = dataclasses.replace(blobs_study, seeds=2, complete_seeds=1, members=2, process_members=2)
    for kind in (DENSE, SNGP):
        for number in range(2):
            keep_random_answers(two_seeds, kind, number, tmp_path)
    first, second = (methods_of(two_seeds, QUICK, seed, tmp_path) for seed in range(2))
    plain = ["deterministic", "deterministic, temperature"]
    others = ["last-layer Laplace", "DDU"]
    assert list(first) == [*plain, "MC dropout (10)", *others, "deep ensemble (2)", "SNGP", "SNGP ensemble (2)"]
    assert list(second) == [*plain, *others, "SNGP"]
    assert first["SNGP ensemble (2)"].training_seconds == 2
    probabilities = first["SNGP ensemble (2)"].answer("test").probabilities
    members = [methods["SNGP"].answer("test").probabilities for methods in (first, second)]
    np.testing.assert_allclose(probabilities, np.mean(members, axis=0), rtol=1e-6)


def test_an_sngp_that_is_calibrated_with_altered_rows_is_less_sure_far_from_its_data(blobs_study, tmp_path):
    altered = blobs_study.validation[0][::-1] + 20
    with_altered = dataclasses.replace(blobs_study, out_of_domain_validation=altered, altered_rows=32)
    found = methods_of(with_altered, QUICK, 0, tmp_path)
    answers = {name: method.answer("far") for name, method in found.items()}
    confidence = {name: answer.probabilities.max(axis=1).mean() for name, answer in answers.items()}
    assert confidence["SNGP, calibrated for shift"] < confidence["SNGP"]
    assert confidence["deterministic, temperature for shift"] < confidence["deterministic, temperature"]
    classes = {name: answer.probabilities.argmax(axis=1) for name, answer in answers.items()}
    np.testing.assert_array_equal(classes["SNGP, calibrated for shift"], classes["SNGP"])
