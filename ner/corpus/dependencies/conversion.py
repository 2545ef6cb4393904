"""Dependency trees converted from the gold constituency trees of a corpus, as Universal or Stanford Dependencies."""

from __future__ import annotations

import threading
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import Any, ClassVar, TypeVar

from ner.corpus.constituency import Constituency, constituency
from ner.corpus.corenlp import UNATTACHED, ConversionError, Converter, Edge, StanfordConverter, UniversalConverter
from ner.corpus.jars import class_path, jar_digests
from ner.corpus.languages import ENGLISH, Language
from ner.corpus.sentence import DependencyTree, Sentence

_T = TypeVar("_T")

_COMMAND_LINE_BATCH = 4000  # sentences: a Java program is started for each batch

Outcome = list[Edge] | ConversionError
"""What became of one tree."""


class _CoreNLPDependencies:
    """Conversion by Java programs, several at once, that are kept while `attach` runs.

    Java is started, and its jars are looked for, when the first sentence comes that has something to convert. Words
    that the converter leaves out of the tree, and traces, which it never sees, get a place in it by `complete_tree`.
    A sentence that the converter fails on is found by halving, warned of with its source, and left without a tree.

    Args:
        classpath: CoreNLP's jars, or a directory of them, or `$CLASSPATH`; see `ner.corpus.jars.class_path`.
        cache_dir: where the jars are, or are downloaded to, if no class path is given.
        num_jvms: how many Java programs run at the same time.
        timeout: seconds that one of them may take over a batch of sentences.
    """

    formalism: ClassVar[str]
    is_gold = True
    _converter: ClassVar[type[Converter]]  # of English
    _batch_size: ClassVar[int]  # sentences that it gets at a time

    def __init__(
        self,
        *,
        classpath: str | None = None,
        cache_dir: str | Path | None = None,
        num_jvms: int = 1,
        timeout: float = 300.0,
    ) -> None:
        if num_jvms < 1:
            raise ValueError(f"num_jvms is {num_jvms}, where at least one is needed")
        if timeout <= 0:
            raise ValueError(f"timeout is {timeout} seconds, where it has to be positive")
        self.classpath = classpath
        self.cache_dir = cache_dir
        self.num_jvms = num_jvms
        self.timeout = timeout

    def fingerprint(self) -> dict[str, Any]:
        return {
            "provider": self.formalism,
            "formalism": self.formalism,
            "jars": jar_digests(self.classpath, self.cache_dir),
        }

    def attach(self, sentences: Iterable[Sentence], counts: Counter[str] | None = None) -> Iterator[Sentence]:
        counts = Counter() if counts is None else counts
        idle: SimpleQueue[Converter] = SimpleQueue()
        converters: list[Converter] = []
        stopped = threading.Event()

        def convert_batch(trees: list[Constituency]) -> list[Outcome]:
            if not trees:  # an empty request would end Stanza's server
                return []
            converter = idle.get()
            try:
                return _convert_each(converter, trees, stopped)
            finally:
                idle.put(converter)

        language: Language | None = None

        def batch_size() -> int:
            return self._batch_size if language in (None, ENGLISH) else _COMMAND_LINE_BATCH

        pool = ThreadPoolExecutor(self.num_jvms)
        pending: deque[tuple[list[tuple[Sentence, Constituency | None]], Future[list[Outcome]]]] = deque()
        try:
            for batch in _batches(self._read(sentences, counts), batch_size):
                trees = [tree for _, tree in batch if tree is not None]
                if trees:
                    language = _only_language(batch, language)
                if trees and not converters:
                    classpath = class_path(self.classpath, self.cache_dir)
                    for _ in range(self.num_jvms):
                        converters.append(self._new_converter(classpath, language or ENGLISH))
                    converters[0].self_test()
                    for converter in converters:
                        idle.put(converter)
                pending.append((batch, pool.submit(convert_batch, trees)))
                if len(pending) > self.num_jvms + 1:
                    yield from _finish(*pending.popleft(), counts)
            while pending:
                yield from _finish(*pending.popleft(), counts)
        finally:
            stopped.set()
            for converter in converters:  # or an interruption would wait for them
                converter.kill()
            pool.shutdown(cancel_futures=True)
            for converter in converters:
                converter.close()

    def _read(
        self, sentences: Iterable[Sentence], counts: Counter[str]
    ) -> Iterator[tuple[Sentence, Constituency | None]]:
        warned: set[str] = set()
        for sentence in sentences:
            if sentence.parse is None and (sentence.tree or sentence.malformed):
                raise ValueError(
                    f"{sentence.source}: a dependency tree of its own and no parse to make one of formalism "
                    f"{self.formalism} from; choose dependencies=given for the heads in the file"
                )
            tree = constituency(sentence)
            if tree is not None:
                counts["traces"] += len(sentence) - len(tree.words)
                counts["renamed"] += len(tree.renamed)
                for label in set(tree.renamed) - warned:
                    warned.add(label)
                    warnings.warn(
                        f"{sentence.source}: CoreNLP does not know the phrase label {label!r}, here and from here on "
                        "converted as X",
                        stacklevel=2,
                    )
            yield sentence, tree

    def _new_converter(self, classpath: str, language: Language) -> Converter:
        if language is ENGLISH:
            return self._converter(classpath=classpath, timeout=self.timeout)
        return StanfordConverter(classpath=classpath, timeout=self.timeout, language=language, formalism=self.formalism)


