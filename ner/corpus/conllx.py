"""CoNLL-X and CoNLL-U files with an entity tag a word, to sentences and back.

Columns are separated by tabs. The tag stands in an eleventh column after the ten of either format, as in the files
of Jie & Lu (2019), or where there are ten in the last of them, MISC, as `Entity=B-ORG` or `NER=B-ORG`. Tags are IOB1,
IOB2 or IOBES; `_`, and a MISC without either key, is the same as `O`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from io import BufferedIOBase
from pathlib import Path
from typing import ClassVar

from ner.corpus.dependencies.malformed import tree_of
from ner.corpus.files import decode, find_files, line_runs, replacing, rewrite_sentences
from ner.corpus.sentence import Sentence, Span
from ner.corpus.source import SplitPaths
from ner.corpus.tags import spans_to_tags, split_tag, tags_to_spans

_NEW_DOCUMENT = re.compile(r"#\s*newdoc(?:\s+id\s*=\s*(.*?))?\s*")
_NOT_A_WORD = re.compile(r"\d+-\d+|\d+\.\d+")  # a multiword token or an empty node
_MISC_TAG = re.compile(r"(?<![^|])((?:Entity|NER)=)([^|]*)")
_HEAD = re.compile(r"0|[1-9][0-9]{0,8}")
_MISC, _TAG = 9, 10


def conllx_files(path: str | Path) -> tuple[Path, ...]:
    """The file, or all files `*.conllx`, `*.conllu` and `*.conll` below the directory, sorted.

    Raises:
        ValueError: where there are none.
    """
    return find_files(path, ("*.conllx", "*.conllu", "*.conll"))


def read_conllx(path: str | Path) -> Iterator[Sentence]:
    """Yield the sentences of a file, or of all files `*.conllx`, `*.conllu` and `*.conll` below a directory.

    The fifth column is the part of speech, or the fourth where all of the fifth is `_`. Heads that are all `_` give
    no tree; others that are none, such as two roots or `_` on some words, become the sentence's `malformed`.
    `# newdoc id = ...` names the document. Multiword tokens (`1-2`) and empty nodes (`1.1`) are no words.

    Raises:
        ValueError: naming file, line and what was found, for anything that is not the format.
    """
    for file in conllx_files(path):
        document = ""
        for number, lines in line_runs(file):
            if lines[0].isspace():
                continue
            texts = decode(file, number, lines)
            comments = next((row for row, text in enumerate(texts) if not text.startswith("#")), len(texts))
            for text in texts[:comments]:
                if new_document := _NEW_DOCUMENT.fullmatch(text):
                    document = new_document[1] or ""
            if comments < len(texts):
                yield _parse_sentence(file, number + comments, texts[comments:], document)


def _parse_sentence(path: Path, number: int, lines: list[str], document: str) -> Sentence:
    width = lines[0].count("\t") + 1
    rows: list[list[str]] = []
    numbers: list[int] = []  # the line of each word
    tags: list[str] = []
    for line_number, line in enumerate(lines, number):
        where = f"{path}:{line_number}"
        cells = line.split("\t")
        if width not in (10, 11) or len(cells) != width:
            raise ValueError(
                f"{where}: {len(cells)} columns; expected 10 or 11, separated by tabs, as many in all lines"
            )
        tag = _tag(cells, where)
        if _NOT_A_WORD.fullmatch(cells[0]):
            if tag != "O":
                raise ValueError(f"{where}: the tag {tag!r} on {cells[0]}, which is no word; put it on the words")
            continue
        if cells[0] != str(len(rows) + 1):
            raise ValueError(
                f"{where}: word number {cells[0]!r} where {len(rows) + 1} is due; "
                "restore the missing lines, or the blank line between two sentences"
            )
        if not cells[1]:
            raise ValueError(f"{where}: the word is empty; write '_' where there is none")
        rows.append(cells)
        numbers.append(line_number)
        tags.append(tag)
    if not rows:
        raise ValueError(f"{path}:{number}: a sentence without a word; remove it")
    columns = list(zip(*rows, strict=True))
    pos = next((column for column in (columns[4], columns[3]) if any(cell != "_" for cell in column)), None)
    places = [f"{path}:{number}" for number in numbers]
    tree, malformed = tree_of(_heads(path, numbers, columns[6]), columns[7], places)
    return Sentence(
        words=columns[1],
        spans=_spans(path, numbers, tags),
        pos=pos,
        tree=tree,
        malformed=malformed,
        document=document,
        source=f"{path}:{numbers[0]}",
    )


def _tag(cells: list[str], where: str) -> str:
    """The tag in the last column or in MISC."""
    if len(cells) > _TAG:
        tag = cells[_TAG]
    else:
        found = _MISC_TAG.findall(cells[_MISC])
        if len(found) > 1:
            raise ValueError(f"{where}: more than one entity tag in {cells[_MISC]!r}; leave one")
        tag = found[0][1] if found else "_"
    if tag == "_":
        return "O"
    try:
        split_tag(tag)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    return tag


def _spans(path: Path, numbers: list[int], tags: list[str]) -> tuple[Span, ...]:
    spans = tags_to_spans(tags, mode="conlleval")
    if any(tag[0] in "ES" for tag in tags):
        for number, tag, expected in zip(numbers, tags, spans_to_tags(spans, len(tags), "IOBES"), strict=True):
            if tag != expected:
                raise ValueError(f"{path}:{number}: {tag!r} where IOBES has {expected!r}; correct the tags")
    return spans


def _heads(path: Path, numbers: list[int], cells: Sequence[str]) -> list[int | None]:
    for number, cell in zip(numbers, cells, strict=True):
        if cell != "_" and not _HEAD.fullmatch(cell):
            raise ValueError(
                f"{path}:{number}: the head is {cell[:20]!r}; expected a word number, 0 for the root, or '_' for none"
            )
    return [None if cell == "_" else int(cell) for cell in cells]


def write_conllx(sentences: Iterable[Sentence], target: str | Path | BufferedIOBase, *, scheme: str = "BIO") -> None:
    """Write CoNLL-X with the entity tag in an eleventh column to a file, or to an open binary one.

    Both columns of parts of speech hold the same. `# newdoc id = ...` stands where the document changes.

    Raises:
        ValueError: for an unknown scheme, and naming the sentence, for a cell that is empty or holds a tab or line
            end.
    """
    if isinstance(target, str | Path):
        with replacing(target) as file:
            write_conllx(sentences, file, scheme=scheme)
        return
    document = ""
    for sentence in sentences:
        if sentence.document != document:
            document = sentence.document
            target.write(f"# newdoc id = {document}\n".encode() if document else b"# newdoc\n")
        target.write(_format_sentence(sentence, scheme).encode())


def _format_sentence(sentence: Sentence, scheme: str) -> str:
    nothing = ("_",) * len(sentence)
    pos = sentence.pos or nothing
    heads, relations = nothing, nothing
    if sentence.tree is not None:
        heads = tuple(str(0 if head == word else head + 1) for word, head in enumerate(sentence.tree.heads))
        relations = sentence.tree.relations
    numbers = map(str, range(1, len(sentence) + 1))
    tags = spans_to_tags(sentence.spans, len(sentence), scheme)
    rows = list(
        zip(numbers, sentence.words, nothing, pos, pos, nothing, heads, relations, nothing, nothing, tags, strict=True)
    )
    for row in rows:
        for cell in row:
            if not cell or any(character < " " for character in cell):
                raise ValueError(
                    f"{sentence.source}: {cell!r} cannot be a cell: it is empty or holds a tab or line end"
                )
    return "".join("\t".join(row) + "\n" for row in rows) + "\n"


def rewrite_entities(
    source: str | Path, target: str | Path, spans_of_sentences: Iterable[Sequence[Span]], *, scheme: str = "BIO"
) -> None:
    """Copy a file with other entity tags and every other byte as it was.

    The tags go where `read_conllx` finds them; a MISC without the key gets `Entity=` where a word is in an entity.
    `spans_of_sentences` holds the entities of each sentence of the file in turn. The target appears when it is
    complete and may be the source.

    Raises:
        ValueError: for an unknown scheme, and where there are fewer or more spans than sentences, or they do not fit
            the words.
    """
    rewrite_sentences(source, target, spans_of_sentences, partial(_replace_tags, scheme=scheme))


def _replace_tags(lines: list[bytes], spans: Sequence[Span], scheme: str) -> list[bytes]:
    texts = [line.decode() for line in lines]
    is_word = [not _NOT_A_WORD.fullmatch(text.split("\t", 1)[0]) for text in texts]
    tags = iter(spans_to_tags(spans, sum(is_word), scheme))
    return [
        (_replace_tag(text, next(tags)) if word else text).encode() for text, word in zip(texts, is_word, strict=True)
    ]


def _replace_tag(line: str, tag: str) -> str:
    body = line.removesuffix("\n")
    *before, last = body.split("\t")
    if len(before) == _TAG or _MISC_TAG.search(last):
        last = tag if len(before) == _TAG else _MISC_TAG.sub(lambda found: found[1] + tag, last)
    elif tag != "O":
        last = f"Entity={tag}" if last == "_" else f"{last}|Entity={tag}"
    return "\t".join((*before, last)) + line[len(body) :]


@dataclass(frozen=True, kw_only=True)
class ConllxSource(SplitPaths):
    """CoNLL-X or CoNLL-U files: for each split one, or a directory of them."""

    name: ClassVar[str] = "conllx"

    def read(self, split: str) -> Iterator[Sentence]:
        return read_conllx(self.path(split))

    def files(self, split: str) -> tuple[Path, ...]:
        return conllx_files(self.path(split))
