"""The pipe to CoreNLP's shell, with a shell script in Java's place."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.corpus.corenlp import UNATTACHED, ConversionError, CoreNLPError
from ner.corpus.dependencies.pipeline import SENTENCE_END, Pipeline, utf16_positions

SHELL = f"""
import os, sys, time
for line in sys.stdin:
    if "die" in line:
        print("a cause\\n\\tat some.place", file=sys.stderr)
        sys.exit(3)
    if "memory" in line:
        sys.exit("Adding annotator\\njava.lang.OutOfMemoryError: Java heap space")
    if "heap" in line:
        print("Invalid maximum heap size: -Xmx100m\\nError: Could not create the Java Virtual Machine.")
        sys.exit(1)
    time.sleep(60 * ("sleep" in line))
    for sentence in line.rstrip("\\n").split({SENTENCE_END!r}):
        for number, word in enumerate(sentence.split(" "), 1):
            head = "_\\t_" if word == "loose" else f"{{number - 1}}\\t" + ("dep" if number > 1 else "ROOT")
            print(f"{{number}}\\t{{head}}\\t0\\t{{len(word)}}\\t{{word}}")
        print()
        if "pid" in line:
            print(f"1\\t0\\tROOT\\t0\\t0\\t{{os.getpid()}}\\n")
    sys.stdout.flush()
"""


@pytest.fixture
def fake_java(tmp_path, monkeypatch):
    """Puts a Python program in Java's place."""
    (tmp_path / "shell.py").write_text(SHELL)
    (tmp_path / "java").write_text(f"#!/bin/sh\nPYTHONIOENCODING=utf-8 exec {sys.executable} {tmp_path}/shell.py\n")
    (tmp_path / "java").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")


@pytest.fixture
def pipeline(fake_java):
    pipeline = Pipeline(classpath="any.jar", options={"annotators": "parse"}, memory=100, timeout=30.0)
    yield pipeline
    pipeline.close()


def words(sentences):
    return [[token.word for token in tokens] for tokens in sentences]


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"


def wait_until_gone(pid, seconds=5.0):
    end = time.monotonic() + seconds
    while is_alive(pid):
        assert time.monotonic() < end, "it lives on"
        time.sleep(0.02)


def test_questions_and_answers(pipeline):
    assert words(pipeline.parse("a b")) == [["a", "b"]]
    answer = pipeline.parse(f"é 😀{SENTENCE_END}loose")
    assert words(answer) == [["é", "😀"], ["loose"]]
    assert [token.edge for tokens in answer for token in tokens] == [(0, "root"), (1, "dep"), (0, UNATTACHED)]


def test_it_works_on_after_java_died(pipeline):
    with pytest.raises(ConversionError, match=r"\Aa cause\Z"):
        pipeline.parse("die")
    assert words(pipeline.parse("a")) == [["a"]]


def test_too_little_memory_is_told(pipeline):
    for word, reason in (
        ("memory", r"java\.lang\.OutOfMemoryError: .*"),
        ("heap", "Invalid maximum heap size: -Xmx100m"),
    ):
        with pytest.raises(
            CoreNLPError, match=rf"cannot work with 100 MB of memory \({reason}\): set dependencies\.memory"
        ):
            pipeline.parse(word)


def test_a_java_that_hangs_is_given_up(fake_java):
    pipeline = Pipeline(classpath="any.jar", options={}, memory=100, timeout=0.5)
    with pytest.raises(ConversionError, match=r"no answer in 0\.5 s"):
        pipeline.parse("sleep")


def test_no_java(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CoreNLPError, match="no java on the PATH"):
        Pipeline(classpath="any.jar", options={}, memory=100, timeout=1.0).parse("a")


def test_threads_get_their_own_answers(pipeline):
    wrong = []

    def ask(name):
        for number in range(20):
            if words(pipeline.parse(f"{name} {number}")) != [[name, str(number)]]:
                wrong.append((name, number))

    threads = [threading.Thread(target=ask, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_java_ends_with_its_pipeline(pipeline, fake_java):
    pids = [int(pipeline.parse("pid")[1][0].word)]
    pipeline.close()
    other = Pipeline(classpath="any.jar", options={}, memory=100, timeout=30.0)
    pids.append(int(other.parse("pid")[1][0].word))
    del other
    for pid in pids:
        wait_until_gone(pid)


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_java_ends_with_python_however_that_ends(fake_java, signal_number):
    code = textwrap.dedent("""
        import signal
        from ner.corpus.dependencies.pipeline import Pipeline
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        pipeline = Pipeline(classpath="any.jar", options={}, memory=100, timeout=30.0)
        print(pipeline.parse("pid")[1][0].word, flush=True)
        pipeline.parse("a" if %d == signal.SIGKILL else "sleep")
        input()
    """)
    process = subprocess.Popen(
        [sys.executable, "-c", code % signal_number],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # in the background a shell has it ignored
    )
    pid = int(process.stdout.readline())
    time.sleep(0.2)
    process.send_signal(signal_number)
    process.wait(timeout=5)
    wait_until_gone(pid)
    process.stdin.close()
    process.stdout.close()


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_positions_are_those_of_utf16(text):
    positions = utf16_positions(text)
    assert len(positions) == len(text.encode("utf-16-le")) // 2 + 1
    for unit in range(len(positions)):
        whole = text.encode("utf-16-le")[: 2 * unit].decode("utf-16-le", errors="ignore")
        assert positions[unit] == len(whole)
