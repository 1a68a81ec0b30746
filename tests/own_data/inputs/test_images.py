"""Images from arrays, bytes and folders."""

import io

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from keras_sngp._tables import image_folder
from keras_sngp.own_data.inputs import ImageColumn


def png(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "png")
    return buffer.getvalue()


def tensors(array):
    return pa.table({"image": pa.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(array))})


GREY = np.random.default_rng(0).integers(0, 256, (3, 8, 6), dtype="uint8")
GREY[0, 0, 0] = 255


def test_arrays_and_encoded_images_are_the_same():
    arrays, files = tensors(GREY), pa.table({"image": [png(image) for image in GREY]})
    first, second = (ImageColumn.learn("image", table["image"]) for table in (arrays, files))
    assert first == second == ImageColumn("image", 8, 6, 1, 255.0)
    np.testing.assert_array_equal(first.read(arrays).values, first.read(files).values)
    np.testing.assert_allclose(first.read(arrays).values[..., 0], GREY / 127.5 - 1, atol=1e-6)


def test_images_beside_a_path_as_in_public_data_sets():
    table = pa.table({"image": [{"bytes": png(image), "path": "x.png"} for image in GREY]})
    assert ImageColumn.learn("image", table["image"]).read(table).values.shape == (3, 8, 6, 1)


def test_colours_and_other_sizes_are_brought_to_one_size():
    generator = np.random.default_rng(1)
    shapes = [(300, 200, 3), (300, 200, 3), (20, 20, 3)]
    table = pa.table({"image": [png(generator.integers(0, 256, shape, dtype="uint8")) for shape in shapes]})
    column = ImageColumn.learn("image", table["image"])
    assert column.input_shape == (64, 64, 3)
    assert column.read(table).values.shape == (3, 64, 64, 3)


def test_what_is_no_image_is_told():
    column = ImageColumn.learn("image", tensors(GREY)["image"])
    files = pa.table({"image": [png(GREY[0]), b"text", None, png(GREY[0])[:60]]})
    assert column.read(files).bad.tolist() == [False, True, True, True]
    assert column.read(files).reasons == ["", *["image not an image"] * 3]
    assert np.isfinite(column.read(files).values).all()
    broken = GREY.astype("float32")
    broken[1, 0, 0] = np.nan
    assert column.read(tensors(broken)).bad.tolist() == [False, True, False]
    assert np.isfinite(column.read(tensors(broken)).values).all()


def test_images_that_cannot_be_learned_from_are_refused():
    with pytest.raises(ValueError, match="none that can be read"):
        ImageColumn.learn("image", pa.chunked_array([[b"x"]]))
    with pytest.raises(ValueError, match=r"1 channel or 3, the last axis\. Received: 4"):
        ImageColumn.learn("image", tensors(np.zeros((2, 8, 8, 4), "uint8"))["image"])
    with pytest.raises(ValueError, match=r"must be \(8, 6\)\. Received: \(8, 5\)"):
        ImageColumn("image", 8, 6, 1, 255.0).read(tensors(GREY[:, :, :5]))
    with pytest.raises(ValueError, match=r"images in a column 'image'\. Received: 'picture'"):
        ImageColumn("image", 8, 6, 1, 255.0).check(["picture"])


def test_edited_json_is_refused():
    content = ImageColumn("image", 8, 6, 1, 255.0).to_json()
    assert ImageColumn.from_json(content, {}) == ImageColumn("image", 8, 6, 1, 255.0)
    for wrong in ({"channels": 5}, {"height": 0}, {"highest": -1.0}, {"more": 1}):
        with pytest.raises(ValueError, match="Received"):
            ImageColumn.from_json({**content, **wrong}, {})


def test_a_folder_of_images_is_a_table_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(image_folder, "FILES_PER_BLOCK", 2)
    for name in ("dog/b.png", "cat/a.PNG", "cat/deep/c.jpg", "single.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(png(GREY[0]))
    (tmp_path / "cat" / "notes.txt").write_text("no image")
    _, blocks = image_folder.read_image_folder(tmp_path)
    blocks = list(blocks)
    table = pa.concat_tables(block.table for block in blocks)
    assert [block.first for block in blocks] == [1, 3]
    assert table["file"].to_pylist() == ["cat/a.PNG", "cat/deep/c.jpg", "dog/b.png", "single.png"]
    assert table["label"].to_pylist() == ["cat", "cat", "dog", None]
    with pytest.raises(ValueError, match="a folder with image files"):
        image_folder.read_image_folder(tmp_path / "nothing")
