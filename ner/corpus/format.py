"""What the formats of corpus files have in common: they are found, read, and copied with other entities."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from ner.corpus.files import find_files
from ner.corpus.sentence import Sentence, Span

Outcome = Sentence | ValueError
"""A sentence, or what is wrong where one should be."""


class Format(ABC):
    """How sentences with entities are kept in files."""

    name: ClassVar[str]
    patterns: ClassVar[tuple[str, ...]]

    def find(self, path: str | Path) -> tuple[Path, ...]:
        """The file itself, or all files below a directory whose names match `patterns`, sorted.

        Raises:
            ValueError: where there are none.
        """
        return find_files(path, self.patterns)

    @abstractmethod
    def parse(self, file: Path) -> Iterator[Outcome]:
        """Yield the sentences of one file, and in place of one that cannot be read the error, with file and line.

        After an error that leaves nothing to be read the file counts as ended.
        """

    @abstractmethod
    def rewrite(self, source: Path, target: Path, spans_of_sentences: Iterable[Sequence[Span]]) -> None:
        """Copy a file with other entities, spelt as those of the file are, and every other byte as it was.

        The target appears when it is complete and may be the source.

        Raises:
            ValueError: where there are fewer or more spans than sentences, or they do not fit the words.
        """

    @abstractmethod
    def formalism(self, file: Path) -> str | None:
        """That of the heads in a file: `given` where it does not say, None where it has none."""

    @abstractmethod
    def entities_in(self, file: Path) -> str:
        """Say where in a file entities are looked for, and in which scheme they are: `column 3 (IOB2)`.

        Raises:
            ValueError: where that cannot be told, with file and line.
        """

    def read_path(self, path: str | Path) -> Iterator[Sentence]:
        """Yield the sentences of a file, or of all files below a directory.

        Raises:
            ValueError: for the first thing that is not the format, with file and line.
        """
        for file in self.find(path):
            yield from raise_first(self.parse(file))


def raise_first(outcomes: Iterable[Outcome]) -> Iterator[Sentence]:
    """Yield sentences up to the first error, and raise that."""
    for outcome in outcomes:
        if isinstance(outcome, ValueError):
            raise outcome
        yield outcome
