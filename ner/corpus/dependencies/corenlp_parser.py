"""Dependency trees by CoreNLP's parsers, for text and for given words."""

from __future__ import annotations

import os
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from ner.corpus.corenlp import UNATTACHED, ConversionError, CoreNLPError, Edge
from ner.corpus.dependencies.conversion import complete_tree
from ner.corpus.dependencies.models import NEURAL, SHIFT_REDUCE, TAGGER, Model, fetch_models
from ner.corpus.dependencies.pipeline import SENTENCE_END, ParsedToken, Pipeline, utf16_positions
from ner.corpus.dependencies.provider import TokenizedSentence
from ner.corpus.escapes import word_of_text
from ner.corpus.jars import class_path, jar_digests
from ner.corpus.sentence import DependencyTree, Sentence

FORMALISMS = ("sd", "ud")
PARSERS = ("shift_reduce", "neural")
_BATCH = 128  # sentences in one question to Java
_PIECE = 20_000  # characters of text in one question to Java, unless a paragraph is longer
_SEPARATES = re.compile(r"[\s\x00-\x20\x7f-\xa0\u2028\u2029\ufeff\ud800-\udfff]")
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")  # which cannot be written
_LINE_ENDS = re.compile(r"\r\n|[\r\n\x0b\x0c\x1c-\x1e\x85\u2029]")
_PARAGRAPH_END = re.compile(r"\n[^\S\n]*\n\s*")
_GIVEN = {"tokenize.whitespace": "true", "ssplit.eolonly": "true"}
_RAW = {"ssplit.newlineIsSentenceBreak": "two", "tokenize.options": "untokenizable=noneKeep"}
_ANNOTATOR = Path(__file__).parent / "java" / "BasicDependencies.class"
_KNOWN = ("The", "dog", "barks", ".")


