"""OntoNotes English in the CoNLL-2012 split, from the v4 or the v12 release of its files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from ner.corpus.conll2012 import read_conll2012
from ner.corpus.sentence import Sentence
from ner.corpus.source import SPLITS, SourceBase, SplitCounts, check_split

PUBLISHED = {
    "train": SplitCounts(documents=1710, sentences=59924, tokens=1088503, entities=81828),
    "validation": SplitCounts(documents=207, sentences=8528, tokens=147724, entities=11066),
    "test": SplitCounts(documents=207, sentences=8262, tokens=152728, entities=11257),
}
"""The sizes of Jie & Lu (2019), Table 1, without genre `pt`, which has no names annotated."""

V12_TRAIN = SplitCounts(documents=1710, sentences=59923, tokens=1088459, entities=81822)
"""The same training documents in the v12 release, which lacks one sentence of v4."""

_SUFFIXES = {".v4_gold_conll": "v4", ".gold_conll": "v12"}


@dataclass(frozen=True, kw_only=True)
class OntonotesSource(SourceBase):
    """The documents that the lists name, found anywhere below `root`.

    `lists` is the directory of `train.txt`, `validation.txt` and `test.txt`, one document id a line. A release holds
    its files as `.../english/annotations/ID.v4_gold_conll` (v4) or `ID.gold_conll` (v12); which of the two lies
    below `root` is found out.
    """

    root: str | Path
    lists: str | Path

    name: ClassVar[str] = "ontonotes"

    def read(self, split: str) -> Iterator[Sentence]:
        for file in self.files(split):
            yield from read_conll2012(file)

    def files(self, split: str) -> tuple[Path, ...]:
        """The files of a split, in the order of its list.

        Raises:
            ValueError: where listed documents are not there, or there twice with different contents.
        """
        check_split(split)
        path = Path(self.lists) / f"{split}.txt"
        if not path.is_file():
            raise ValueError(f"{path}: no such file; the lists of documents are {', '.join(SPLITS)} + .txt")
        documents = path.read_text(encoding="utf-8").split()
        missing = [document for document in documents if document not in self._files]
        if missing:
            raise ValueError(
                f"{self.root}: {len(missing)} of the {len(documents)} documents in {path} are not there: "
                f"{', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}; check that the release is complete"
            )
        return tuple(_only(self._files[document]) for document in documents)

    def check(self, counts: Mapping[str, SplitCounts]) -> None:
        """Compare with the published counts; of train, those of v12 will do.

        Raises:
            ValueError: with the table of both, where they differ.
        """
        wrong = [
            split
            for split in SPLITS
            if counts[split] != PUBLISHED[split] and (split, counts[split]) != ("train", V12_TRAIN)
        ]
        if wrong:
            raise ValueError(
                f"{self.root}: {' and '.join(wrong)} differ from the published counts, so scores could not be "
                f"compared; read other documents with the corpus conll2012\n{counts_table(counts)}"
            )

    @cached_property
    def _files(self) -> dict[str, list[Path]]:
        """The files of each document, of whichever release is there."""
        root = Path(self.root)
        if not root.is_dir():
            raise ValueError(f"{root}: no such directory; give the one that OntoNotes was unpacked into")
        releases: dict[str, dict[str, list[Path]]] = {release: {} for release in _SUFFIXES.values()}
        for path in sorted(root.rglob("*.*gold_conll")):
            document, dot, suffix = "/".join(path.parts[-4:]).rpartition(".")
            release = _SUFFIXES.get(dot + suffix)
            if release and "chinese" not in path.parts and "arabic" not in path.parts:
                releases[release].setdefault(document, []).append(path)
        found = [release for release in releases if releases[release]]
        if len(found) != 1:
            raise ValueError(
                f"{root}: found {' and '.join(found) or 'neither v4 nor v12'} files of OntoNotes English; "
                f"expected one of .../english/annotations/...{' or ...'.join(_SUFFIXES)}"
            )
        return releases[found[0]]


def _only(paths: list[Path]) -> Path:
    """The first of several copies: v12 holds its test documents in two directories."""
    first, *others = paths
    for other in others:
        if other.read_bytes() != first.read_bytes():
            raise ValueError(f"{first} and {other} are the same document with different contents; remove one")
    return first


def counts_table(counts: Mapping[str, SplitCounts]) -> str:
    """Documents, sentences, tokens and entities of each split beside the published ones."""
    lines = [f"{'split':<11}{'':<12}{'documents':>10}{'sentences':>11}{'tokens':>12}{'entities':>10}"]
    for split, found in counts.items():
        for title, row in (("found", found), ("published", PUBLISHED[split])):
            lines.append(
                f"{split if row is found else '':<11}{title:<12}"
                f"{row.documents:>10,}{row.sentences:>11,}{row.tokens:>12,}{row.entities:>10,}"
            )
    return "\n".join(lines)
