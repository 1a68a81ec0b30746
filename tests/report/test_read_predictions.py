"""Files of predictions in all their forms give the same table; broken ones say what is wrong and where."""

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as arrow_parquet
import pytest
from scipy.special import softmax

from keras_sngp._tables import csv_blocks, open_table
from keras_sngp.report.column_names import ColumnNames
from keras_sngp.report.read_predictions import read_predictions

GENERATOR = np.random.default_rng(0)
NAMES = ["cat", "dog", "emu"]
LOGITS = GENERATOR.normal(size=(50, 3))
PROBABILITIES = softmax(LOGITS, axis=1)
LABELS = GENERATOR.integers(0, 3, 50)
VARIANCE = GENERATOR.random(50)
VOTES = GENERATOR.integers(1, 9, (50, 3))
NO_LABEL = ColumnNames(needs_label=False)


def columns(prefix="prob_", outputs=PROBABILITIES):
    return {f"{prefix}{name}": outputs[:, k] for k, name in enumerate(NAMES)}


def write(path, table):
    table = pa.table(table)
    (arrow_csv.write_csv if path.suffix == ".csv" else arrow_parquet.write_table)(table, path)
    return path


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("prefix, outputs", [("prob_", PROBABILITIES), ("logit_", LOGITS), ("P.", PROBABILITIES)])
def test_columns_of_probabilities_and_logits(tmp_path, ending, prefix, outputs):
    names = np.array(NAMES)[LABELS]
    path = write(tmp_path / f"one.{ending}", {"id": LABELS, **columns(prefix, outputs), "label": names})
    table = read_predictions(path)
    assert (table.name, table.class_names, len(table)) == ("one", NAMES, 50)
    np.testing.assert_allclose(table.probabilities, PROBABILITIES, atol=1e-12)
    np.testing.assert_array_equal(table.labels, LABELS)
    assert table.variance is table.uncertainty is table.expert is None


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_labels_as_numbers_and_more_columns(tmp_path, ending):
    votes = {f"votes_{name}": VOTES[:, k] for k, name in enumerate(NAMES)}
    content = {**columns(), "y": LABELS, "Variance": VARIANCE, "doubt": VARIANCE * 2, **votes}
    wanted = ColumnNames(uncertainty="doubt", expert="votes")
    table = read_predictions(write(tmp_path / f"one.{ending}", content), wanted)
    np.testing.assert_array_equal(table.labels, LABELS)
    np.testing.assert_allclose(table.variance, VARIANCE)
    np.testing.assert_allclose(table.uncertainty, VARIANCE * 2)
    np.testing.assert_allclose(table.expert.votes, VOTES / VOTES.sum(axis=1, keepdims=True))


def test_lists_in_a_parquet_column_and_an_experts_answers(tmp_path):
    answers = pa.array(LABELS[::-1].astype(str)).dictionary_encode()
    content = {"logits": LOGITS.astype("float32").tolist(), "label": LABELS, "doctor": answers}
    table = read_predictions(write(tmp_path / "one.parquet", content), ColumnNames(expert="doctor"))
    assert table.class_names == ["0", "1", "2"]
    np.testing.assert_allclose(table.probabilities, PROBABILITIES, atol=1e-6)
    np.testing.assert_array_equal(table.expert.votes.argmax(axis=1), LABELS[::-1])


def test_arrays_in_an_npz_file(tmp_path):
    path = tmp_path / "one.npz"
    variance = np.tile(VARIANCE[:, None], 3)
    np.savez(path, logits=LOGITS, label=np.array(NAMES)[LABELS], class_names=NAMES, variance=variance, votes=VOTES)
    table = read_predictions(path, ColumnNames(expert="votes"))
    np.testing.assert_allclose(table.probabilities, PROBABILITIES)
    np.testing.assert_array_equal(table.labels, LABELS)
    np.testing.assert_allclose(table.variance, VARIANCE)
    assert table.expert.num_classes == 3