class UniversalDependencies(_CoreNLPDependencies):
    """Universal Dependencies, basic: version 2 by Stanza's converter for English, by CoreNLP's own for Chinese."""

    formalism = "ud"
    _converter = UniversalConverter
    _batch_size = 32


class StanfordDependencies(_CoreNLPDependencies):
    """Basic Stanford Dependencies with punctuation, as in Jie & Lu (2019)."""

    formalism = "sd"
    _converter = StanfordConverter
    _batch_size = _COMMAND_LINE_BATCH


def _batches(items: Iterable[_T], size: Callable[[], int]) -> Iterator[list[_T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size())):
        yield batch


def _only_language(batch: list[tuple[Sentence, Constituency | None]], language: Language | None) -> Language | None:
    """The language of all trees up to this batch; a sentence that may be of any agrees with all.

    Raises:
        ValueError: naming the first sentence of another language, whose trees other rules convert.
    """
    for sentence, tree in batch:
        found = None if tree is None else tree.language
        if found is not None and found is not (language or found):
            assert language is not None
            raise ValueError(
                f"{sentence.source}: a {found.name} tree in a corpus of {language.name} ones, which other rules "
                "convert; keep the languages apart"
            )
        language = language or found
    return language


def _convert_each(converter: Converter, trees: list[Constituency], stopped: threading.Event) -> list[Outcome]:
    """Convert all trees but those that cannot be, for which the error stands in the list."""
    try:
        return list(converter.convert(trees))
    except ConversionError as error:
        if stopped.is_set():
            raise
        converter.self_test()
        if len(trees) == 1:
            return [error]
    middle = len(trees) // 2
    return [
        *_convert_each(converter, trees[:middle], stopped),
        *_convert_each(converter, trees[middle:], stopped),
    ]


def _finish(
    batch: list[tuple[Sentence, Constituency | None]], outcomes: Future[list[Outcome]], counts: Counter[str]
) -> Iterator[Sentence]:
    converted = iter(outcomes.result())
    for sentence, constituents in batch:
        tree = None
        if constituents is not None:
            tree = _tree(sentence, constituents, next(converted), counts)
        counts["sentences"] += 1
        counts["without tree"] += tree is None
        yield replace(sentence, tree=tree)


def _tree(
    sentence: Sentence, constituents: Constituency, outcome: Outcome, counts: Counter[str]
) -> DependencyTree | None:
    try:
        if isinstance(outcome, ConversionError):
            raise outcome
        tree = complete_tree(outcome, constituents.positions, len(sentence))
    except (ConversionError, ValueError) as error:
        counts["failed"] += 1
        warnings.warn(f"{sentence.source}: CoreNLP cannot convert the parse of this sentence: {error}", stacklevel=2)
        return None
    counts["unattached"] += sum(relation == UNATTACHED for _, relation in outcome)
    return tree


def complete_tree(edges: Sequence[Edge], positions: Sequence[int], length: int) -> DependencyTree:
    """Make a tree over the `length` words of a sentence from edges over some of them, at `positions`.

    Words without an edge, and those whose edge has no head (`erased`), depend on the root by `dep`; where nothing else
    is the root, the first word without a head is.

    Raises:
        ValueError: when the edges are not those of one tree.
    """
    tops = [word for word, (head, _) in enumerate(edges) if head == 0]
    if not tops:
        raise ValueError("a tree has one root, found none")
    root = positions[next((word for word in tops if edges[word][1] != UNATTACHED), tops[0])]
    heads, relations = [root] * length, ["dep"] * length
    relations[root] = "root"
    for position, (head, relation) in zip(positions, edges, strict=True):
        if head > len(edges):
            raise ValueError(f"the head of word {position} is {head}, outside the {len(edges)} words")
        if relation != UNATTACHED:
            heads[position] = positions[head - 1] if head else position
            relations[position] = relation
    return DependencyTree(tuple(heads), tuple(relations))
