"""From a table to a classifier in a file, and from that to decisions."""

import io
import json
import zipfile

import h5py
import hypothesis
import keras
import numpy as np
import pyarrow as pa
import pytest
from animal_classifiers import changed, make_table
from hypothesis import given
from hypothesis import strategies as st

from keras_sngp import metrics
from keras_sngp._tables.blocks import BadRow, Block
from keras_sngp._tables.labels import class_names_of, label_numbers
from keras_sngp.metrics import scores
from keras_sngp.metrics.detectors import FROM_FEATURES
from keras_sngp.own_data import (
    TrainingSettings,
    classifier_file,
    load_classifier,
    prepare,
    save_classifier,
    train,
)
from keras_sngp.own_data.answers import AnswerCounts, answer_blocks
from keras_sngp.own_data.classifier import SCORES
from keras_sngp.own_data.splits import Split
from keras_sngp.own_data.training_callbacks import TrainingProgress

SETTINGS = TrainingSettings(epochs=6, batch_size=32)


@pytest.fixture(scope="module")
def classifier():
    return train(prepare(make_table(400, 0), "animal", SETTINGS), SETTINGS)


@pytest.fixture(scope="module")
def saved(classifier, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "animals.sngp"
    save_classifier(classifier, path)
    return path


def blocks_of(*tables):
    first = 1
    for table in tables:
        yield Block(table, first)
        first += table.num_rows


def test_it_learns_and_what_is_far_is_less_sure(classifier):
    new = make_table(300, 1)
    prediction = classifier.predict_distribution(new)
    labels = label_numbers(new["animal"], classifier.class_names)
    assert classifier.class_names == ("cat", "emu", "sheep")
    assert metrics.accuracy(prediction.probabilities, labels) > 0.97
    for odd in ({"weight": [1e4] * 300}, {"coat": ["scales"] * 300}, {"coat": pa.nulls(300)}):
        changed = pa.table({**{name: new[name] for name in new.column_names}, **odd})
        unlike = classifier.predict_distribution(changed)
        assert unlike.variance.mean() > 5 * prediction.variance.mean()
        assert unlike.entropy.mean() > 2 * prediction.entropy.mean()


def test_a_stopped_training_goes_on_where_it_was(tmp_path):
    data, shown = prepare(make_table(100, 0), "animal", SETTINGS), []
    progress = TrainingProgress(lambda epoch, _: (shown.append(epoch), progress.stop()))
    stopped = train(data, SETTINGS, folder=tmp_path, callbacks=(progress,))
    assert shown == [1, 2]
    assert stopped.training["best_epoch"] <= 2
    rest = TrainingProgress(lambda epoch, _: shown.append(epoch))
    finished = train(data, SETTINGS, folder=tmp_path, callbacks=(rest,))
    assert shown == [1, 2, 3, 4, 5, 6]
    assert finished.training["best_epoch"] > 2
    assert loss_of(finished, data) < loss_of(stopped, data)


def loss_of(classifier, data):
    rows = data.split.validation
    prediction = classifier.predict_distribution(data.table.take(pa.array(rows)))
    return metrics.negative_log_likelihood(prediction.probabilities, data.labels[rows])


def test_rows_without_a_label_are_left_out():
    table = make_table(100, 0)
    some = pa.array([None if row % 4 == 0 else name for row, name in enumerate(table["animal"].to_pylist())])
    data = prepare(table.set_column(3, "animal", some), "animal", SETTINGS)
    assert (data.unlabelled, len(data.labels)) == (25, 75)
    assert "animal" not in data.inputs.names


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (make_table(10, 0), "at least 20 rows with a label. Received: 10"),
        (
            make_table(50, 0).rename_columns(["a", "b", "c", "d"]),
            r"one of the columns 'a', 'b', 'c', 'd'\. Received: 'animal'",
        ),
        (pa.table({"animal": ["cat"] * 50, "x": range(50)}), "at least two classes in column 'animal'"),
        (pa.table({"animal": [f"{n}" for n in range(50)], "x": range(50)}), "no more than half as many as rows"),
        (pa.table({"animal": [["cat"]] * 50}), "Expected labels in column 'animal'. Received: list"),
        (pa.table({"animal": ["cat", "emu"] * 25, "x": ["same"] * 50}), "'x': the same in every row"),
    ],
)
def test_data_that_cannot_be_learned_from_is_refused(table, message):
    with pytest.raises(ValueError, match=message):
        prepare(table, "animal", SETTINGS)


