import functools
import hashlib
import os
import socketserver
import threading
from http.server import SimpleHTTPRequestHandler

import pytest

from ner.corpus import jars
from ner.corpus.jars import Jar, class_path, fetch_jars

CONTENT = b"not really a jar"


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        self.server.requests.append(self.path)


@pytest.fixture(autouse=True)
def own_environment(monkeypatch, tmp_path):
    for name in ("CLASSPATH", "CORENLP_HOME", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NER_CACHE", str(tmp_path / "cache"))
    jar = Jar("org.example", "thing", "1.0", "MIT", hashlib.sha256(CONTENT).hexdigest())
    monkeypatch.setattr(jars, "JARS", (jar,))


@pytest.fixture
def server(tmp_path):
    """A Maven repository of one jar on the loopback, which lists what it was asked for."""
    jar = tmp_path / "repository" / "org/example/thing/1.0/thing-1.0.jar"
    jar.parent.mkdir(parents=True)
    jar.write_bytes(CONTENT)
    handler = functools.partial(QuietHandler, directory=str(tmp_path / "repository"))
    with socketserver.TCPServer(("127.0.0.1", 0), handler) as server:
        server.requests = []
        server.url = f"http://127.0.0.1:{server.server_address[1]}"
        server.jar = jar
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_jar_is_downloaded_once(server, tmp_path):
    [path] = fetch_jars(repository=server.url)
    assert path == tmp_path / "cache" / "thing-1.0.jar"
    assert path.read_bytes() == CONTENT
    assert fetch_jars(repository=server.url) == (path,)
    assert len(server.requests) == 1
    assert os.listdir(path.parent) == ["thing-1.0.jar"]
    assert class_path() == str(path)


def test_the_cache_directory_can_be_given(server, tmp_path):
    assert fetch_jars(tmp_path / "elsewhere", repository=server.url) == (tmp_path / "elsewhere" / "thing-1.0.jar",)


def test_a_download_with_another_digest_is_refused_and_not_kept(server, tmp_path):
    server.jar.write_bytes(b"<html>Please log in</html>")
    with pytest.raises(ValueError, match=r"thing-1\.0\.jar is not what it should be: its SHA-256 is [0-9a-f]{64}, not"):
        fetch_jars(repository=server.url)
    assert os.listdir(tmp_path / "cache") == []


def test_a_cached_jar_with_another_digest_is_named(tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "thing-1.0.jar").write_bytes(CONTENT[:-1])
    with pytest.raises(ValueError, match=r"cache.thing-1\.0\.jar is not thing 1\.0: .* delete it"):
        class_path()


def test_a_missing_jar_says_what_to_do(server):
    server.jar.unlink()
    with pytest.raises(OSError, match=r"(?s)cannot download .*404.*GPL v3.*HTTPS_PROXY.*CORENLP_HOME"):
        fetch_jars(repository=server.url)


def test_no_network_says_what_to_do():
    with socketserver.TCPServer(("127.0.0.1", 0), QuietHandler) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}"
    with pytest.raises(OSError, match=r"cannot download .*refused.*HTTPS_PROXY"):
        fetch_jars(repository=url)


def test_the_class_path_given_comes_first(tmp_path, monkeypatch):
    monkeypatch.setenv("CORENLP_HOME", str(tmp_path))
    monkeypatch.setenv("CLASSPATH", "b.jar")
    assert class_path("a.jar") == "a.jar"
    assert class_path("$CLASSPATH") == "b.jar"
    assert class_path() == class_path(str(tmp_path)) == str(tmp_path / "*")
    monkeypatch.setenv("CORENLP_HOME", "$CLASSPATH")
    assert class_path() == "b.jar"


def test_environment_variables_that_lead_nowhere_are_refused(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="CLASSPATH is not set"):
        class_path("$CLASSPATH")
    monkeypatch.setenv("CORENLP_HOME", str(tmp_path / "nothing"))
    with pytest.raises(ValueError, match=r"CORENLP_HOME=.*nothing is no directory; unset it"):
        class_path()