def test_one_column_is_the_second_of_two_classes(tmp_path):
    path = write(tmp_path / "two.csv", {"prob": [0.9, 0.2], "label": [1, 0]})
    np.testing.assert_allclose(read_predictions(path).probabilities, [[0.1, 0.9], [0.8, 0.2]])
    path = write(tmp_path / "two.parquet", {"logit": [0.0, 2.0], "label": [1, 0]})
    np.testing.assert_allclose(read_predictions(path).probabilities[0], [0.5, 0.5])


def test_columns_named_by_the_user(tmp_path):
    content = {"a": [0.0, 1.0], "b": [2.0, 0.0], "truth": ["b", "a"]}
    wanted = ColumnNames(label="truth", classes=("a", "b"), logits=True)
    table = read_predictions(write(tmp_path / "one.csv", content), wanted)
    np.testing.assert_allclose(table.probabilities, softmax([[0, 2], [1, 0]], axis=1))
    assert table.labels.tolist() == [1, 0]
    forced = read_predictions(
        write(tmp_path / "two.csv", columns("prob_", LOGITS)), ColumnNames(logits=True, needs_label=False)
    )
    np.testing.assert_allclose(forced.probabilities, PROBABILITIES)


def test_numbers_of_classes_need_nothing_before_them(tmp_path):
    path = write(tmp_path / "one.csv", {"p1": [0.25], "p2": [0.75], "label": [2]})
    table = read_predictions(path)
    assert (table.class_names, table.labels.tolist()) == (["1", "2"], [1])


def test_rows_that_were_rounded_are_scaled_to_add_up_to_one(tmp_path):
    path = write(tmp_path / "one.csv", columns(outputs=np.array([[0.33, 0.33, 0.33]])))
    np.testing.assert_allclose(read_predictions(path, NO_LABEL).probabilities.sum(axis=1), 1, atol=1e-15)


def test_files_of_many_blocks_are_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(open_table, "ROWS_PER_BLOCK", 7)
    monkeypatch.setattr(csv_blocks, "BYTES_PER_BLOCK", 300)
    content = {**columns(), "label": np.array(NAMES)[LABELS], "variance": VARIANCE}
    for ending in ("csv", "parquet"):
        table = read_predictions(write(tmp_path / f"one.{ending}", content))
        np.testing.assert_allclose(table.probabilities, PROBABILITIES)
        np.testing.assert_array_equal(table.labels, LABELS)
        np.testing.assert_allclose(table.variance, VARIANCE)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_files_may_be_parted_otherwise_and_begin_with_a_byte_order_mark(tmp_path, delimiter):
    path = tmp_path / "one.csv"
    path.write_text("prob_a,prob_b,label\n0.25,0.75,b\n".replace(",", delimiter), encoding="utf-8-sig")
    table = read_predictions(path)
    assert (table.class_names, table.probabilities.tolist(), table.labels.tolist()) == (["a", "b"], [[0.25, 0.75]], [1])


def test_single_precision_stays_single(tmp_path):
    path = write(tmp_path / "one.parquet", columns(outputs=PROBABILITIES.astype("float32")))
    assert read_predictions(path, NO_LABEL).probabilities.dtype == np.float32


HEADER = "prob_a,prob_b,label\n0.5,0.5,a\n"