def test_class_names_are_in_order_and_numbers_by_size():
    assert class_names_of(pa.chunked_array([["10", "9", "x", None] * 3]), "y") == ("9", "10", "x")
    assert class_names_of(pa.chunked_array([[1.0, 0.0] * 3]), "y") == ("0", "1")
    assert label_numbers(pa.chunked_array([["emu", None, "cow"]]), ("cat", "emu")).tolist() == [1, -1, -1]


def test_parts_of_a_split_are_apart_and_have_like_shares_of_each_class():
    labels = np.repeat([0, 1, 2], [700, 200, 100])
    split = Split.of(labels, 0.1, seed=0)
    parts = [split.training, split.validation, split.held_out]
    assert sorted(np.concatenate(parts)) == list(range(1000))
    assert [np.bincount(labels[part]).tolist() for part in parts] == [[560, 160, 80], [70, 20, 10], [70, 20, 10]]


def test_a_class_with_one_row_does_not_stop_the_split():
    split = Split.of(np.array([0] * 30 + [1]), 0.1, seed=0)
    assert len(split.training) + len(split.validation) + len(split.held_out) == 31


def test_answers_keep_the_order_of_the_rows_and_say_why(classifier):
    policy = classifier.policy(budget=0.05)
    tables = [make_table(50, 2), make_table(30, 3)]
    odd = pa.table({"weight": ["5", "heavy"], "coat": ["scales", "fur"], "noise": ["0", "0"]})
    counts, told = AnswerCounts(), []
    answers = pa.concat_tables(
        answer_blocks(classifier, policy, blocks_of(*tables, odd), on_bad_row=told.append, progress=counts)
    )
    together = np.concatenate([classifier.predict_distribution(table).probabilities for table in (*tables, odd)])
    written = np.column_stack([answers[f"prob_{name}"] for name in classifier.class_names])
    np.testing.assert_allclose(written, together, atol=1e-6)
    assert answers["answer"].to_pylist() == [classifier.class_names[number] for number in together.argmax(axis=1)]
    assert answers["reason"][80].as_py().endswith("coat unseen")
    assert answers.slice(81).select(["decision"]).to_pylist() == [{"decision": "defer"}]
    assert told == [BadRow(82, "weight not a number")]
    assert (counts.rows, counts.deferred) == (82, answers["decision"].to_pylist().count("defer"))


def combined(classifier, prediction):
    """Dempster-Shafer and variance of rows by Fisher's method, among the held-out rows."""
    return scores.fisher(*([rows.dempster_shafer, rows.variance] for rows in (prediction, classifier.held_out)))


def test_rows_are_handed_over_by_the_score_asked_for(classifier):
    new = make_table(50, 2)
    prediction = classifier.predict_distribution(new)
    policy = classifier.policy(budget=0.2, score="out_of_domain")
    (answers,) = answer_blocks(classifier, policy, blocks_of(new))
    out_of_domain = combined(classifier, prediction)
    np.testing.assert_allclose(answers["uncertainty"], out_of_domain, rtol=1e-5)
    asked = np.asarray(answers["decision"]) == "defer"
    assert asked.any()
    assert out_of_domain[asked].min() > out_of_domain[~asked].max()
    (answers,) = answer_blocks(classifier, classifier.policy(budget=0.2), blocks_of(new))
    np.testing.assert_allclose(answers["uncertainty"], prediction.entropy, rtol=1e-5)
    with pytest.raises(ValueError, match=r"must be one of entropy, out_of_domain, .* Received: 'variance'"):
        classifier.policy(score="variance")


