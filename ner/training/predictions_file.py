"""The predictions of a run on a split: one file for people, for `conlleval` and for the analyses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ner.corpus.files import replacing
from ner.corpus.sentence import DependencyTree, Sentence
from ner.corpus.tags import tags_to_spans
from ner.corpus.vocabulary import ROOT

COLUMNS = ("word", "pos", "head", "relation", "document", "gold", "predicted")


def predictions_path(directory: Path, name: str) -> Path:
    """Where a run keeps the predictions of a split, or of files by that name."""
    return directory / f"predictions-{name}.conll"


def write_predictions(path: Path, columns: Mapping[str, Sequence[Any]], predicted: Sequence[Sequence[str]]) -> None:
    """Write a line a word, `COLUMNS` between tabs, and a blank line after each sentence.

    Heads are 1-based, 0 the root's, and 0 for each word of a sentence without a tree; `_` stands for an unknown part of
    speech or document. Gold tags are IOBES, the predicted ones of the run's scheme; `conlleval -d '\\t'` reads either,
    and the file.

    Args:
        columns: of a prepared split, see `ner.corpus.rows.schema`.
        predicted: the tags of each sentence.

    Raises:
        ValueError: when the numbers of sentences or words differ.
    """
    names = ("words", "pos", "heads", "relations", "document", "tags")
    with replacing(path) as file:
        for words, pos, heads, relations, document, gold, found in zip(
            *(columns[name] for name in names), predicted, strict=True
        ):
            length = len(words)
            if heads is None:
                heads, relations = range(length), [ROOT] * length
            numbers = ("0" if head == word else str(head + 1) for word, head in enumerate(heads))
            rows = zip(
                words, pos or ["_"] * length, numbers, relations, [document or "_"] * length, gold, found, strict=True
            )
            file.write(("".join("\t".join(row) + "\n" for row in rows) + "\n").encode())


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """A file of predictions: `annotation` is its text without the last column, `tags` that column by sentence.

    Files of the same sentences and trees have the same annotation, whatever was predicted.
    """

    annotation: str
    tags: tuple[tuple[str, ...], ...]

    def sentences(self) -> tuple[Sentence, ...]:
        """The sentences with their gold entities; without a tree where each word is its own head."""
        return tuple(_to_sentence(block) for block in self.annotation.split("\n\n")[:-1])


def read_predictions(path: Path) -> Predictions:
    """Read what `write_predictions` wrote.

    Raises:
        ValueError: naming the file and line that has other columns.
    """
    return parse_predictions(path.read_bytes().decode(), where=path)


def parse_predictions(text: str, *, where: str | Path) -> Predictions:
    """Take apart what `write_predictions` wrote; `where` is what an error calls the file.

    Raises:
        ValueError: naming the file and line that has other columns.
    """
    blocks = text.split("\n\n")
    if blocks.pop():
        raise ValueError(f"{where}: the file ends within a sentence; write it again with `python -m ner.evaluate`")
    annotation, tags = [], []
    line = 1
    for block in blocks:
        rows = [row.rpartition("\t") for row in block.split("\n")]
        for number, (rest, _, _) in enumerate(rows, line):
            if rest.count("\t") != len(COLUMNS) - 2:
                raise ValueError(
                    f"{where}:{number}: not the {len(COLUMNS)} columns {', '.join(COLUMNS)}; "
                    "write the file again with `python -m ner.evaluate`"
                )
        annotation.append("\n".join([row[0] for row in rows]))
        tags.append(tuple([row[2] for row in rows]))
        line += len(rows) + 1
    return Predictions(annotation="\n\n".join([*annotation, ""]), tags=tuple(tags))


def _to_sentence(block: str) -> Sentence:
    words, pos, heads, relations, documents, gold = zip(*(row.split("\t") for row in block.split("\n")), strict=True)
    positions = tuple(word if head == "0" else int(head) - 1 for word, head in enumerate(heads))
    has_tree = len(words) == 1 or positions != tuple(range(len(words)))
    return Sentence(
        words=words,
        spans=tags_to_spans(gold),
        pos=None if set(pos) == {"_"} else pos,
        tree=DependencyTree(positions, relations) if has_tree else None,
        document="" if documents[0] == "_" else documents[0],
    )
