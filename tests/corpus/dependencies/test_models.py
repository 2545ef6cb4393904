import hashlib
import io
import os
import re
import socketserver
import threading
import zipfile
from http.server import BaseHTTPRequestHandler

import pytest

from ner.corpus.dependencies.models import Model, fetch_models
from ner.corpus.jars import Jar

CONTENT = {"a/one.gz": os.urandom(300_000), "b/two.tagger": b"two" * 1000, "b/other": os.urandom(200_000)}
JAR = Jar("org.example", "thing", "1.0", "MIT", "", "models")
ONE, TWO = (
    Model(JAR, name, len(CONTENT[name]), hashlib.sha256(CONTENT[name]).hexdigest())
    for name in ("a/one.gz", "b/two.tagger")
)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        content, asked = self.server.content, re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        self.server.requests.append(self.headers.get("Range"))
        if content is None:
            self.send_error(404)
            return
        if asked and self.server.takes_ranges:
            start, end = int(asked[1]), min(int(asked[2]) + 1, len(content))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
            content = content[start:end]
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.server.sent += len(content)

    def log_message(self, format, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    """A repository of one jar of three files."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    jar = io.BytesIO()
    with zipfile.ZipFile(jar, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in CONTENT.items():
            archive.writestr(f"edu/stanford/nlp/models/{name}", content)
    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        server.content, server.takes_ranges, server.requests, server.sent = jar.getvalue(), True, [], 0
        server.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("takes_ranges", [True, False])
def test_models_are_taken_out_of_their_jar_once(server, tmp_path, monkeypatch, takes_ranges):
    monkeypatch.setattr("ner.corpus.dependencies.models._BLOCK", 1 << 16)
    server.takes_ranges = takes_ranges
    paths = fetch_models((ONE, TWO), tmp_path, repository=server.url)
    assert paths == (tmp_path / "1.0-one.gz", tmp_path / "1.0-two.tagger")
    assert [path.read_bytes() for path in paths] == [CONTENT[ONE.path], CONTENT[TWO.path]]
    assert sorted(os.listdir(tmp_path)) == ["1.0-one.gz", "1.0-two.tagger"]
    requests = len(server.requests)
    assert fetch_models((ONE, TWO), tmp_path, repository=server.url) == paths
    assert len(server.requests) == requests


def test_only_what_is_needed_is_downloaded(server, tmp_path, monkeypatch):
    monkeypatch.setattr("ner.corpus.dependencies.models._BLOCK", 1 << 12)
    fetch_models((TWO,), tmp_path, repository=server.url)
    assert server.sent < 20_000 < len(server.content)


def test_the_size_is_said_before(server, tmp_path, caplog):
    caplog.set_level("INFO")
    fetch_models((ONE, TWO), tmp_path, repository=server.url)
    assert caplog.messages[0].startswith("0.3 MB of CoreNLP's models (MIT) are downloaded to")
    server.takes_ranges = False
    fetch_models((ONE,), tmp_path / "new", repository=server.url)
    assert "sends no part of a file, so all 0.5 MB are downloaded" in caplog.messages[-1]


@pytest.mark.parametrize("takes_ranges", [True, False])
def test_what_is_not_the_pinned_model_is_not_kept(server, tmp_path, takes_ranges):
    server.takes_ranges = takes_ranges
    with pytest.raises(
        ValueError, match=r"a/one.gz in thing-1.0-models.jar is not what .* SHA-256 is [0-9a-f]{64}, not 0"
    ):
        fetch_models((ONE._replace(sha256="0" * 64),), tmp_path, repository=server.url)
    with pytest.raises(ValueError, match="is not the jar that it should be"):
        fetch_models((ONE._replace(path="a/none"),), tmp_path, repository=server.url)
    server.content = b"<html>Please log in</html>"
    with pytest.raises(ValueError, match="does a proxy answer"):
        fetch_models((ONE,), tmp_path, repository=server.url)
    assert os.listdir(tmp_path) == []


def test_a_cached_model_of_another_size_is_named(tmp_path):
    (tmp_path / ONE.file_name).write_bytes(b"cut")
    with pytest.raises(ValueError, match=r"1\.0-one\.gz is not CoreNLP's a/one.gz: delete it"):
        fetch_models((ONE,), tmp_path)


def test_no_network_says_what_to_do(server, tmp_path):
    server.content = None
    with pytest.raises(OSError, match=r"cannot download .*404.*GPL v3.*HTTPS_PROXY"):
        fetch_models((ONE,), tmp_path, repository=server.url)
    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as closed:
        url = f"http://127.0.0.1:{closed.server_address[1]}"
    with pytest.raises(OSError, match=r"cannot download .*refused.*copy "):
        fetch_models((ONE,), tmp_path, repository=url)
