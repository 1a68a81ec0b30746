"""OpenOOD's protocol on small images: its splits and lists, resumed training, and what its figures mean."""

import dataclasses

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from benchmarks.architectures.resnet18 import FEATURES, make_resnet_18
from benchmarks.data import openood
from benchmarks.quality import openood as study
from benchmarks.quality.openood_detectors import DETECTORS, TRIALS
from benchmarks.quality.openood_scores import Score, figures, out_of_domain_records, score_of_detector
from benchmarks.quality.resumable_training import EpochImages, Recipe, plain_logits, standardised, train
from benchmarks.results import read_results

RECIPE = Recipe(epochs=3, batch_size=16)


def small_resnet():
    return make_resnet_18(widths=(4, 8))


@pytest.fixture
def photographs():
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (48, 32, 32, 3)).astype("uint8"), generator.integers(0, 10, 48)


class StopsAfter(keras.callbacks.Callback):
    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_train_batch_end(self, batch, logs=None):
        self.batches -= 1
        if self.batches == 0:
            raise KeyboardInterrupt


def new_network(kind):
    keras.utils.set_random_seed(0)
    return study.make_network(kind, small_resnet)


def numbers(model):
    return [keras.ops.convert_to_numpy(variable).copy() for variable in model.variables]


@pytest.mark.parametrize("kind", [study.PLAIN, pytest.param(study.SNGP, marks=pytest.mark.long)])
def test_a_training_stopped_within_an_epoch_ends_as_one_that_was_not(tmp_path, photographs, kind):
    whole, stopped, resumed = (new_network(kind) for _ in range(3))
    reached = train(whole, photographs, photographs, RECIPE, 0, tmp_path / "whole.npz")
    with pytest.raises(KeyboardInterrupt):
        train(stopped, photographs, photographs, RECIPE, 0, tmp_path / "stopped.npz", [StopsAfter(5)])
    with np.load(tmp_path / "stopped.npz") as checkpoint:
        assert checkpoint["numbers"][0] == 1
    reached_again = train(resumed, photographs, photographs, RECIPE, 0, tmp_path / "stopped.npz")
    assert {**reached, "seconds": 0} == {**reached_again, "seconds": 0}
    for one, other in zip(numbers(whole), numbers(resumed), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path, photographs):
    train(small_resnet(), photographs, photographs, Recipe(epochs=1), 0, tmp_path / "one.npz")
    with pytest.raises(ValueError, match=r"one.npz must be .*\"epochs\": 2.* Received: .*\"epochs\": 1"):
        train(small_resnet(), photographs, photographs, Recipe(epochs=2), 0, tmp_path / "one.npz")


def test_the_best_epoch_is_the_last_one_with_the_largest_accuracy(tmp_path, photographs):
    model = new_network(study.PLAIN)
    reached = train(model, photographs, photographs, RECIPE, 0, tmp_path / "best.npz")
    images, labels = photographs
    assert (plain_logits(model, images).argmax(axis=1) == labels).mean() == pytest.approx(reached["best accuracy"])


def test_the_first_step_is_that_of_sgd_with_the_decay_in_its_gradient(tmp_path):
    images, labels = np.zeros((8, 32, 32, 3), "uint8"), np.zeros(8, "int64")
    recipe = Recipe(epochs=1, batch_size=8)
    ends = []
    for decay in (0.0, 0.5):
        model = new_network(study.PLAIN)
        before = keras.ops.convert_to_numpy(model.get_layer("logits").kernel).copy()
        own = dataclasses.replace(recipe, weight_decay=decay)
        train(model, (images, labels), (images, labels), own, 0, tmp_path / f"{decay}.npz")
        ends.append(keras.ops.convert_to_numpy(model.get_layer("logits").kernel))
    steps = (1 + recipe.momentum) * recipe.learning_rate
    np.testing.assert_allclose(ends[0] - ends[1], steps * 0.5 * before, atol=1e-5)


