"""OntoNotes in the CoNLL-2012 split, from the v4 or the v12 release of its files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import ClassVar

from ner.corpus.conll2012 import Conll2012Files, read_conll2012
from ner.corpus.format import Outcome
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

PUBLISHED_SENTENCES = {"zh": {"train": 36487, "validation": 6083, "test": 4472}}
"""The sentences of Jie & Lu (2019) in the other languages, all genres."""

LANGUAGES = {"en": "english", "zh": "chinese"}
"""The directories of the languages."""

_SUFFIXES = {".v4_gold_conll": "v4", ".gold_conll": "v12"}
_DIRECTORIES = {"train": ("train",), "validation": ("development",), "test": ("conll-2012-test", "test")}


@dataclass(frozen=True, kw_only=True)
class OntonotesSource(SourceBase):
    """The documents of a split, found anywhere below `root`.

    `lists` is the directory of `train.txt`, `validation.txt` and `test.txt`, one document id a line, which is how the
    split of English leaves genre `pt` out. A language other than English has its lists in a directory of its code
    below that (`zh/`); where there is none, a split is all documents of the release's own directory for it:
    `train`, `development`, and `conll-2012-test` or `test`. A release holds its files as
    `.../english/annotations/ID.v4_gold_conll` (v4) or `ID.gold_conll` (v12); which of the two lies below `root` is
    found out.

    Args:
        language: `en` or `zh`.

    Raises:
        ValueError: for another language.
    """

    root: str | Path
    lists: str | Path
    language: str = "en"

    name: ClassVar[str] = "ontonotes"

    def __post_init__(self) -> None:
        if self.language == "ar":
            raise ValueError(
                "language=ar: CoreNLP has no conversion of Arabic trees to dependencies, and no published split is "
                "known to compare with; corpus=conll2012 dependencies=given reads the files for a model without trees"
            )
        if self.language not in LANGUAGES:
            raise ValueError(f"unknown language {self.language!r}: choose one of {', '.join(LANGUAGES)}")

    def read(self, split: str) -> Iterator[Sentence]:
        for file in self.files(split):
            yield from read_conll2012(file)

    def outcomes(self, split: str) -> Iterator[Outcome]:
        return chain.from_iterable(map(Conll2012Files().parse, self.files(split)))

    def files(self, split: str) -> tuple[Path, ...]:
        """The files of a split, in the order of its list, or by path.

        Raises:
            ValueError: where listed documents are not there, or there twice with different contents.
        """
        check_split(split)
        folder = Path(self.lists) if self.language == "en" else Path(self.lists) / self.language
        if self.language != "en" and not folder.is_dir():
            return self._files_of_directory(split)
        path = folder / f"{split}.txt"
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

    def _files_of_directory(self, split: str) -> tuple[Path, ...]:
        found = sorted(path for paths in self._files.values() for path in paths)
        for directory in _DIRECTORIES[split]:
            files = tuple(path for path in found if path.parts[-8] == directory)
            if files:
                return files
        raise ValueError(
            f"{self.root}: no files of the {split} split in {' or '.join(_DIRECTORIES[split])}"
            f"/data/{LANGUAGES[self.language]}/annotations"
        )

    def check(self, counts: Mapping[str, SplitCounts]) -> None:
        """Compare with the published counts; of train, those of v12 will do.

        Raises:
            ValueError: with the table of both, where they differ.
        """
        if self.language != "en":
            published = PUBLISHED_SENTENCES[self.language]
            found = {split: counts[split].sentences for split in SPLITS}
            if found != published:
                raise ValueError(
                    f"{self.root}: {found} sentences, where {published} are published, so scores could not be "
                    f"compared; give the document ids as {self.lists}/{self.language}/train.txt and so on, or read the "
                    "files with corpus=conll2012"
                )
            return
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
            if release and _language_of(path) == self.language:
                releases[release].setdefault(document, []).append(path)
        found = [release for release in releases if releases[release]]
        if len(found) != 1:
            directory = LANGUAGES[self.language]
            raise ValueError(
                f"{root}: found {' and '.join(found) or 'neither v4 nor v12'} files of OntoNotes "
                f"{directory.capitalize()}; expected one of .../{directory}/annotations/...{' or ...'.join(_SUFFIXES)}"
            )
        return releases[found[0]]


def _language_of(path: Path) -> str:
    return "zh" if "chinese" in path.parts else "ar" if "arabic" in path.parts else "en"


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
