"""CoreNLP's annotation pipeline in a Java program of its own, asked a line at a time over a pipe.

The program is CoreNLP's interactive shell: it annotates each line of its standard input as a document. So there is no
port that others could reach or that could be taken, and Java ends when its input is closed, however this process ended.
"""

from __future__ import annotations

import random
import re
import string
import subprocess
import tempfile
import threading
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, NamedTuple

from ner.corpus.corenlp import UNATTACHED, ConversionError, CoreNLPError, Edge, end_of, java_command, release

SENTENCE_END = "\u2028"
"""Java takes it for the end of a line of text, and the shell does not take it for the end of its input's."""
_SHELL = "edu.stanford.nlp.pipeline.StanfordCoreNLP"
_COLUMNS = "idx,headidx,deprel,BEGIN_POS,END_POS,word"
_LAST = "".join(random.SystemRandom().choices(string.ascii_lowercase, k=24))  # no text holds it by accident or design
_MEMORY = re.compile("OutOfMemoryError|reserve enough space|heap size")


class ParsedToken(NamedTuple):
    """A token with its edge; `begin` and `end` count UTF-16 code units from the beginning of the line."""

    edge: Edge
    begin: int
    end: int
    word: str


class Pipeline:
    """A pipeline that is started when it is first asked, and anew after it died; several threads may ask it.

    Args:
        classpath: CoreNLP's jars, as Java's -cp wants them.
        options: of the pipeline, without the leading `-`.
        memory: of Java's heap, in megabytes.
        timeout: seconds after which a line that has not been answered is given up.
    """

    def __init__(self, *, classpath: str, options: dict[str, str], memory: int, timeout: float) -> None:
        self.classpath = classpath
        self.options = options
        self.memory = memory
        self.timeout = timeout
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None
        self._finalizer: weakref.finalize[..., Pipeline] | None = None

    def parse(self, line: str) -> list[list[ParsedToken]]:
        """Give the tokens of each sentence of a line.

        Args:
            line: without line feeds and carriage returns.

        Raises:
            ConversionError: when Java fails on it; the message holds what Java said.
            CoreNLPError: when there is no Java, or not enough memory.
        """
        with self._lock:
            process = self._started()
            started = time.monotonic()
            watchdog = threading.Timer(self.timeout, process.kill)
            watchdog.start()
            try:
                return self._ask(process, line)
            except (OSError, EOFError) as error:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=5)
                timed_out = time.monotonic() - started >= self.timeout
                assert self._stderr is not None
                said = "" if isinstance(error, OSError) else "; ".join(str(error).splitlines())
                cause = f"no answer in {self.timeout:g} s" if timed_out else said or end_of(self._stderr)
                self._stop()
                reason = next(filter(_MEMORY.search, cause.split("; ")), None)
                if reason is not None:
                    raise CoreNLPError(
                        f"Java cannot work with {self.memory} MB of memory ({reason}): set dependencies.memory to "
                        "more, or to less where the machine has not that much"
                    ) from error
                raise ConversionError(cause) from error
            except BaseException:  # interrupted between question and answer: what comes next would not fit
                self._stop()
                raise
            finally:
                watchdog.cancel()

    def close(self) -> None:
        """End the Java program."""
        with self._lock:
            self._stop()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            options = {**self.options, "outputFormat": "conll", "output.columns": _COLUMNS}
            arguments = [part for name, value in options.items() for part in (f"-{name}", value)]
            encoding = ("-Dfile.encoding=UTF-8", "-Dstdin.encoding=UTF-8", "-Dstdout.encoding=UTF-8")
            command = java_command(self.classpath, _SHELL, *arguments, memory=self.memory, options=encoding)
            self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process)
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr)
            self._process = process
            self._finalizer = weakref.finalize(self, _end, process, self._stderr)
        return self._process

    def _stop(self) -> None:
        if self._finalizer is not None:
            self._finalizer()
        self._process = self._stderr = self._finalizer = None

    def _ask(self, process: subprocess.Popen[bytes], line: str) -> list[list[ParsedToken]]:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{line}\n{_LAST}\n".encode())
        process.stdin.flush()
        sentences: list[list[ParsedToken]] = []
        tokens: list[ParsedToken] = []
        while True:
            answer = process.stdout.readline()
            if not answer:
                raise EOFError
            if answer != b"\n":
                if answer.count(b"\t") != _COLUMNS.count(","):  # Java itself speaks: it could not start
                    process.kill()
                    raise EOFError((answer + process.stdout.read()).decode(errors="replace"))
                tokens.append(_token(answer.decode(errors="replace")))
            elif tokens:
                if len(tokens) == 1 and tokens[0].word == _LAST:
                    return sentences
                sentences.append(tokens)
                tokens = []


def _end(process: subprocess.Popen[bytes], stderr: IO[bytes]) -> None:
    process.kill()
    process.wait()
    release(process)
    stderr.close()


def _token(line: str) -> ParsedToken:
    _, head, relation, begin, end, word = line.removesuffix("\n").split("\t")
    edge = (0, UNATTACHED) if not head.isdecimal() else (int(head), "root" if head == "0" else relation)
    return ParsedToken(edge, int(begin), int(end), word)


def utf16_positions(text: str) -> Sequence[int]:
    """The character at which each UTF-16 code unit of a text begins, and its end: what `ParsedToken` counts."""
    if text.isascii() or max(text) <= "\uffff":
        return range(len(text) + 1)
    positions = []
    for position, character in enumerate(text):
        positions += [position] * (2 if character > "\uffff" else 1)
    return [*positions, len(text)]
