"""The application in this process: right answers, and no request that it fails on."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("starlette")
pytest.importorskip("httpx")

from starlette.testclient import TestClient

from ner import Recognizer
from ner.service import Limits, application

TEXT = "Gita lives in Ulm. We met Ulm Gita!"


@pytest.fixture(scope="module")
def recognizer(run_directory):
    return Recognizer.load(run_directory, device="cpu", missing_trees="self_heads")


@pytest.fixture(scope="module")
def client(recognizer):
    with TestClient(application(recognizer, Limits(characters=2000, texts=8))) as client:
        yield client


def test_one_text_many_texts_and_words(client, recognizer):
    assert client.post("/tag", json={"text": TEXT, "k": 2}).json() == recognizer.read(TEXT, k=2).to_dict()
    many = client.post("/tag", json={"texts": [TEXT, ""]}).json()["documents"]
    assert [len(document["sentences"]) for document in many] == [2, 0]
    words = {"words": ["Gita", "lives", "in", "Ulm", "."], "heads": [1, 1, 3, 1, 1]}
    assert client.post("/tag", json=words).json() == recognizer.tag(**words).to_dict()


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 400, "expected JSON"),
        (b"{", 400, "expected JSON"),
        (b"\xff\xfe", 400, "expected JSON"),
        (b"[" * 20_000, 400, "expected JSON"),
        (b"[]", 400, "JSON object"),
        (b"{}", 400, "one of text, texts and words"),
        (json.dumps({"text": 1}).encode(), 400, "text must be a string"),
        (json.dumps({"texts": "a"}).encode(), 400, "a list of strings"),
        (json.dumps({"texts": ["a", None]}).encode(), 400, "a list of strings"),
        (json.dumps({"text": "a", "texts": []}).encode(), 400, "one of"),
        (json.dumps({"text": "a", "colour": 1}).encode(), 400, "unknown field 'colour'"),
        (json.dumps({"text": "a", "k": -1}).encode(), 400, "k must be"),
        (json.dumps({"text": "a", "k": True}).encode(), 400, "k must be"),
        (json.dumps({"text": "a", "k": 1e9}).encode(), 400, "k must be"),
        (json.dumps({"text": "a", "heads": [0]}).encode(), 400, "beside words"),
        (json.dumps({"words": []}).encode(), 400, "words of a sentence"),
        (json.dumps({"words": ["a b"]}).encode(), 400, "white space"),
        (json.dumps({"words": ["a"], "heads": [5]}).encode(), 400, "outside"),
        (json.dumps({"words": ["a"], "heads": [None]}).encode(), 400, "whole numbers"),
        (json.dumps({"words": ["a"], "heads": [0], "relations": [1]}).encode(), 400, "strings"),
        (json.dumps({"text": "a" * 2001}).encode(), 413, "2,001 characters"),
        (json.dumps({"texts": ["a"] * 9}).encode(), 413, "9 texts"),
        (b" " * 100_000, 413, "larger than"),
    ],
)
def test_bad_requests_are_told_what_is_wrong(client, body, status, message):
    answer = client.post("/tag", content=body)
    assert answer.status_code == status
    assert message in answer.json()["error"]


def test_half_a_character_is_no_word(client):
    answer = client.post("/tag", content=b'{"text": "Gita \\ud800"}')
    assert answer.status_code == 400
    assert "half a character" in answer.json()["error"]


def test_any_text_is_answered(client):
    for text in ("\ud800", "\x00", "\u202e🙂\u0301", "a" * 2000, "( " * 900, "\r\n\r\n", "\ufeff"):
        body = json.dumps({"text": text}).encode()
        answer = client.post("/tag", content=body)
        assert answer.status_code in (200, 400), text


def test_health_metrics_and_the_page(client):
    assert client.get("/health").json()["labels"] == ["GPE", "PERSON"]
    client.post("/tag", json={"text": TEXT})
    metrics = client.get("/metrics").text
    assert 'ner_requests_total{status="200"}' in metrics
    assert "ner_waiting 0" in metrics
    page = client.get("/")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<textarea" in page.text
    assert (client.get("/tag").status_code, client.get("/nothing").status_code) == (405, 404)


class Slow:
    """A recognizer that waits until it may go on."""

    labels, formalism, uses_trees = (), "given", False

    def __init__(self, recognizer):
        self.recognizer = recognizer
        self.may_go_on = threading.Event()

    def close(self):
        pass

    def read_all(self, texts, *, k=0):
        self.may_go_on.wait(20)
        return self.recognizer.read_all(texts, k=k)


def test_too_many_requests_are_refused_and_the_others_answered(recognizer):
    slow = Slow(recognizer)
    with TestClient(application(slow, Limits(queue=3))) as client, ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(client.post, "/tag", json={"text": TEXT}) for _ in range(8)]
        while sum(answer.done() for answer in answers) < 5:
            time.sleep(0.01)
        slow.may_go_on.set()
        assert sorted(answer.result().status_code for answer in answers) == [200] * 3 + [503] * 5
        assert "ner_waiting 0" in client.get("/metrics").text


def test_a_request_that_takes_too_long_is_answered(recognizer):
    slow = Slow(recognizer)
    with TestClient(application(slow, Limits(seconds=0.1))) as client:
        answer = client.post("/tag", json={"text": TEXT})
        assert (answer.status_code, answer.json()["error"]) == (504, "not done within 0.1 seconds")
        slow.may_go_on.set()
        while client.post("/tag", json={"text": TEXT}).status_code != 200:
            time.sleep(0.01)


def test_a_request_that_is_answered_too_late_counts_until_it_is_done(recognizer):
    slow = Slow(recognizer)
    with TestClient(application(slow, Limits(queue=1, seconds=0.1))) as client:
        statuses = [client.post("/tag", json={"text": TEXT}).status_code for _ in range(2)]
        assert statuses == [504, 503]
        assert "ner_waiting 1" in client.get("/metrics").text
        slow.may_go_on.set()
        while "ner_waiting 0" not in client.get("/metrics").text:
            time.sleep(0.01)


def test_a_failure_of_ours_is_a_plain_500_and_the_next_request_is_answered(recognizer, caplog):
    class Broken(Slow):
        def read_all(self, texts, *, k=0):
            raise RuntimeError("secret")

    with TestClient(application(Broken(recognizer)), raise_server_exceptions=False) as client:
        answer = client.post("/tag", json={"text": TEXT})
        assert answer.status_code == 500
        assert "secret" not in answer.text
        assert client.get("/health").status_code == 200
        assert 'ner_requests_total{status="500"} 1' in client.get("/metrics").text
    assert "secret" in caplog.text


@pytest.mark.parametrize("name", ["characters", "texts", "queue", "seconds"])
def test_limits_are_positive(name):
    with pytest.raises(ValueError, match=f"{name} is 0"):
        Limits(**{name: 0})