def test_batches_belong_to_seed_and_epoch_and_are_shifted_over_black(photographs):
    images, labels = photographs
    batches, again = (EpochImages(images, labels, 20, seed=3) for _ in range(2))
    batches.start_epoch(5)
    first = [batches[number] for number in range(len(batches))]
    again.start_epoch(5)
    for number in (2, 0, 1):
        np.testing.assert_array_equal(again[number][0], first[number][0])
    assert sorted(np.concatenate([given for _, given in first])) == sorted(labels)
    again.start_epoch(6)
    assert (again[0][0] != first[0][0]).any()
    white = EpochImages(np.full((64, 32, 32, 3), 255, "uint8"), np.zeros(64, "int64"), 64, seed=0)
    values = np.unique(white[0][0][..., 0])
    np.testing.assert_allclose(values, [(0 - 0.4914) / 0.2470, (1 - 0.4914) / 0.2470], rtol=1e-5)


def test_resnet_18_has_the_parameters_and_features_of_openoods():
    model = make_resnet_18()
    assert sum(np.prod(variable.shape) for variable in model.trainable_variables) == 11_173_962
    assert model.get_layer(FEATURES).output.shape == (None, 512)


def test_test_images_are_split_into_1000_and_9000_with_equal_classes():
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(100), 100))
    kept, tested = openood.split_of(labels)
    assert (len(kept), len(tested)) == (1_000, 9_000)
    assert set(np.bincount(labels[kept])) == {10}
    np.testing.assert_array_equal(np.sort(np.concatenate([kept, tested])), np.arange(10_000))


def test_lists_of_openood_are_read_with_other_sizes_scaled_and_cut(tmp_path):
    for name, size, colour in (("a.png", (32, 32), 10), ("b.png", (28, 28), 20), ("c c.png", (90, 64), 30)):
        (tmp_path / "images" / "set").mkdir(parents=True, exist_ok=True)
        Image.new("L", size, colour).save(tmp_path / "images" / "set" / name)
    (tmp_path / "list.txt").write_text("set/a.png 3\nset/b.png -1\nset/c c.png 0\n")
    images, labels = openood.read_list(tmp_path / "list.txt", tmp_path / "images")
    assert images.shape == (3, 32, 32, 3)
    assert images[:, 5, 5].tolist() == [[10] * 3, [20] * 3, [30] * 3]
    assert labels.tolist() == [3, -1, 0]


def test_a_list_with_an_image_that_is_not_there_is_refused(tmp_path):
    (tmp_path / "list.txt").write_text("none.png 0\n")
    with pytest.raises(ValueError, match=r"list.txt must hold a path below .* Received: FileNotFoundError"):
        openood.read_list(tmp_path / "list.txt", tmp_path)


UNCERTAINTIES = st.lists(st.integers(0, 9), min_size=1, max_size=30)


@settings(deadline=None, max_examples=50)
@given(UNCERTAINTIES, UNCERTAINTIES)
def test_figures_are_those_of_openood_by_brute_force(inside, outside):
    pairs = [(out > one) + 0.5 * (out == one) for one in inside for out in outside]
    thresholds = sorted(set(inside + outside), reverse=True)
    flagged = ((sum(one >= limit for one in inside), sum(out >= limit for out in outside)) for limit in thresholds)
    first = next(wrong for wrong, right in flagged if right / len(outside) >= 0.95)
    found = figures(np.array(inside, float), np.array(outside, float))
    assert found["auroc"] == pytest.approx(np.mean(pairs))
    assert found["fpr95"] == pytest.approx(first / len(inside))


def test_near_and_far_are_plain_means_over_the_sets_there_are():
    values = {"test": [0.1, 0.2], "a": [0.3], "b": [0.15, 0.0, 0.15]}
    score = Score("given", lambda name: np.array(values[name]))
    records = list(out_of_domain_records(score, {"near": ["a", "b"], "far": []}))
    assert [record["data"] for record in records] == ["a", "b", "near"]
    assert records[2]["sets"] == 2
    assert records[2]["auroc"] == pytest.approx((1 + 1 / 3) / 2)


