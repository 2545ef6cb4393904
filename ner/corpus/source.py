"""Where a corpus comes from: the interface all sources share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Protocol, runtime_checkable

from ner.corpus.format import Format, Outcome, raise_first
from ner.corpus.held_out import HeldOut, hold_out
from ner.corpus.labels import Labels
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

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that there are, of `SPLITS`."""

    @property
    def labels(self) -> Labels | None:
        """New names for entity types; sentences come with the old ones."""

    def outcomes(self, split: str) -> Iterator[Outcome]:
        """As `read`, but with errors in place of what cannot be read, as far as reading can go on after them."""

    def notes(self, split: str) -> tuple[str, ...]:
        """What a user should know of how a split is read, such as the scheme of its tags.

        Raises:
            ValueError: for bad input, naming the file.
        """

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
class SourceBase:
    """What sources have in common unless they say otherwise: three splits, no published counts, no trees beside.

    Args:
        labels: see `ner.corpus.labels.Labels`.
    """

    labels: Labels | None = None

    @property
    def splits(self) -> tuple[str, ...]:
        return SPLITS

    def read(self, split: str) -> Iterator[Sentence]:
        raise NotImplementedError

    def outcomes(self, split: str) -> Iterator[Outcome]:
        try:
            yield from self.read(split)
        except ValueError as error:
            yield error

    def notes(self, split: str) -> tuple[str, ...]:
        return ()

    def check(self, counts: Mapping[str, SplitCounts]) -> None:
        """Accept any counts."""

    def converted(self, formalism: str) -> Source | None:
        """There are no trees but those in the files."""
        return None


@dataclass(frozen=True, kw_only=True)
class SplitPaths(SourceBase, Format):
    """What sources have in common whose splits are paths: each of a file, or a directory of them.

    Args:
        validation: None to hold a share of the training files out, by document where there are ten or more alike.
        test: None where there is none; nothing is scored on it then.
        validation_share: how much is held out, of the sentences.
        split_seed: decides what is held out.
    """

    train: str | Path
    validation: str | Path | None = None
    test: str | Path | None = None
    validation_share: float = 0.1
    split_seed: int = 1

    @property
    def splits(self) -> tuple[str, ...]:
        return SPLITS if self.test is not None else SPLITS[:2]

    def path(self, split: str) -> Path:
        """The path of a split.

        Raises:
            ValueError: for an unknown split, and for a test split that was left out.
        """
        check_split(split)
        path = {"train": self.train, "validation": self.validation or self.train, "test": self.test}[split]
        if path is None:
            raise ValueError("this corpus has no test split; give corpus.test")
        return Path(path)

    def files(self, split: str) -> tuple[Path, ...]:
        path = self.path(split)
        if not path.exists():
            option = "train" if split == "validation" and self.validation is None else split
            raise ValueError(f"corpus.{option}={path}: no such file or directory")
        return self.find(path)

    def read(self, split: str) -> Iterator[Sentence]:
        return raise_first(self.outcomes(split))

    def outcomes(self, split: str) -> Iterator[Outcome]:
        outcomes: Iterator[Outcome] = chain.from_iterable(map(self.parse, self.files(split)))
        if self.validation is None and split != "test":
            outcomes = self._held_out.select(outcomes, held_out=split == "validation")
        return outcomes

    def notes(self, split: str) -> tuple[str, ...]:
        """Where the entities of a split are read in its files, and what is held out of them."""
        found = Counter(self.entities_in(file) for file in self.files(split))
        notes = [text if len(found) == 1 else f"{number} files: {text}" for text, number in found.items()]
        if split == "validation" and self.validation is None:
            notes = [self._held_out.description]
        return tuple(notes)

    @cached_property
    def _held_out(self) -> HeldOut:
        def outcomes() -> Iterator[Outcome]:
            return chain.from_iterable(map(self.parse, self.files("train")))

        sentences = (outcome for outcome in outcomes() if isinstance(outcome, Sentence))
        try:
            return hold_out(sentences, share=self.validation_share, seed=self.split_seed)
        except ValueError as error:
            problem = next((outcome for outcome in outcomes() if isinstance(outcome, ValueError)), None)
            if problem is not None:  # the reason why there are too few
                raise problem from None
            how = self.entities_in(self.files("train")[0])
            raise ValueError(f"{self.train}: {error}; how tags are looked for: {how}") from error
