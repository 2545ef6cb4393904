"""A corpus that brings its dependency trees already converted, in files beside its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ner.corpus.conllx import read_conllx
from ner.corpus.sentence import Sentence
from ner.corpus.source import Source, SourceBase, SplitCounts, check_split


@dataclass(frozen=True, kw_only=True)
class SourceWithTrees(SourceBase):
    """Another source, and for some formalisms a directory of `train.conllx`, `validation.conllx` and `test.conllx`.

    `name` is what a prepared corpus goes by. Sentences come as the source has them, until `converted` says which trees
    to put on them. The files hold the same words in the same order.
    """

    name: str
    source: Source
    trees: Mapping[str, str | Path]
    formalism: str | None = None

    def converted(self, formalism: str) -> SourceWithTrees | None:
        """The same source, its sentences with their trees of this formalism; None where it has none."""
        if formalism not in self.trees:
            return None
        return replace(self, trees={formalism: self.trees[formalism]}, formalism=formalism)

    @property
    def splits(self) -> tuple[str, ...]:
        return self.source.splits

    def notes(self, split: str) -> tuple[str, ...]:
        return self.source.notes(split)

    def read(self, split: str) -> Iterator[Sentence]:
        """Yield the sentences of a split.

        Raises:
            ValueError: naming both places, where the words of a sentence and its tree differ, or one file ends first.
        """
        sentences = self.source.read(split)
        return sentences if self.formalism is None else _attach(sentences, self._tree_file(split))

    def files(self, split: str) -> tuple[Path, ...]:
        files = self.source.files(split)
        return files if self.formalism is None else (*files, self._tree_file(split))

    def check(self, counts: Mapping[str, SplitCounts]) -> None:
        self.source.check(counts)

    def _tree_file(self, split: str) -> Path:
        check_split(split)
        assert self.formalism is not None
        return Path(self.trees[self.formalism]) / f"{split}.conllx"


def _attach(sentences: Iterable[Sentence], tree_file: Path) -> Iterator[Sentence]:
    converted = read_conllx(tree_file)
    for sentence in sentences:
        other = next(converted, None)
        if other is None:
            raise ValueError(f"{tree_file}: the file ends before the sentence at {sentence.source}")
        if other.words != sentence.words:
            differing = (
                f"{ours!r}, here {theirs!r}"
                for ours, theirs in zip(sentence.words, other.words, strict=False)
                if ours != theirs
            )
            lengths = f"{len(sentence)} words, here {len(other)}"
            raise ValueError(f"{other.source}: not the words of {sentence.source}: {next(differing, lengths)}")
        yield replace(sentence, tree=other.tree, malformed=other.malformed)
    surplus = next(converted, None)
    if surplus is not None:
        raise ValueError(f"{surplus.source}: a tree for which the corpus has no sentence")
