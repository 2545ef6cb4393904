"""SemEval-2014 Task 4 (aspect based sentiment analysis) as XML: a sentence for each of its aspect terms, and back."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import ClassVar
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from ner.corpus.files import replacing
from ner.corpus.format import Format, Outcome
from ner.corpus.sentence import Sentence, Span
from ner.corpus.targets import POLARITIES, UNKNOWN, TargetPaths, check_target
from ner.corpus.text import Offsets, split_text

CONFLICT = "conflict"
_CHUNK = 2**16
_TAG = re.compile(rb"<aspectTerm(?:[^>\"']|\"[^\"]*\"|'[^']*')*>")
_POLARITY = re.compile(rb"\spolarity\s*=\s*(\"[^\"]*\"|'[^']*')")


@dataclass(frozen=True, kw_only=True)
class SemevalFiles(Format):
    """Files of `<sentence>` elements with a `<text>` and `<aspectTerm term= polarity= from= to=>` elements.

    The text is split into tokens, at the ends of the term too. Sentences without a term are left out. A term without a
    polarity is of the polarity `unknown`. Documents are the sentences of a file, by their ids, and parts their terms.

    Args:
        conflict: terms of this polarity, both positive and negative, are left out (`leave_out`), as in most published
            results, or kept (`keep`).

    Raises:
        ValueError: for another word.
    """

    name: ClassVar[str] = "semeval"
    patterns: ClassVar[tuple[str, ...]] = ("*.xml",)
    conflict: str = "leave_out"

    def __post_init__(self) -> None:
        if self.conflict not in ("leave_out", "keep"):
            raise ValueError(f"unknown conflict {self.conflict!r}: choose one of leave_out, keep")

    def formalism(self, file: Path) -> str | None:
        return None

    def parse(self, file: Path) -> Iterator[Outcome]:
        return (outcome for outcome, _ in self._examples(file))

    def rewrite(self, source: Path, target: Path, spans_of_sentences: Iterable[Sequence[Span]]) -> None:
        content = source.read_bytes()
        spans, copied = iter(spans_of_sentences), 0
        with replacing(target) as file:
            for sentence, start in self._examples(source):
                if isinstance(sentence, ValueError):
                    raise sentence
                if (found := next(spans, None)) is None:
                    raise ValueError(f"{sentence.source}: nothing left for this term; give as many as terms")
                label = check_target(sentence.source, sentence, tuple(found))
                tag = _TAG.match(content, start)
                assert tag is not None  # the parser has seen it there
                file.write(content[copied:start] + _with_polarity(tag[0], label))
                copied = tag.end()
            if next(spans, None) is not None:
                raise ValueError(f"{source}: fewer terms than spans for them; give as many as terms")
            file.write(content[copied:])

    def entities_in(self, file: Path) -> str:
        counts = Counter[str]()
        for _ in self._examples(file, counts):
            pass
        note = (
            f"aspect terms; left out are the sentences without one ({counts['without']:,} of {counts['sentences']:,})"
        )
        if self.conflict == "leave_out" and counts[CONFLICT]:
            note += f" and the terms of the polarity conflict ({counts[CONFLICT]:,})"
        return note

    def _examples(self, file: Path, counts: Counter[str] | None = None) -> Iterator[tuple[Outcome, int]]:
        """Each term's sentence, or what is wrong with it, and the byte where its tag begins."""
        counts = Counter() if counts is None else counts
        try:
            for sentence in _read(file):
                counts["sentences"] += 1
                counts["without"] += not sentence.terms
                for part, term in enumerate(sentence.terms):
                    if term.options.get("polarity") == CONFLICT:
                        counts[CONFLICT] += 1
                        if self.conflict == "leave_out":
                            continue
                    try:
                        yield _example(file, sentence, part), term.start
                    except ValueError as error:
                        yield error, term.start
        except ValueError as error:
            yield error, 0


@dataclass(frozen=True, kw_only=True)
class SemevalSource(TargetPaths, SemevalFiles):
    """Files of aspect terms: for each split one, or a directory of them."""


@dataclass(frozen=True, slots=True)
class _Term:
    options: Mapping[str, str]
    line: int
    start: int  # byte


@dataclass(slots=True)
class _Element:
    """A sentence as it is read."""

    id: str
    line: int
    text: list[str] = field(default_factory=list)
    terms: list[_Term] = field(default_factory=list)


