"""Universal Dependencies by a Stanza pipeline, for text and for given words."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from ner.corpus.dependencies.malformed import tree_of
from ner.corpus.dependencies.provider import TokenizedSentence
from ner.corpus.escapes import word_of_text
from ner.corpus.jars import sha256
from ner.corpus.sentence import DependencyTree, Sentence

_PROCESSORS = "tokenize,pos,lemma,depparse"
_AFTER_TOKENS = "pos,lemma,depparse"
_BATCH = 256  # sentences at a time


class StanzaParser:
    """A Stanza pipeline, loaded when it is first needed; several threads may use one parser.

    Given words are parsed as they are. In a text, words that Stanza makes of one token are words of their own where
    they divide it (`do|n't`); where they do not (`zum`, which is `zu dem`), the token is one word in the place of that
    of its words which stands highest in the tree.

    Args:
        language: of the models, as Stanza names it.
        package: of the models, as Stanza names it; None for Stanza's default.
        directory: where Stanza's models are; None for Stanza's own place.
        download: whether models that are not there may be downloaded.
        options: others of `stanza.Pipeline`, such as `depparse_model_path` or `use_gpu`.
        pipeline: a pipeline to use as it is; the other arguments have no effect then.
    """

    formalism = "ud"
    is_gold = False

    def __init__(
        self,
        *,
        language: str = "en",
        package: str | None = None,
        directory: str | Path | None = None,
        download: bool = True,
        options: Mapping[str, Any] | None = None,
        pipeline: Any = None,
    ) -> None:
        self.language = language
        self.package = package
        self.directory = directory
        self.download = download
        self.options = dict(options or {})
        self._given_pipeline = pipeline
        self._lock = threading.Lock()

    def fingerprint(self) -> dict[str, Any]:
        """See `TreeProvider`; this loads the models, whose SHA-256 are part of it."""
        with self._lock:
            config = self._pipeline.config
        paths = {name: Path(value) for name, value in config.items() if isinstance(value, str | Path)}
        return {
            "provider": "stanza",
            "formalism": self.formalism,
            "language": config.get("lang", self.language),
            "models": {name: sha256(path) for name, path in sorted(paths.items()) if path.is_file()},
            "options": {name: value for name, value in sorted(self.options.items()) if not name.endswith("_path")},
        }

    def attach(self, sentences: Iterable[Sentence], counts: Counter[str] | None = None) -> Iterator[Sentence]:
        counts = Counter() if counts is None else counts
        iterator = iter(sentences)
        while batch := list(islice(iterator, _BATCH)):
            trees = iter(self._parse([sentence.words for sentence in batch if sentence.words]))
            for sentence in batch:
                tree = next(trees) if sentence.words else None
                counts["sentences"] += 1
                counts["without tree"] += tree is None
                yield replace(sentence, tree=tree, malformed=None)

    def parse_text(self, text: str, *, source: str = "text") -> list[TokenizedSentence]:
        """Split a text into sentences and tokens and parse them, as `TextParser` says."""
        if not text.strip():
            return []
        with self._lock:
            document = self._pipeline.process(text)
        sentences = []
        for parsed in document.sentences:
            units = [unit for token in parsed.tokens for unit in _units(token)]
            offsets = tuple((begin, end) for begin, end, _ in units)
            words = tuple(word_of_text(text[begin:end]) for begin, end in offsets)
            sentence = Sentence(words=words, source=f"{source}, character {offsets[0][0]}")
            tree = _tree([members for _, _, members in units], sentence.source)
            sentences.append(TokenizedSentence(replace(sentence, tree=tree), offsets))
        return sentences

    def close(self) -> None:
        """Give the models back; they are loaded again when they are needed again."""
        with self._lock:
            self.__dict__.pop("_pipeline", None)

    def __enter__(self) -> StanzaParser:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @cached_property
    def _pipeline(self) -> Any:
        if self._given_pipeline is not None:
            return self._given_pipeline
        import stanza

        options: dict[str, Any] = {"processors": _PROCESSORS, "use_gpu": False, "logging_level": "ERROR"}
        options |= {"package": self.package} if self.package is not None else {}
        options |= {"dir": str(self.directory)} if self.directory is not None else {}
        options |= {"download_method": stanza.DownloadMethod.REUSE_RESOURCES if self.download else None}
        try:
            return stanza.Pipeline(self.language, **{**options, **self.options})
        except Exception as error:  # Stanza raises its own and those of requests, and bare ones
            raise OSError(
                f"Stanza's models for {self.language!r} cannot be loaded ({str(error).splitlines()[0]}); download them "
                f"on a machine with a network by stanza.download({self.language!r}), and give their directory with "
                "dependencies.directory, or files with dependencies.options"
            ) from error

    def _parse(self, sentences: Sequence[tuple[str, ...]]) -> list[DependencyTree | None]:
        from stanza.models.common.doc import Document

        if not sentences:
            return []
        tokens = [[{"id": number, "text": word} for number, word in enumerate(words, 1)] for words in sentences]
        with self._lock:
            document = self._pipeline.process(Document(tokens), processors=_AFTER_TOKENS)
        for words, parsed in zip(sentences, document.sentences, strict=True):
            if tuple(word.text for word in parsed.words) != words:
                raise ValueError(f"Stanza gave other words back: {[word.text for word in parsed.words]} for {words}")
        return [_tree([[word] for word in parsed.words], "") for parsed in document.sentences]


def _units(token: Any) -> list[tuple[int, int, list[Any]]]:
    """What becomes of a token: its words where they divide it, or else itself, with its place and its words."""
    text = token.text
    if len(token.words) > 1 and "".join(word.text for word in token.words) == text == text.strip():
        units, start = [], token.start_char
        for word in token.words:
            units.append((start, start + len(word.text), [word]))
            start += len(word.text)
        if start == token.end_char:
            return units
    return [(token.start_char, token.end_char, list(token.words))]


def _tree(units: Sequence[Sequence[Any]], place: str) -> DependencyTree | None:
    """The tree over units of one or more of Stanza's words each."""
    unit_of = {word.id: number for number, words in enumerate(units, 1) for word in words}
    heads, relations = [], []
    for number, words in enumerate(units, 1):
        top = next(word for word in words if unit_of.get(word.head) != number)
        heads.append(unit_of.get(top.head, 0))
        relations.append(top.deprel)
    return tree_of(heads, relations, [place] * len(units))[0]
