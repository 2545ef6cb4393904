"""The command and its page: a real server, asked by a client and by a browser."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse
from dataclasses import replace
from html import unescape

import pytest

from ner import Recognizer
from ner.corpus.sentence import DependencyTree

pytest.importorskip("starlette")
uvicorn = pytest.importorskip("uvicorn")


class Chain:
    """A tree provider: in every sentence each word hangs on the one before."""

    formalism = "given"
    is_gold = False

    def fingerprint(self):
        return {"provider": "test"}

    def attach(self, sentences, counts=None):
        for sentence in sentences:
            heads = (1, 1, 3, 1, 1) if sentence.words[1:3] == ("lives", "in") else (0, *range(len(sentence) - 1))
            relations = ["root" if head == word else "nsubj" for word, head in enumerate(heads)]
            yield replace(sentence, tree=DependencyTree(heads, tuple(relations)))


@pytest.fixture(scope="module")
def url(run_directory):
    """A server in a thread, on a port of its own."""
    from ner.service import Limits, application

    recognizer = Recognizer.load(run_directory, device="cpu", trees=Chain())
    config = uvicorn.Config(application(recognizer, Limits()), port=0, log_level="critical", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    host, port = server.servers[0].sockets[0].getsockname()
    assert host == "127.0.0.1"
    yield f"http://{host}:{port}"
    server.should_exit = True
    thread.join()


def test_a_sentence_typed_into_the_page_shows_its_entities(url):
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("there is no Chromium here")
    text = "We met 🙂 Ulm Gita. <b>Ada</b>. Gita lives in Ulm."
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=8000", "--dump-dom"]
    found = subprocess.run(
        [*command, f"{url}/?text={urllib.parse.quote(text)}"], capture_output=True, text=True, timeout=120, check=True
    ).stdout
    shown = re.search(r'<div id="text" class="text">(.*?)</div>', found, re.DOTALL)
    assert shown
    assert re.search(r'role="status"[^>]*>\d+ entit(y|ies), 3 sentences<', found)
    without = re.sub(r"<span.*?</span>|</?mark[^>]*>", "", shown[1])
    assert unescape(without) == text
    assert re.search(r'<mark class="s1">Ulm<span class="label">PERSON \d+\.\d+ %</span></mark>', shown[1])
    assert found.count("<svg") == 3
    assert found.count('class="arc"') == 6 + 9 + 5  # one a token


def test_the_command_refuses_a_port_in_use_and_a_run_that_is_none(run_directory, tmp_path, run_command):
    status, errors = run_command("serve", f"run={tmp_path}", "device=cpu")
    assert status == 1
    assert "is not the directory of a run" in errors
    status, errors = run_command("serve", f"run={run_directory}", "device=cpu", "limits.queue=0")
    assert (status, errors) == (1, "error: limits.queue is 0: it must be a whole number from 1 to 1,000,000,000\n")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        status, errors = run_command("serve", f"run={run_directory}", "device=cpu", "threads=1", f"port={port}")
    assert status == 1
    assert f"port={port}" in errors
