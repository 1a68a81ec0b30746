import functools
import hashlib
import http.server
import threading

import pytest

from benchmarks.data.local_or_download import ENVIRONMENT_VARIABLE, PublicFile, local_or_download, read_checked

pooch = pytest.importorskip("pooch")

CONTENT = b"published" * 1000
HASH = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


class TruncatingServer(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        whole = self.path.startswith("/whole")
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT) if whole else 100))
        self.end_headers()
        self.wfile.write(CONTENT if whole else CONTENT[:100])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def address():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), TruncatingServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)
    return tmp_path / "cache" / "keras-sngp"


find = functools.partial(local_or_download, "things", ["a.txt", "b.txt"])


def test_a_folder_that_is_given_comes_before_the_one_of_the_environment(tmp_path, monkeypatch):
    for folder in ("given", "environment"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "b.txt").touch()
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path / "environment"))
    assert find(None) == tmp_path / "environment" / "b.txt"
    assert find(None, tmp_path / "given") == tmp_path / "given" / "b.txt"


def test_a_folder_of_the_data_set_comes_first(tmp_path):
    (tmp_path / "things").mkdir()
    for path in ("a.txt", "things/b.txt"):
        (tmp_path / path).touch()
    assert find(None, tmp_path) == tmp_path / "things" / "b.txt"


def test_a_missing_file_is_an_error_that_tells_where_it_was_looked_for(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        find(PublicFile("a.txt", "http://localhost:1/a.txt", HASH), tmp_path)
    assert "things needs one of these files: a.txt, b.txt" in str(caught.value)
    assert str(tmp_path / "things" / "a.txt") in str(caught.value)


def test_a_download_with_the_right_hash_is_kept(address, cache):
    path = find(PublicFile("a.txt", f"{address}/whole", HASH))
    assert path == cache / "a.txt"
    assert path.read_bytes() == CONTENT


def test_nothing_is_kept_of_a_truncated_download(address, cache):
    with pytest.raises(ValueError, match="hash"):
        find(PublicFile("a.txt", f"{address}/truncated", HASH))
    assert list(cache.iterdir()) == []


def test_a_source_that_is_out_of_reach_is_an_error_that_says_what_to_do(cache):
    with pytest.raises(OSError, match=r"a\.txt could not be downloaded .* Put it in a folder"):
        find(PublicFile("a.txt", "http://127.0.0.1:1/a.txt", HASH))


def test_a_failure_to_read_names_the_file_and_what_was_expected(tmp_path):
    path = tmp_path / "numbers.txt"
    path.write_text("x")
    with pytest.raises(ValueError, match=r"numbers\.txt must hold a number\. Received: ValueError: .*'x'"):
        read_checked(path, "a number", lambda file: int(file.read_text()))