class Distance:
    """The distance of the features from the mean of the training ones, or minus that."""

    def __init__(self, sign):
        self.sign = sign

    def fit(self, *, features, logits, labels):
        self.mean = features.mean(axis=0)
        return self

    def score(self, *, features, logits):
        return self.sign * np.linalg.norm(features - self.mean, axis=1)


def test_every_setting_that_is_tried_is_one_of_the_detector():
    assert set(TRIALS) <= set(DETECTORS)
    for name, trials in TRIALS.items():
        for trial in trials:
            assert vars(DETECTORS[name](**trial)).items() >= trial.items()


def test_settings_of_a_detector_are_chosen_on_validation_data():
    generator = np.random.default_rng(0)
    network = {f"{name}/features": generator.normal(size=(20, 2)) for name in ("training", "validation", "test")}
    network |= {"out-of-domain validation/features": np.full((5, 2), 9.0)}
    network |= {name.replace("features", "logits"): array for name, array in network.items()}
    score = score_of_detector("distance", Distance, [{"sign": -1}, {"sign": 1}], network, {"training": np.zeros(20)})
    assert (score.settings, score.tried) == ({"sign": 1}, 2)
    assert score.of("test").shape == (20,)


@pytest.fixture
def small_data(photographs):
    generator = np.random.default_rng(1)
    images, labels = photographs
    far = generator.integers(0, 2, (30, 32, 32, 3)).astype("uint8")
    sources = {"train": "made here", "test": "split by us"}
    return openood.OpenOODCifar10(
        photographs, photographs, (images[:24], labels[:24]), far[:20], {"CIFAR-100": far}, {}, sources, ("SVHN",)
    )


def test_the_study_says_what_is_missing_and_goes_on_from_its_answers(tmp_path, monkeypatch, capsys, small_data):
    monkeypatch.setattr(openood, "load", lambda data_dir: small_data)
    given = ["--epochs", "1", "--seeds", "0", "--work-dir", str(tmp_path), "--results-dir", str(tmp_path / "results")]
    results = study.run(study.arguments(given), small_resnet)
    printed = capsys.readouterr().out
    assert "MISSING: SVHN" in printed
    assert "OWN SPLIT" in printed
    assert results["missing"] == ["SVHN"]
    assert {record["network"] for record in results["records"]} == {"plain", "sngp"}
    with np.load(tmp_path / "sngp-0-answers.npz") as answers:
        assert answers["CIFAR-100/features"].shape == (30, 8)
        assert (answers["test/variance"] > 0).all()
    again = study.run(study.arguments(given), small_resnet)
    assert "epoch" not in capsys.readouterr().out
    assert again["records"] == results["records"]
    assert read_results(tmp_path / "results" / "openood-cifar10.json") == again


def test_a_try_needs_a_folder_of_its_own_for_results(capsys):
    with pytest.raises(SystemExit):
        study.arguments(["--rows", "10"])
    assert "needs a --results-dir" in capsys.readouterr().err


def test_images_are_standardised_by_channel():
    grey = standardised(np.full((1, 2, 2, 3), 255, "uint8"))
    np.testing.assert_allclose(grey[0, 0, 0], [(1 - 0.4914) / 0.2470, (1 - 0.4822) / 0.2435, (1 - 0.4465) / 0.2616])


class Refusing(Distance):
    reason = "The logits must be linear in the features. Received: others"

    def fit(self, *, features, logits, labels):
        raise ValueError(self.reason)


def test_detectors_are_rows_and_one_that_refuses_says_why(tmp_path, monkeypatch, small_data):
    monkeypatch.setattr(study, "DETECTORS", {"distance": Distance, "refusing": Refusing})
    monkeypatch.setattr(study, "TRIALS", {"distance": [{"sign": 1}], "refusing": [{"sign": 1}]})
    file = study.answers(study.PLAIN, 0, small_data, Recipe(epochs=1), tmp_path, small_resnet)
    with np.load(file) as network:
        records = list(study.records_of(network, small_data))
    assert {"data": "refused", "score": "refusing", "reason": Refusing.reason} in records
    assert [record["data"] for record in records if record.get("score") == "distance"] == ["CIFAR-100", "near"]
