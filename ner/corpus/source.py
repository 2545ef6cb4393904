"""Where a corpus comes from: the interface all sources share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from ner.corpus.sentence import Sentence

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class SplitCounts:
    """How large one split is."""

    documents: int
    sentences: int
    tokens: int
    entities: int


def count_sentences(sentences: Iterable[Sentence]) -> SplitCounts:
    """Count the distinct documents, the sentences, words and entities."""
    documents = set()
    num_sentences = num_tokens = num_entities = 0
    for sentence in sentences:
        documents.add(sentence.document)
        num_sentences += 1
        num_tokens += len(sentence)
        num_entities += len(sentence.spans)
    return SplitCounts(len(documents), num_sentences, num_tokens, num_entities)


@runtime_checkable
class Source(Protocol):
    """Three splits of sentences, whatever they are stored in."""

    @property
    def name(self) -> str:
        """The kind of source: `conll2012`, `conllx`, `hub` or `ontonotes`."""

    def read(self, split: str) -> Iterator[Sentence]:
        """Yield the sentences of a split in file order.

        Raises:
            ValueError: for an unknown split, and for bad input, naming the file and line.
        """

    def files(self, split: str) -> tuple[Path, ...]:
        """All files that `read(split)` reads, in order, from which a digest is made; none for a remote source."""

    def check(self, counts: Mapping[str, SplitCounts]) -> None:
        """Compare the counts of all splits with those published, where there are any.

        Raises:
            ValueError: where they differ in a way that makes scores incomparable.
        """

    def converted(self, formalism: str) -> Source | None:
        """The same source with the dependency trees of this formalism that it brings along; None where it has none."""


def check_split(split: str) -> None:
    """Refuse a split that is not one of `SPLITS`.

    Raises:
        ValueError: listing the right names.
    """
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}: choose one of {', '.join(SPLITS)}")


@dataclass(frozen=True, kw_only=True)
class SplitPaths:
    """What sources have in common whose splits are three paths, with no published counts to compare with."""

    train: str | Path
    validation: str | Path
    test: str | Path

    def path(self, split: str) -> Path:
        """The path of a split; ValueError for an unknown one."""
        check_split(split)
        return Path({"train": self.train, "validation": self.validation, "test": self.test}[split])

    def check(self, counts: Mapping[str, SplitCounts]) -> None:
        """Accept any counts."""

    def converted(self, formalism: str) -> None:
        """There are no trees but those in the files."""