class _Handler:
    """Collects sentences from the parser's events."""

    def __init__(self, file: Path, parser: expat.XMLParserType) -> None:
        self.file = file
        self.parser = parser
        self.path: list[str] = []
        self.finished: list[_Element] = []
        self.sentence: _Element | None = None
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.characters
        parser.StartDoctypeDeclHandler = self.doctype
        parser.XmlDeclHandler = self.declaration

    def start(self, name: str, options: dict[str, str]) -> None:
        if not self.path and name != "sentences":
            raise ValueError(f"{self.where}: <{name[:40]}> where SemEval-2014 has <sentences>: not a file of that task")
        self.path.append(name)
        if name == "sentence":
            self.sentence = _Element(options.get("id", ""), self.parser.CurrentLineNumber)
        elif name == "aspectTerm" and self.sentence is not None:
            self.sentence.terms.append(_Term(options, self.parser.CurrentLineNumber, self.parser.CurrentByteIndex))

    def end(self, name: str) -> None:
        self.path.pop()
        if name == "sentence" and self.sentence is not None:
            self.finished.append(self.sentence)
            self.sentence = None

    def characters(self, text: str) -> None:
        if self.sentence is not None and self.path[-1] == "text":
            self.sentence.text.append(text)

    def doctype(self, *_: object) -> None:
        raise ValueError(f"{self.where}: a document type declaration, which could define entities; remove it")

    def declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.upper() not in ("UTF-8", "UTF8", "US-ASCII"):
            raise ValueError(f"{self.where}: the encoding {encoding[:40]!r}; convert the file to UTF-8")

    @property
    def where(self) -> str:
        return f"{self.file}:{self.parser.CurrentLineNumber}"


def _read(file: Path) -> Iterator[_Element]:
    parser = expat.ParserCreate("UTF-8")
    parser.buffer_text = True
    handler = _Handler(file, parser)
    with file.open("rb") as opened:
        for chunk in chain(iter(lambda: opened.read(_CHUNK), b""), (None,)):
            try:
                parser.Parse(chunk or b"", chunk is None)
            except expat.ExpatError as error:
                reason = expat.ErrorString(error.code)
                raise ValueError(f"{file}:{error.lineno}: not well-formed XML ({reason})") from None
            yield from handler.finished
            handler.finished.clear()


def _example(file: Path, sentence: _Element, part: int) -> Sentence:
    term = sentence.terms[part]
    where, text, options = f"{file}:{term.line}", "".join(sentence.text), term.options
    try:
        start, end = int(options["from"]), int(options["to"])
    except (KeyError, ValueError):
        raise ValueError(
            f"{where}: an aspectTerm needs `from` and `to`, the characters where it begins and ends"
        ) from None
    if not 0 <= start < end <= len(text):
        raise ValueError(f"{where}: characters {start} to {end} are outside of the text, which has {len(text)}")
    if (found := text[start:end]) != options.get("term", found):
        raise ValueError(
            f"{where}: characters {start} to {end} of the text are {found!r}, not the term {options['term']!r}"
        )
    polarity = options.get("polarity", UNKNOWN)
    if polarity not in (*POLARITIES, CONFLICT, UNKNOWN):
        raise ValueError(f"{where}: the polarity {polarity!r}: expected {', '.join(POLARITIES)} or {CONFLICT}")
    tokens = [piece for token in chain.from_iterable(split_text(text)) for piece in _cut(token, (start, end))]
    inside = [place for place, (first, last) in enumerate(tokens) if start <= first and last <= end]
    if not inside:
        raise ValueError(f"{where}: the term {found!r} is white space")
    return Sentence(
        words=tuple(text[first:last] for first, last in tokens),
        spans=(Span(inside[0], inside[-1] + 1, polarity),),
        document="/".join("_".join(name.split()) for name in (file.stem, sentence.id or str(sentence.line))),
        part=part,
        source=where,
    )


def _cut(token: Offsets, places: Offsets) -> Iterator[Offsets]:
    """The token, cut where one of the places is inside of it."""
    start, end = token
    for place in places:
        if start < place < end:
            yield start, place
            start = place
    yield start, end


def _with_polarity(tag: bytes, label: str) -> bytes:
    value = quoteattr(label).encode()
    found = _POLARITY.search(tag)
    if found is None:
        name = len(b"<aspectTerm")
        return tag[:name] + b" polarity=" + value + tag[name:]
    return tag[: found.start(1)] + value + tag[found.end(1) :]