def test_bad_rows_are_dropped_or_stop_as_asked(classifier):
    policy = classifier.policy()
    odd = pa.table({"id": [7, 8], "weight": ["5", "heavy"], "coat": ["fur", "fur"], "noise": ["0", "0"]})
    (answers,) = answer_blocks(classifier, policy, blocks_of(odd), errors="drop", id_column="id")
    assert answers["id"].to_pylist() == [7]
    with pytest.raises(ValueError, match="Received: row 2: weight not a number"):
        list(answer_blocks(classifier, policy, blocks_of(odd), errors="stop"))


def test_a_bad_row_is_deferred_even_by_a_policy_that_answers_everything(classifier):
    odd = pa.table({"weight": ["5", "heavy"], "coat": ["fur", "fur"], "noise": ["0", "0"]})
    (answers,) = answer_blocks(classifier, classifier.policy(budget=0.0), blocks_of(odd))
    assert answers["decision"].to_pylist() == ["answer", "defer"]


def test_rows_with_other_numbers_of_cells_are_handed_over(classifier):
    row = pa.table({"weight": pa.nulls(1, pa.string()), "coat": pa.nulls(1, pa.string()), "noise": pa.nulls(1)})
    block = Block(row, 5, (BadRow(5, "2 cells where 3 were expected"),))
    (answers,) = answer_blocks(classifier, classifier.policy(budget=1.0), [block])
    assert answers["decision"].to_pylist() == ["defer"]
    assert "2 cells where 3 were expected" in answers["reason"][0].as_py()


def test_a_saved_classifier_says_the_same(classifier, saved):
    new = make_table(50, 4)
    loaded = load_classifier(saved)
    np.testing.assert_allclose(
        loaded.predict_distribution(new).probabilities, classifier.predict_distribution(new).probabilities, atol=1e-6
    )
    for score in SCORES:
        if score not in FROM_FEATURES:
            assert loaded.policy(accuracy=0.8, score=score) == classifier.policy(accuracy=0.8, score=score)
    assert (loaded.inputs, loaded.class_names, loaded.label) == (classifier.inputs, classifier.class_names, "animal")
    assert loaded.training == json.loads(json.dumps(classifier.training))


def description_with(**fields):
    def change(parts):
        content = json.loads(parts[classifier_file.DESCRIPTION])
        parts[classifier_file.DESCRIPTION] = json.dumps({**content, **fields}).encode()

    return change


def with_weights(change_file):
    def change(parts):
        with zipfile.ZipFile(io.BytesIO(parts[classifier_file.NETWORK])) as file:
            members = {name: file.read(name) for name in file.namelist()}
        buffer = io.BytesIO(members[classifier_file.NETWORK_WEIGHTS])
        with h5py.File(buffer, "r+") as weights:
            change_file(weights)
        members[classifier_file.NETWORK_WEIGHTS] = buffer.getvalue()
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as file:
            for name, member in members.items():
                file.writestr(name, member)
        parts[classifier_file.NETWORK] = packed.getvalue()

    return change


def refer_to_another_file(weights):
    weights["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/")


def write_nan(weights):
    names = []
    weights.visit(names.append)
    name = next(name for name in names if isinstance(weights[name], h5py.Dataset) and weights[name].dtype.kind == "f")
    weights[name][...] = np.nan


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda parts: parts.update({"../evil.py": b"x"}), "files '../evil.py'"),
        (lambda parts: parts.pop(classifier_file.HELD_OUT), "where others were expected"),
        (description_with(class_names=["a"]), "does not fit the columns and classes"),
        (description_with(class_names="abc"), "a list of texts as 'class_names'"),
        (description_with(architecture={"kind": "evil"}), "one of the kinds residual, convolutional"),
        (description_with(more=1), "Expected the description with the fields"),
        (lambda parts: parts.update({classifier_file.NETWORK: b"x"}), "not a zip file"),
        (with_weights(refer_to_another_file), "refer to other places: 'elsewhere'"),
        (with_weights(write_nan), "weights that are not finite"),
    ],
)
def test_a_changed_file_is_refused(saved, change, message):
    with pytest.raises(ValueError, match=r"changed\.sngp is not a classifier that can be used.*" + message):
        load_classifier(changed(saved, change))


