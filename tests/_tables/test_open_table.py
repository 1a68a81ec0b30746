"""Files and streams as tables: all rows, in order, the bad ones told."""

import gzip
import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as arrow_parquet
import pytest

from keras_sngp._tables import csv_blocks
from keras_sngp._tables.open_table import open_table, read_table


def stream(content):
    return io.BufferedReader(io.BytesIO(content))


def read(source):
    table, bad = read_table(source)
    return table, [str(row) for row in bad]


def test_csv_of_any_dialect():
    for content in (
        b"a,b\n1,x\n2,y\n",
        b"a;b\r\n1;x\r\n2;y",
        b"\xef\xbb\xbfa\tb\n1\tx\n2\ty\n",
        b'"a"|b\n1|"x"\n2|y\n',
    ):
        table, bad = read(stream(content))
        assert table.to_pydict() == {"a": ["1", "2"], "b": ["x", "y"]}
        assert not bad


def test_compressed_and_plain_files_and_streams_are_the_same(tmp_path):
    content = "größe,b\n1,x\n".encode()
    (tmp_path / "plain.csv").write_bytes(content)
    (tmp_path / "packed.csv.gz").write_bytes(gzip.compress(content))
    sources = [tmp_path / "plain.csv", tmp_path / "packed.csv.gz", stream(gzip.compress(content))]
    assert all(read(source)[0].to_pydict() == {"größe": ["1"], "b": ["x"]} for source in sources)


def test_rows_with_other_numbers_of_cells_keep_their_places_over_blocks(monkeypatch):
    monkeypatch.setattr(csv_blocks, "BYTES_PER_BLOCK", 64)
    odd = {1, 14, 15, 99, 100}
    lines = [f"{row}" if row in odd else f"{row},{row}" for row in range(1, 101)]
    table, bad = read(stream(("a,b\n" + "\n".join(lines) + "\n").encode()))
    assert table["a"].to_pylist() == [None if row in odd else str(row) for row in range(1, 101)]
    assert bad == [f"row {row}: 1 cells where 2 were expected" for row in sorted(odd)]


def test_lines_without_anything_do_not_shift_the_rows():
    table, bad = read(stream(b"a,b\n1,1\n\n2\n3,3\n"))
    assert table["a"].to_pylist() == ["1", None, "3"]
    assert bad == ["row 2: 1 cells where 2 were expected"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty first line"),
        (b"a,a\n1,2\n", "a different name for each column. Received: 'a' twice"),
        (b"a,b\n\xff\xfe,1\n", "text in UTF-8"),
        (b"a,b\n", "at least one row"),
        (gzip.compress(b"a,b\n1,2\n" * 1000, mtime=0)[:-20], "read to its end"),
    ],
    ids=["nothing", "same names", "not UTF-8", "no rows", "cut off"],
)
def test_csv_that_cannot_be_read_is_refused(content, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read(stream(content))
    (tmp_path / "data.csv").write_bytes(content)
    with pytest.raises(ValueError, match=r"data\.csv.*" + message if "row" not in message else message):
        read(tmp_path / "data.csv")


def test_parquet_keeps_its_types(tmp_path):
    table = pa.table({"a": [1, 2], "b": ["x", None]})
    arrow_parquet.write_table(table, tmp_path / "data.parquet")
    assert read(tmp_path / "data.parquet")[0] == table
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "data.parquet").read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"cut\.parquet: Expected a whole Parquet file"):
        read(tmp_path / "cut.parquet")


def test_arrays_become_columns(tmp_path):
    images = np.arange(24, dtype="uint8").reshape(2, 3, 4)
    np.savez(tmp_path / "data.npz", x=[[1.0, 2.0], [3.0, 4.0]], y=["p", "q"], images=images)
    table, _ = read(tmp_path / "data.npz")
    assert table.column_names == ["x_0", "x_1", "y", "images"]
    assert table["x_1"].to_pylist() == [2, 4]
    np.testing.assert_array_equal(table["images"].combine_chunks().to_numpy_ndarray(), images)


def test_arrays_that_do_not_belong_together_or_hold_objects_are_refused(tmp_path):
    np.savez(tmp_path / "odd.npz", x=[1, 2], y=[1])
    with pytest.raises(ValueError, match=r"odd\.npz: Expected arrays with a row for each case"):
        read(tmp_path / "odd.npz")
    np.savez(tmp_path / "objects.npz", x=np.array([{}, {}]))
    with pytest.raises(ValueError, match="arrays without objects"):
        read(tmp_path / "objects.npz")


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "data.xlsx").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"data\.xlsx: Expected a file whose name ends in \.csv"):
        read(tmp_path / "data.xlsx")