@pytest.mark.parametrize(
    "content, message",
    [
        ("", r"a header with the names of the columns. Received: an empty first line"),
        ("prob_a,prob_b,label\n", r"at least one row. Received: a file without rows"),
        (
            HEADER + "nan,0.5,b\n",
            r"Received: NaN or nothing in row 2, column 0 \(rows are counted from 1, without the header",
        ),
        (HEADER + ",0.5,b\n", r"NaN or nothing in row 2"),
        (HEADER + "inf,0.5,b\n", r"column 'prob_a'. Received: 'inf' in row 2"),
        (
            HEADER + "1.5,-0.5,b\n",
            r"must not be negative. Received: -0.5 in row 2, column 1. If these are logits, say so by --logits",
        ),
        (HEADER + "0.7,0.7,b\n", r"must add up to 1. Received: 1.4 in row 2 .*If these are logits, say so by --logits"),
        (HEADER + "0.3,0.7,zebra\n", r"must be classes \(a, b\) or numbers from 0 to 1. Received: 'zebra' in row 2"),
        (HEADER + "0.3,0.7,2\n", r"Received: '2' in row 2"),
        (HEADER + "0.3,0.7,\n", r"Received: nothing in row 2"),
        (HEADER + "x,0.7,b\n", r"numbers in column 'prob_a'. Received: 'x' in row 2"),
        (HEADER + "0.3,0.7\n", r"rows that can be read. Received: row 2: 2 cells where 3 were expected"),
        ("prob_a,prob_b\n0.5,0.5\n", r"the ground truth, such as label.* Received: the columns prob_a, prob_b"),
        ("a,b,label\n0.5,0.5,a\n", r"columns of probabilities or logits.* Received: the columns a, b, label"),
        (HEADER.replace("label", "label,variance").replace(",a", ",a,nan"), r"'variance'. Received: nothing in row 1"),
    ],
)
def test_csv_files_that_are_not_as_they_should_be(tmp_path, content, message):
    path = tmp_path / "bad.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match=rf"bad.csv: .*{message}"):
        read_predictions(path)


@pytest.mark.parametrize("text", ["prob_a,prob_b,label\n0.5,0.5,Käse\n", "prob_a,prob_b,label,Käse\n0.5,0.5,a,1\n"])
def test_other_encodings_than_utf8_are_refused_with_a_way_out(tmp_path, text):
    path = tmp_path / "bad.csv"
    path.write_bytes(text.encode("latin1"))
    with pytest.raises(ValueError, match=r"UTF-8. Received: other bytes; convert it, for example by iconv"):
        read_predictions(path)


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_parquet_file_is_refused(tmp_path, share):
    path = write(tmp_path / "bad.parquet", {**columns(), "label": LABELS})
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ValueError, match=r"a whole Parquet file, not cut off or something else"):
        read_predictions(path)


def test_damage_within_a_parquet_file_is_refused(tmp_path):
    path = write(tmp_path / "bad.parquet", {**columns(), "label": LABELS})
    content = bytearray(path.read_bytes())
    content[4:400] = bytes(396)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"bad.parquet: "):
        read_predictions(path)


def test_npz_files_that_are_not_as_they_should_be(tmp_path):
    path = tmp_path / "bad.npz"
    path.write_text("text")
    with pytest.raises(ValueError, match=r"a whole NPZ file.* Received: something else, or cut off"):
        read_predictions(path)
    for arrays, message in [
        ({"probabilities": PROBABILITIES, "label": LABELS[:9]}, r"a row for each case. Received: .*'label': 9"),
        ({"probabilities": np.zeros((0, 3)), "label": LABELS[:0]}, r"at least one row"),
        ({"probabilities": PROBABILITIES, "label": LABELS, "class_names": ["a"]}, r"each of 3 classes.* Received: 1"),
        (
            {"probabilities": PROBABILITIES, "label": LABELS, "variance": VARIANCE * np.nan},
            r"finite numbers in column 'var",
        ),
        ({"probabilities": PROBABILITIES.astype(object), "label": LABELS}, r"arrays without objects"),
    ]:
        np.savez(path, **arrays)
        with pytest.raises(ValueError, match=message):
            read_predictions(path)