class CoreNLPParser:
    """CoreNLP's shift-reduce parser and the conversion of gold trees, or its neural dependency parser.

    Java is started with the first sentence and kept until `close`; several threads may use one parser. A sentence that
    it fails on is found by halving, warned of with its source, and left without a tree.

    Args:
        formalism: `sd` or `ud`.
        parser: `shift_reduce`, a constituency parser whose trees are converted as gold trees are, or `neural`, which
            gives dependencies at once.
        classpath: CoreNLP's jars, or a directory of them, or `$CLASSPATH`; see `ner.corpus.jars.class_path`.
        cache_dir: where jars and models are, or are downloaded to.
        threads: of Java.
        memory: of Java's heap, in megabytes.
        timeout: seconds that Java may take over a batch of sentences.

    Raises:
        ValueError: for options that are out of range.
    """

    is_gold = False

    def __init__(
        self,
        *,
        formalism: str = "sd",
        parser: str = "shift_reduce",
        classpath: str | None = None,
        cache_dir: str | Path | None = None,
        threads: int = 2,
        memory: int = 2000,
        timeout: float = 300.0,
    ) -> None:
        for option, value, choices in (("formalism", formalism, FORMALISMS), ("parser", parser, PARSERS)):
            if value not in choices:
                raise ValueError(f"unknown {option} {value!r}: choose one of {', '.join(choices)}")
        if threads < 1 or memory < 1 or timeout <= 0:
            raise ValueError(f"threads={threads}, memory={memory} and timeout={timeout} have to be positive")
        self.formalism = formalism
        self.parser = parser
        self.classpath = classpath
        self.cache_dir = cache_dir
        self.threads = threads
        self.memory = memory
        self.timeout = timeout
        self._given: Pipeline | None = None
        self._raw: Pipeline | None = None

    def fingerprint(self) -> dict[str, Any]:
        return {
            "provider": "corenlp_parser",
            "formalism": self.formalism,
            "parser": self.parser,
            "models": {model.path: model.sha256 for model in self._models},
            "jars": jar_digests(self.classpath, self.cache_dir),
        }

    def attach(self, sentences: Iterable[Sentence], counts: Counter[str] | None = None) -> Iterator[Sentence]:
        counts = Counter() if counts is None else counts
        iterator = iter(sentences)
        while batch := list(islice(iterator, _BATCH)):
            edges = self._parse([sentence.words for sentence in batch])
            for sentence, found in zip(batch, edges, strict=True):
                tree = _tree(sentence, found, counts)
                counts["sentences"] += 1
                counts["without tree"] += tree is None
                yield replace(sentence, tree=tree, malformed=None)

    def parse_text(self, text: str, *, source: str = "text") -> list[TokenizedSentence]:
        """Split a text into sentences and tokens and parse them, as `TextParser` says."""
        sentences = []
        for start, piece in _pieces(text):
            positions = utf16_positions(piece)
            for tokens in self._ask_raw(piece):
                offsets = tuple((start + positions[token.begin], start + positions[token.end]) for token in tokens)
                place = f"{source}, character {offsets[0][0]}"
                words = tuple(word_of_text(text[begin:end]) for begin, end in offsets)
                sentence = Sentence(words=words, source=place)
                tree = _tree(sentence, [token.edge for token in tokens], Counter())
                sentences.append(TokenizedSentence(replace(sentence, tree=tree), offsets))
        return sentences

    def close(self) -> None:
        """End Java, which is started again if need be."""
        for pipeline in (self._given, self._raw):
            if pipeline is not None:
                pipeline.close()

    def __enter__(self) -> CoreNLPParser:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def _models(self) -> tuple[Model, Model]:
        return TAGGER, SHIFT_REDUCE if self.parser == "shift_reduce" else NEURAL[self.formalism]

    def _parse(self, sentences: Sequence[tuple[str, ...]]) -> list[list[Edge] | ConversionError]:
        """The edges of each sentence, or the error that Java met."""
        if not sentences:
            return []
        if not all(sentences):  # without a word, which Java would skip
            edges = iter(self._parse([words for words in sentences if words]))
            return [next(edges) if words else [] for words in sentences]
        try:
            return list(self._ask_given(sentences))
        except ConversionError as error:
            self._test()
            if len(sentences) == 1:
                return [error]
        middle = len(sentences) // 2
        return [*self._parse(sentences[:middle]), *self._parse(sentences[middle:])]

    def _ask_given(self, sentences: Sequence[tuple[str, ...]]) -> list[list[Edge]]:
        if self._given is None:
            self._given = self._pipeline(_GIVEN)
        lines = [" ".join(_SEPARATES.sub("_", word) or "_" for word in words) for words in sentences]
        answer = self._given.parse(SENTENCE_END.join(lines))
        if [" ".join(token.word for token in tokens) for tokens in answer] != lines:
            raise ConversionError("other words came back")
        return [[token.edge for token in tokens] for tokens in answer]

    def _ask_raw(self, piece: str) -> list[list[ParsedToken]]:
        if self._raw is None:
            self._raw = self._pipeline(_RAW)
        return self._raw.parse(_LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", _LINE_ENDS.sub(_one_line_end, piece)))

    def _test(self) -> None:
        """Tell an installation that does not work from a sentence that cannot be parsed."""
        try:
            self._ask_given([_KNOWN])
        except ConversionError as error:
            classpath, cause = class_path(self.classpath, self.cache_dir), "; ".join(str(error).splitlines())
            raise CoreNLPError(
                f"CoreNLP's parser does not work with the class path {classpath} ({cause}): "
                "give no class path, and unset CORENLP_HOME, to have the right jars downloaded"
            ) from error

    def _pipeline(self, options: dict[str, str]) -> Pipeline:
        classpath = class_path(self.classpath, self.cache_dir)
        tagger, parser = map(str, fetch_models(self._models, self.cache_dir))
        options = {**options, "pos.model": tagger, "pos.nthreads": str(self.threads)}
        if self.parser == "neural":
            options |= {"annotators": "tokenize,ssplit,pos,depparse", "depparse.model": parser}
            options["depparse.nthreads"] = str(self.threads)
        else:
            classpath = os.pathsep.join((classpath, str(_ANNOTATOR.parent)))
            options |= {"annotators": "tokenize,ssplit,pos,parse,basic", "parse.model": parser}
            options |= {"parse.binaryTrees": "false", "parse.buildgraphs": "false"}
            options["customAnnotatorClass.basic"] = _ANNOTATOR.stem
            options["parse.nthreads"] = str(self.threads)
            options["parse.originalDependencies"] = str(self.formalism == "sd").lower()
        return Pipeline(classpath=classpath, options=options, memory=self.memory, timeout=self.timeout)


def _tree(sentence: Sentence, found: list[Edge] | ConversionError, counts: Counter[str]) -> DependencyTree | None:
    if not sentence.words:
        return None
    try:
        if isinstance(found, ConversionError):
            raise found
        tree = complete_tree(found, range(len(sentence)), len(sentence))
    except (ConversionError, ValueError) as error:
        counts["failed"] += 1
        warnings.warn(f"{sentence.source}: CoreNLP cannot parse this sentence: {error}", stacklevel=2)
        return None
    counts["unattached"] += sum(relation == UNATTACHED for _, relation in found)
    return tree


def _one_line_end(found: re.Match[str]) -> str:
    """As many characters, of which one ends a line."""
    return SENTENCE_END.rjust(len(found[0]))


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Cut a text between paragraphs, into pieces that are not too long, each with the place where it begins."""
    start, end = 0, 0
    for paragraph_end in (*(found.end() for found in _PARAGRAPH_END.finditer(text)), len(text)):
        if paragraph_end - start > _PIECE and end > start:
            yield start, text[start:end]
            start = end
        end = paragraph_end
    if text[start:].strip():
        yield start, text[start:]
