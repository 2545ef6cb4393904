"""The two converters of CoreNLP from constituency trees to dependencies, each a Java program of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from ner.corpus.constituency import Constituency
from ner.corpus.languages import ENGLISH, Language

Edge = tuple[int, str]
"""A word's head (1-based, 0 above the root) and relation."""

UNATTACHED = "erased"
"""The relation, with head 0, of a word that CoreNLP leaves out of the tree."""

# With hash codes that do not depend on where an object lies, a tree converts alike whatever was converted before it;
# some Java machines do not know these options.
_JAVA_OPTIONS = (
    "-XX:+UseSerialGC",
    "-XX:+IgnoreUnrecognizedVMOptions",
    "-XX:+UnlockExperimentalVMOptions",
    "-XX:hashCode=2",
)
_BREAKS_LEAVES = re.compile(r"[\s\x00-\x20]")


class CoreNLPError(RuntimeError):
    """CoreNLP does not work here at all: no Java, or not the right jars."""


class ConversionError(RuntimeError):
    """CoreNLP failed on some of the trees that it was given."""


class Converter(ABC):
    """A Java program that converts trees; it is started when there is something to convert, and anew if it died.

    Args:
        classpath: CoreNLP's jars, as Java's -cp wants them.
        timeout: seconds after which a call that has not been answered is given up.
    """

    language = ENGLISH

    def __init__(self, *, classpath: str, timeout: float) -> None:
        self.classpath = classpath
        self.timeout = timeout
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def convert(self, trees: Sequence[Constituency]) -> list[list[Edge]]:
        """Give the edges of each tree, one for each of its words.

        Raises:
            ConversionError: when it fails on any of the trees; the message holds what Java said.
            CoreNLPError: when there is no Java.
        """

    def kill(self) -> None:
        """End the Java program at once; a `convert` that waits for it in another thread fails."""
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the Java program, and give back what it held."""
        self.kill()

    def self_test(self) -> None:
        """Convert a known sentence, to tell an installation that does not work from a tree that cannot be converted.

        Raises:
            CoreNLPError: saying what Java said, and what to do.
        """
        brackets, words, pos, expected = self.language.known
        try:
            [edges] = self.convert([Constituency(brackets, words, pos, tuple(range(len(words))))])
        except ConversionError as error:
            raise CoreNLPError(
                f"CoreNLP does not work with the class path {self.classpath}: {error}. The class path has to hold "
                "stanford-corenlp, 4.5.2 or later, and the protobuf-java that belongs to it (3.25 for 4.5.10). Give "
                "no class path, and unset CORENLP_HOME, to have the right jars downloaded."
            ) from error
        if edges != list(expected):
            raise CoreNLPError(
                f"CoreNLP in {self.classpath} makes {edges} of the test sentence, where {list(expected)} is right; "
                "give no class path, and unset CORENLP_HOME, to have the tested version downloaded."
            )

    def _command(self, program: str, *arguments: str) -> list[str]:
        return java_command(self.classpath, program, *arguments)


def release(process: subprocess.Popen[bytes]) -> None:
    """Close the pipes to a program that has ended."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):  # what was not yet written to it
                stream.close()


def java_command(
    classpath: str, program: str, *arguments: str, memory: int = 512, options: Sequence[str] = ()
) -> list[str]:
    """The command that runs a program of CoreNLP.

    Args:
        memory: of Java's heap, in megabytes. 512 are enough to convert sentences of 1,000 words.
        options: for Java, beside those that it always gets.

    Raises:
        CoreNLPError: where there is no Java.
    """
    java = shutil.which("java")
    if java is None:
        raise CoreNLPError(
            "there is no java on the PATH: CoreNLP, which makes dependency trees, needs Java 8 or later. Install one "
            "(such as OpenJDK), or choose dependencies=given for a corpus whose files hold heads and relations."
        )
    return [java, f"-Xmx{memory}m", *_JAVA_OPTIONS, *options, "-cp", classpath, program, *arguments]


class UniversalConverter(Converter):
    """Universal Dependencies (version 2, basic) from a process that stays, asked through Stanza's client."""

    _client: Any = None
    _stderr: IO[bytes]

    def convert(self, trees: Sequence[Constituency]) -> list[list[Edge]]:
        from google.protobuf.message import DecodeError

        if self._client is None:
            self._start()
        client, request = self._client, _request(trees)
        started = time.monotonic()
        watchdog = threading.Timer(self.timeout, client.pipe.kill)  # Stanza's client waits for ever
        watchdog.start()
        try:
            response = client.process_request(request)
        except (OSError, DecodeError) as error:
            client.pipe.wait()
            timed_out = time.monotonic() - started >= self.timeout
            cause = f"no answer in {self.timeout:g} s" if timed_out else end_of(self._stderr)
            self.close()
            raise ConversionError(cause) from error
        finally:
            watchdog.cancel()
        if len(response.conversions) != len(trees):
            raise ConversionError(f"{len(response.conversions)} trees came back for {len(trees)}")
        return [_edges_of(conversion.graph, tree) for conversion, tree in zip(response.conversions, trees, strict=True)]

    def close(self) -> None:
        super().close()
        process, self._process, self._client = self._process, None, None
        if process is not None:
            process.wait()
            release(process)
            self._stderr.close()

    def _start(self) -> None:
        from stanza.server.dependency_converter import DependencyConverter

        client = DependencyConverter(classpath=self.classpath)
        command = self._command(client.java_main, "-multiple")
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process)
        # What the client's own open_pipe would do, but with options for Java and with its stderr kept
        client.pipe = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr)
        self._client, self._process = client, client.pipe