def test_ragged_lists_are_refused(tmp_path):
    path = write(tmp_path / "bad.parquet", {"prob": [[0.5, 0.5], [1.0]], "label": [0, 0]})
    with pytest.raises(ValueError, match=r"one number for each class. Received: 1 numbers in row 2 and 2 in row 1"):
        read_predictions(path)


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"one.xls: Expected a file whose name ends in .csv, "):
        read_predictions(tmp_path / "one.xls")
    with pytest.raises(ValueError, match=r"one.csv: Expected a file. Received: no such file"):
        read_predictions(tmp_path / "one.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ValueError, match=r"which is a folder"):
        read_predictions(tmp_path / "folder.csv")


def test_wanted_that_cannot_be_met_name_what_there_is(tmp_path):
    path = write(tmp_path / "one.csv", {**columns(), "label": LABELS})
    for wanted, message in [
        (ColumnNames(label="truth"), r"no column 'truth' \(--label\). Received: the columns prob_cat"),
        (ColumnNames(classes=("prob_cat", "prob_cow")), r"no column 'prob_cow' \(--classes\)"),
        (ColumnNames(uncertainty="doubt"), r"no column 'doubt' \(--uncertainty or --score\)"),
        (ColumnNames(expert="doctor"), r"like doctor_cat \(--expert doctor\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            read_predictions(path, wanted)


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "tsv", "txt", "parquet"])
def test_every_file_that_training_reads_is_read_here(tmp_path, ending):
    content = pa.table({**columns(), "label": LABELS})
    path = tmp_path / f"one.{ending}"
    if ending == "parquet":
        arrow_parquet.write_table(content, path)
    else:
        with pa.output_stream(path, compression="gzip" if ending.endswith("gz") else None) as stream:
            arrow_csv.write_csv(content, stream, arrow_csv.WriteOptions(delimiter="\t" if ending == "tsv" else ","))
    table = read_predictions(path)
    assert table.name == "one"
    np.testing.assert_allclose(table.probabilities, PROBABILITIES, atol=1e-12)


@pytest.mark.parametrize("labels", [[True, False], ["true", "false"], ["True", "False"]])
@pytest.mark.parametrize("ending", ["csv", "parquet", "npz"])
def test_boolean_labels_are_the_classes_of_that_name(tmp_path, ending, labels):
    content = {"prob_True": [0.9, 0.2], "prob_False": [0.1, 0.8], "label": labels}
    path = tmp_path / f"one.{ending}"
    np.savez(path, **content) if ending == "npz" else write(path, content)
    table = read_predictions(path)
    assert (table.class_names, table.labels.tolist()) == (["True", "False"], [0, 1])


ANSWERS = {"answer": ["cat"], **columns(outputs=PROBABILITIES[:1]), "decision": ["answer"], "reason": [""]}


@pytest.mark.parametrize("label", [None, "answer"])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_machines_answers_are_not_the_ground_truth(tmp_path, ending, label):
    path = write(tmp_path / f"answers.{ending}", ANSWERS)
    with pytest.raises(ValueError, match=r"the ground truth beside the answers.* Received: only the machine's own"):
        read_predictions(path, ColumnNames(label=label))
    path = write(tmp_path / f"answers.{ending}", {**ANSWERS, "label": ["dog"]})
    assert read_predictions(path).labels.tolist() == [1]


def npz(tmp_path, **arrays):
    np.savez(tmp_path / "one.npz", **arrays)
    return tmp_path / "one.npz"


@pytest.mark.parametrize("votes", [np.ones((50, 2)), np.ones((50, 1)), np.ones((50, 4))])
@pytest.mark.parametrize("ending", ["npz", "parquet"])
def test_votes_for_other_than_the_classes_are_refused(tmp_path, votes, ending):
    content = {"prob": PROBABILITIES, "label": LABELS, "votes": votes}
    path = npz(tmp_path, **content)
    if ending == "parquet":
        path = write(tmp_path / "one.parquet", {name: list(values) for name, values in content.items()})
    with pytest.raises(ValueError, match=rf"votes for each of 3 classes.* Received: {votes.shape[1]}"):
        read_predictions(path, ColumnNames(expert="votes"))


def test_arrays_beside_the_outputs_are_not_taken_for_them(tmp_path):
    extras = {"prob_std": VARIANCE, "prob_ood": PROBABILITIES[:9], "history": np.ones(7), "seed": 3, "odd": [None, {}]}
    path = npz(tmp_path, prob=PROBABILITIES, label=LABELS, **{**extras, "odd": np.array(extras["odd"], object)})
    np.testing.assert_allclose(read_predictions(path).probabilities, PROBABILITIES)


@pytest.mark.parametrize("dtype", [">f8", ">f4", "longdouble", "float16"])
def test_outputs_of_any_precision_and_byte_order(tmp_path, dtype):
    table = read_predictions(npz(tmp_path, prob=PROBABILITIES.astype(dtype), label=LABELS.astype(">i4")))
    np.testing.assert_allclose(table.probabilities, PROBABILITIES, atol=2e-3)


def test_one_column_in_two_axes_is_the_second_of_two_classes(tmp_path):
    table = read_predictions(npz(tmp_path, prob=[[0.9], [0.2]], label=[1, 0], uncertainty=[[1.0], [2.0]]))
    np.testing.assert_allclose(table.probabilities, [[0.1, 0.9], [0.8, 0.2]])
    np.testing.assert_allclose(table.uncertainty, [1, 2])
    path = write(tmp_path / "one.csv", {"score": [0.9, 0.2], "label": [1, 0]})
    np.testing.assert_allclose(read_predictions(path, ColumnNames(classes=("score",))).probabilities[0], [0.1, 0.9])


@pytest.mark.parametrize("names", [["a", "b", "c"], [b"a", b"b", b"c"], [5, 7, 9]])
def test_as_many_rows_as_named_classes(tmp_path, names):
    path = npz(tmp_path, prob=np.eye(3), label=names, class_names=names)
    table = read_predictions(path)
    expected = [name.decode() if isinstance(name, bytes) else str(name) for name in names]
    assert (table.class_names, table.labels.tolist()) == (expected, [0, 1, 2])


def test_logits_are_logits_whatever_a_block_of_them_looks_like(tmp_path, monkeypatch):
    monkeypatch.setattr(open_table, "ROWS_PER_BLOCK", 2)
    path = npz(tmp_path, logits=[[3.0, -1.0], [0.0, 2.0], [0.25, 0.75]], label=[0, 1, 1])
    np.testing.assert_allclose(read_predictions(path).probabilities, softmax([[3, -1], [0, 2], [0.25, 0.75]], axis=1))


@pytest.mark.parametrize("labels", [np.array([True, False]), ["1.", "0"], ["+1", "0e0"], ["01", "00"]])
@pytest.mark.parametrize("names", [("0", "1"), ("cat", "dog")])
def test_numbers_of_classes_in_any_spelling(tmp_path, labels, names):
    path = write(
        tmp_path / "one.parquet", {f"prob_{names[0]}": [0.1, 0.9], f"prob_{names[1]}": [0.9, 0.1], "y": labels}
    )
    assert read_predictions(path).labels.tolist() == [1, 0]


def test_classes_that_differ_in_spelling_alone_are_told_apart_by_it(tmp_path):
    path = write(tmp_path / "one.csv", {"prob_1": [0.9, 0.2], "prob_1.0": [0.1, 0.8], "label": ["1", "1.0"]})
    assert read_predictions(path).labels.tolist() == [0, 1]


def test_missing_numbers_in_lists_are_named(tmp_path):
    content = {"prob": PROBABILITIES[:2].tolist(), "label": [0, 1], "variance": [[1.0, 2.0, 3.0], [None, 1.0, 1.0]]}
    with pytest.raises(ValueError, match=r"finite numbers in column 'variance'. Received: others in row 2"):
        read_predictions(write(tmp_path / "one.parquet", content))


@pytest.mark.parametrize("column", [[{"a": 1.0}, {"a": 2.0}], [b"x", b"y"]])
def test_columns_that_hold_no_numbers_are_refused(tmp_path, column):
    with pytest.raises(ValueError, match=r"Expected numbers in column 'prob'"):
        read_predictions(write(tmp_path / "one.parquet", {"prob": column, "label": [0, 1]}))


def test_numbers_as_text_in_any_kind_of_column(tmp_path):
    texts = [pa.array(["0.25", "0.5"]).dictionary_encode(), pa.array(["0.75", "0.5"], pa.large_string())]
    table = read_predictions(write(tmp_path / "one.parquet", {"prob_a": texts[0], "prob_b": texts[1], "y": ["a", "b"]}))
    np.testing.assert_allclose(table.probabilities, [[0.25, 0.75], [0.5, 0.5]])