@pytest.mark.parametrize("ending", ["csv", "parquet", "npz"])
def test_only_the_columns_asked_for_are_read(tmp_path, ending):
    path = tmp_path / f"data.{ending}"
    if ending == "csv":
        path.write_text("a,b,c\n1,2,3\n4\n7,8,9\n")
    elif ending == "parquet":
        arrow_parquet.write_table(pa.table({"a": ["1", None, "7"], "b": ["2", None, "8"], "c": ["3", None, "9"]}), path)
    else:
        np.savez(path, a=["1", "", "7"], b=["2", "", "8"], c=["3", "", "9"])
    with open_table(path) as opened:
        assert opened.names == ["a", "b", "c"]
        (block,) = opened.blocks(["c", "a"])
    assert block.table.column_names == ["c", "a"]
    assert [value or None for value in block.table["c"].to_pylist()] == ["3", None, "9"]
    assert [row.number for row in block.bad] == ([2] if ending == "csv" else [])


def test_the_names_of_classes_in_an_npz_file_are_no_column(tmp_path):
    for rows, names in ((2, ["x", "y", "z"]), (3, ["x", "y", "z"]), (2, [b"x", b"y", b"z"])):
        np.savez(tmp_path / "data.npz", prob=np.eye(3)[:rows], class_names=names)
        with open_table(tmp_path / "data.npz") as opened:
            assert opened.names == ["prob_0", "prob_1", "prob_2"]
            assert opened.groups["prob"] == ("prob_0", "prob_1", "prob_2")
            assert opened.class_names == ("x", "y", "z")
    np.savez(tmp_path / "data.npz", x=np.eye(2), class_names=["p", "q", "r"][:2], y=[0, 1])
    assert open_names(tmp_path / "data.npz") == ["x_0", "x_1", "y"]


def open_names(path):
    with open_table(path) as opened:
        return opened.names


def test_arrays_of_any_byte_order_and_precision_are_read(tmp_path):
    values = {"a": np.array([1, 2], ">i4"), "b": np.array([1, 2], ">f8"), "c": np.array([1, 2], np.longdouble)}
    np.savez(tmp_path / "data.npz", **values, d=np.array(["p", "q"], "S"))
    table, _ = read(tmp_path / "data.npz")
    assert table.to_pydict() == {"a": [1, 2], "b": [1, 2], "c": [1, 2], "d": ["p", "q"]}


def test_arrays_of_the_same_column_name_are_refused(tmp_path):
    np.savez(tmp_path / "data.npz", x=np.eye(2), x_0=[7, 7])
    with pytest.raises(ValueError, match=r"a different name for each column. Received: 'x_0' twice"):
        read(tmp_path / "data.npz")


@pytest.mark.parametrize("odd", [np.array([None, {}], object), np.zeros(2, complex), np.zeros(2, [("a", "i4")]), 0.5])
def test_arrays_that_are_not_asked_for_may_be_anything(tmp_path, odd):
    np.savez(tmp_path / "data.npz", x=[1, 2], odd=odd, short=[1])
    with open_table(tmp_path / "data.npz") as opened:
        (block,) = opened.blocks(["x"])
    assert block.table["x"].to_pylist() == [1, 2]
    with pytest.raises(ValueError, match=r"data\.npz: Expected"):
        read(tmp_path / "data.npz")


def test_names_that_occur_twice_are_refused_only_where_they_are_asked_for(tmp_path):
    (tmp_path / "data.csv").write_text("a,b,,\n1,2,,\n")
    with open_table(tmp_path / "data.csv") as opened:
        (block,) = opened.blocks(["b"])
    assert block.table["b"].to_pylist() == ["2"]
    with pytest.raises(ValueError, match="'' twice"):
        read(tmp_path / "data.csv")


def test_empty_lines_before_the_header_are_no_header():
    assert read(stream(b"\n\r\n a,b\n1,2\n"))[0].num_rows == 1


@pytest.mark.parametrize("header", ["p_a|b,p_c|d,label", '"p_a,b,c";"p_d,e,f";"label"', '"p_a;b;c;d",label,x'])
def test_delimiters_in_names_are_not_counted(header):
    table, _ = read(stream(_rows_of(header)))
    assert table.num_columns == 3


def _rows_of(header):
    delimiter = ";" if '";"' in header else ","
    return f"{header}\n1{delimiter}2{delimiter}3\n".encode()


def test_lines_that_end_in_carriage_returns_alone_are_refused():
    with pytest.raises(ValueError, match=r"Expected a header on a line that ends in"):
        read(stream(b"a,b\r1,2\r"))