def _request(trees: Sequence[Constituency]) -> Any:
    """The request that Stanza builds from its own trees, built from the brackets in a twentieth of the time."""
    from stanza.protobuf import DependencyConverterRequest

    request = DependencyConverterRequest()
    for tree in trees:
        add_node = request.trees.add().nodes.add
        leaves = zip(tree.pos, tree.words, strict=True)
        for token in tree.tokens():
            if token == "*":
                tag, word = next(leaves)
                add_node(openNode=True)
                add_node(value=tag)
                add_node(value=word)
                add_node(closeNode=True)
            elif token == ")":
                add_node(closeNode=True)
            else:
                add_node(openNode=True)
                add_node(value=token[1:])
    return request


def _edges_of(graph: Any, tree: Constituency) -> list[Edge]:
    edges = [(0, UNATTACHED)] * len(tree.words)
    for root in graph.root:
        edges[root - 1] = (0, "root")
    for edge in graph.edge:
        edges[edge.target - 1] = (edge.source, edge.dep)
    return edges


class StanfordConverter(Converter):
    """Basic dependencies with punctuation, from a run of CoreNLP's command line for each call.

    Args:
        language: of the trees.
        formalism: `sd`, or another that the language has a program for.
    """

    def __init__(self, *, classpath: str, timeout: float, language: Language = ENGLISH, formalism: str = "sd") -> None:
        super().__init__(classpath=classpath, timeout=timeout)
        self.language = language
        self._program = language.programs[formalism]

    def convert(self, trees: Sequence[Constituency]) -> list[list[Edge]]:
        with tempfile.TemporaryDirectory(prefix="corenlp-") as directory:
            treebank = Path(directory) / "trees.mrg"
            treebank.write_text("\n".join(_penn_brackets(tree, self.language) for tree in trees), encoding="utf-8")
            options = ("-basic", "-keepPunct", "-conllx", "-treeFile", str(treebank))
            command = self._command(*self._program, *options)
            with tempfile.TemporaryFile() as stderr:
                with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr) as java:
                    self._process = java
                    try:
                        output, _ = java.communicate(timeout=self.timeout)
                    except subprocess.TimeoutExpired as error:
                        raise ConversionError(f"no answer in {self.timeout:g} s") from error
                    finally:
                        java.kill()
                        self._process = None
                if java.returncode:
                    raise ConversionError(end_of(stderr))
        converted = [[_edge_of(line) for line in block.split("\n")] for block in output.decode().split("\n\n") if block]
        # Java skips a tree that it cannot read, or that raises a NullPointerException, and ends as if all were well
        if list(map(len, converted)) != [len(tree.words) for tree in trees]:
            raise ConversionError(f"{len(converted)} trees came back for {len(trees)}, or some with other words")
        return converted


def _penn_brackets(tree: Constituency, language: Language = ENGLISH) -> str:
    """Write a tree as in the Penn Treebank, on one line."""

    def leaf(tag: str, word: str) -> str:
        kept = "XX" if tag in language.deleted_tags else tag  # CoreNLP would drop the word
        return f"({_leaf(kept)} {_leaf(language.leaves.get(word, word))})"

    leaves = map(leaf, tree.pos, tree.words)
    return "".join(next(leaves) if token == "*" else token + " " for token in tree.tokens())


def _leaf(text: str) -> str:
    """Escape what would end a leaf: brackets as the Penn Treebank does, each space or control character as _."""
    return _BREAKS_LEAVES.sub("_", text).replace("(", "-LRB-").replace(")", "-RRB-") or "_"


def _edge_of(line: str) -> Edge:
    cells = line.split("\t")
    return int(cells[6]), cells[7]


def end_of(stderr: IO[bytes], lines: int = 12) -> str:
    """The last lines of what Java said: the causes, without the places in its code."""
    stderr.seek(0)
    said = [line for line in stderr.read().decode(errors="replace").splitlines() if not line.startswith("\tat ")]
    return "; ".join(said[-lines:]) or "Java ended without a word"