def test_a_network_of_absurd_size_is_refused(saved):
    architecture = {**classifier_file.describe_file(saved)[0]["architecture"], "width": 10**9, "num_inducing": 10**9}
    with pytest.raises(ValueError, match="a network of a sensible size"):
        load_classifier(changed(saved, description_with(architecture=architecture)))


def test_a_file_that_was_cut_off_or_edited_or_is_newer_is_refused(saved, tmp_path):
    content = saved.read_bytes()
    path = tmp_path / "broken.sngp"
    for broken in (b"", content[:-100], b"PK" + content[2:1000]):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match=r"cut off|not a classifier that can be used"):
            load_classifier(path)
    path.write_bytes(content.replace(b'"animal"', b'"anumal"'))
    with pytest.raises(ValueError, match="not a classifier that can be used"):
        load_classifier(path)
    path.write_bytes(content.replace(b'"version": 2', b'"version": 1'))
    with pytest.raises(ValueError, match="not a classifier that can be used"):
        load_classifier(path)
    with pytest.raises(ValueError, match="no such file"):
        load_classifier(tmp_path / "nothing.sngp")


def test_a_newer_version_is_named(saved, monkeypatch):
    monkeypatch.setattr(classifier_file, "VERSION", 3)
    newer = changed(saved, lambda parts: None)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="version 3 of the format where at most 2 was expected; a newer keras-sngp"):
        load_classifier(newer)


def assert_goes_the_same_way(table, kind, path, **options):
    settings = TrainingSettings(epochs=8, batch_size=16)
    trained = train(prepare(table, "y", settings, **options), settings)
    assert trained.inputs.kind == kind
    prediction = trained.predict_distribution(table)
    assert metrics.accuracy(prediction.probabilities, np.array(table["y"])) > 0.9
    save_classifier(trained, path)
    loaded = load_classifier(path).predict_distribution(table)
    np.testing.assert_allclose(loaded.probabilities, prediction.probabilities, atol=1e-6)
    return trained, prediction


def test_texts_go_the_same_way(tmp_path):
    kinds = np.random.default_rng(0).integers(0, 2, 60)
    texts = [("red wine " if kind else "fast car ") + str(number) for number, kind in enumerate(kinds)]
    table = pa.table({"y": kinds, "other": range(60), "text": texts})
    classifier, prediction = assert_goes_the_same_way(table, "words", tmp_path / "saved.sngp", text="text")
    np.testing.assert_allclose(classifier.out_of_domain_score(prediction), combined(classifier, prediction))


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="convolutional networks compile for long")
def test_images_go_the_same_way(tmp_path):
    generator = np.random.default_rng(0)
    kinds = generator.integers(0, 2, 60)
    images = generator.integers(0, 60, (60, 8, 8), dtype="uint8") + 150 * kinds[:, None, None].astype("uint8")
    images = pa.FixedShapeTensorArray.from_numpy_ndarray(images)
    assert_goes_the_same_way(pa.table({"y": kinds, "image": images}), "images", tmp_path / "saved.sngp")


CELLS = st.one_of(
    st.none(), st.text(max_size=3), st.floats().map(str), st.sampled_from(["a", "b", "1e300", "?", "0", "-3"])
)
TABLES = st.integers(1, 60).flatmap(
    lambda rows: st.fixed_dictionaries(
        {"y": st.lists(st.sampled_from(["p", "q", "r", None]), min_size=rows, max_size=rows)},
        optional={name: st.lists(CELLS, min_size=rows, max_size=rows) for name in ("a", "größe", "", "y ")},
    )
)


@hypothesis.settings(deadline=None, max_examples=200, derandomize=True)
@given(TABLES)
def test_any_table_can_be_prepared_or_is_refused_with_one_message(columns):
    table = pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})
    try:
        data = prepare(table, "y", SETTINGS)
    except ValueError as error:
        assert str(error).startswith("Expected")
        assert "Received: " in str(error)
        return
    for rows in (data.split.training, data.split.validation, data.split.held_out):
        x, labels = data.part(rows)
        assert x.shape == (len(rows), data.inputs.width)
        assert np.isfinite(x).all()
        assert len(labels) == len(rows) > 0
