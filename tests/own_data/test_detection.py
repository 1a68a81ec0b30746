"""Detectors of a classifier: fitted in training, kept in its file, and asked by their names."""

import io

import numpy as np
import pyarrow as pa
import pytest
from animal_classifiers import changed, make_table

from keras_sngp import features_of
from keras_sngp._tables.blocks import Block
from keras_sngp.deferral import DeferralPolicy
from keras_sngp.metrics.detectors import DETECTORS, FROM_FEATURES, FROM_LOGITS
from keras_sngp.own_data import TrainingSettings, load_classifier, prepare, save_classifier, train
from keras_sngp.own_data.answers import answer_blocks
from keras_sngp.own_data.classifier import OF_PROBABILITIES
from keras_sngp.own_data.classifier_file import DETECTORS as DETECTORS_FILE
from keras_sngp.own_data.classifier_file import HELD_OUT

SETTINGS = TrainingSettings(epochs=6, batch_size=32)


@pytest.fixture(scope="module")
def data():
    return prepare(make_table(400, 0), "animal", SETTINGS)


@pytest.fixture(scope="module")
def classifier(data):
    return train(data, SETTINGS, detectors=tuple(FROM_FEATURES))


@pytest.fixture(scope="module")
def saved(classifier, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "animals.sngp"
    save_classifier(classifier, path)
    return path


def answers_of(classifier, table, score, **options):
    policy = classifier.policy(budget=0.2, score=score)
    return pa.concat_tables(answer_blocks(classifier, policy, [Block(table, 1)], score=score, **options))


@pytest.mark.parametrize("name", DETECTORS)
def test_each_detector_decides_and_has_a_column(name, classifier, data):
    new = make_table(60, 3)
    answers = answers_of(classifier, new, name)
    if name in OF_PROBABILITIES:
        assert name not in answers.column_names
        return
    x = classifier.inputs.read(new).values
    x_train, y_train = data.part(data.split.training)
    training, rows = (features_of(classifier.network, part)._asdict() for part in (x_train, x))
    settings = {"num_neighbors": min(50, np.bincount(y_train).min())} if name == "knn" else {}
    expected = DETECTORS[name](**settings).fit(**training, labels=y_train).score(**rows)
    spread = np.ptp(expected)
    for column in (name, "uncertainty"):
        np.testing.assert_allclose(answers[column], expected, rtol=1e-3, atol=1e-3 * spread)
    asked = np.asarray(answers["decision"]) == "defer"
    written = np.asarray(answers[name])
    assert not asked.any() or asked.all() or written[asked].min() >= written[~asked].max()


@pytest.mark.parametrize("name", [name for name in DETECTORS if name not in OF_PROBABILITIES])
def test_the_threshold_is_that_of_the_held_out_rows_scores(name, classifier, data):
    x, _ = data.part(data.split.held_out)
    rows = features_of(classifier.network, x)._asdict()
    detector = classifier.detectors.get(name) or DETECTORS[name]()
    own = detector.score(**rows)
    probabilities = classifier.held_out.probabilities
    expected = DeferralPolicy.for_budget(probabilities, 0.2, score="given", uncertainty=own)
    found = classifier.policy(budget=0.2, score=name)
    np.testing.assert_allclose(found.threshold, expected.threshold, rtol=1e-6)
    assert found.deferred > 0


def test_what_is_far_is_deferred_by_detectors_that_see_the_length_of_features(classifier):
    far = make_table(60, 3).set_column(0, "weight", pa.array(np.full(60, 1e4)))
    for name in ("mahalanobis", "gaussian_mixture"):
        assert np.mean(np.asarray(answers_of(classifier, far, name)["decision"]) == "defer") > 0.8, name


def test_a_saved_classifier_keeps_its_detectors(classifier, saved):
    loaded, new = load_classifier(saved), make_table(30, 5)
    assert tuple(loaded.detectors) == tuple(FROM_FEATURES)
    for name in DETECTORS:
        assert loaded.policy(budget=0.1, score=name) == classifier.policy(budget=0.1, score=name)
        np.testing.assert_allclose(
            answers_of(loaded, new, name)["uncertainty"],
            answers_of(classifier, new, name)["uncertainty"],
            rtol=1e-4,
            atol=1e-5,
        )


def test_a_detector_that_was_not_kept_is_named_with_the_remedy(data):
    plain = train(data, SETTINGS, detectors=("knn",))
    with pytest.raises(
        ValueError,
        match=r"keeps no detector 'vim': train it with `--detector vim`\. Received: a classifier with knn",
    ):
        plain.policy(score="vim")
    for name in FROM_LOGITS:
        assert plain.policy(score=name).rows == len(plain.held_out.labels)


def test_a_file_of_an_earlier_version_has_the_scores_it_kept(saved):
    def older(parts):
        with np.load(io.BytesIO(parts[HELD_OUT])) as arrays:
            kept = {name: array for name, array in arrays.items() if not name.startswith("score/")}
        parts[HELD_OUT] = bytes_of(kept)
        del parts[DETECTORS_FILE]

    loaded = load_classifier(changed(saved, older))
    for name in ("entropy", "max_probability", "dempster_shafer", "out_of_domain"):
        assert loaded.policy(score=name).rows == len(loaded.held_out.labels)
    with pytest.raises(ValueError, match=r"no 'energy' of its held-out rows: train it again\. Received: a file"):
        loaded.policy(score="energy")


def bytes_of(arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def with_arrays(member, **replaced):
    def change(parts):
        with np.load(io.BytesIO(parts[member])) as arrays:
            parts[member] = bytes_of({**arrays, **replaced})

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (with_arrays(DETECTORS_FILE, **{"knn/bank": np.full((60, 4), np.nan)}), "a detector that cannot be used"),
        (with_arrays(DETECTORS_FILE, **{"knn/bank": np.array(["x"])}), "a detector that cannot be used: 'knn/bank'"),
        (with_arrays(DETECTORS_FILE, **{"knn/bank": np.ones((60, 3))}), "'knn' that does not fit the network"),
        (with_arrays(DETECTORS_FILE, **{"other/bank": np.ones((60, 3))}), "a detector that cannot be used"),
        (with_arrays(DETECTORS_FILE, **{"vim/other": np.ones(3)}), "Received: other"),
        (with_arrays(DETECTORS_FILE, **{"vim/origin": np.ones(3)}), "'vim' that does not fit the network"),
        (with_arrays(HELD_OUT, **{"score/knn": np.ones(3)}), "held-out scores that cannot be used: 'knn'"),
        (with_arrays(HELD_OUT, **{"score/other": np.ones(40)}), "held-out scores that cannot be used: 'other'"),
    ],
)
def test_files_that_were_not_written_by_us_are_refused(saved, change, message):
    with pytest.raises(ValueError, match=message):
        load_classifier(changed(saved, change))


def test_detectors_that_cannot_be_fitted_are_refused_before_training(data):
    with pytest.raises(ValueError, match=r"`detectors` must be among knn, .* Received: 'energy'"):
        train(data, SETTINGS, detectors=("energy",))
    table = make_table(60, 0)
    rare = table.set_column(3, "animal", pa.array(["unicorn", *table["animal"].to_pylist()[1:]]))
    with pytest.raises(ValueError, match="at least 2 rows of each class"):
        train(prepare(rare, "animal", SETTINGS), SETTINGS, detectors=("gaussian_mixture",))


def test_a_copied_column_must_not_have_the_name_of_the_score(classifier):
    table = make_table(5, 0).append_column("energy", pa.array(range(5)))
    with pytest.raises(ValueError, match=r"whose name the answers do not use\. Received: 'energy'"):
        answers_of(classifier, table, "energy", id_column="energy")
    assert answers_of(classifier, table, "entropy", id_column="energy")["energy"].to_pylist() == list(range(5))
