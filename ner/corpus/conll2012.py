"""CoNLL-2012 files to sentences and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BufferedIOBase
from itertools import groupby
from pathlib import Path
from typing import ClassVar

from ner.corpus.files import decode, is_blank, line_runs, replacing, rewrite_sentences
from ner.corpus.format import Format, Outcome
from ner.corpus.sentence import Conll2012Columns, Sentence, Span
from ner.corpus.source import SplitPaths
from ner.corpus.tags import spans_to_tags

_BEGIN = re.compile(r"#begin document \((.+)\); part (\d{1,9})\s*")
_CELL = re.compile(r"[^\x00-\x20]+")
_PARSE_BIT = re.compile(r"((?:\([^\s()*]+)*)\*(\)*)")
_ENTITY = re.compile(r"(?:\(([^()*]+))?(\*?)(\)?)")
_ENTITY_FIELD = re.compile(rb"([ \t]*(?:[^ \t]+[ \t]+){9}[^ \t]+)([ \t]+)([^ \t]+)")
_MIN_COLUMNS = 12


@dataclass(frozen=True, kw_only=True)
class Conll2012Files(Format):
    """CoNLL-2012 files."""

    name: ClassVar[str] = "conll2012"
    patterns: ClassVar[tuple[str, ...]] = ("*_conll", "*.conll")

    def formalism(self, file: Path) -> None:
        """There are constituency trees only."""

    def entities_in(self, file: Path) -> str:
        return "column 11, as (ORG* and *)"

    def parse(self, file: Path) -> Iterator[Outcome]:
        try:
            yield from _read_file(file)
        except ValueError as error:
            yield error

    def rewrite(self, source: Path, target: Path, spans_of_sentences: Iterable[Sequence[Span]]) -> None:
        rewrite_entities(source, target, spans_of_sentences)


def read_conll2012(path: str | Path) -> Iterator[Sentence]:
    """Yield the sentences of a file, or of all files `*_conll` and `*.conll` below a directory, in sorted order.

    A sentence without a tree, whose parse column holds a flat `(TOP* ... *)` over parts of speech `XX` and `VERB`,
    or `*` or `-` throughout, has `parse=None`. Its part is that of the part column: -1 in documents without
    coreference, where the heading says 000.

    Raises:
        ValueError: naming file, line and what was found, for anything that is not the format.
    """
    return Conll2012Files().read_path(path)


def _read_file(path: Path) -> Iterator[Outcome]:
    document: str | None = None
    heading_part = 0
    begun = 0
    is_empty = True
    for number, lines in line_runs(path):
        if is_blank(lines[0]):
            continue
        texts = decode(path, number, lines)
        headings = 0
        for text in texts:
            if not text.startswith("#"):
                break
            where = f"{path}:{number + headings}"
            headings += 1
            if begin := _BEGIN.fullmatch(text):
                if document is not None:
                    raise ValueError(f"{where}: a document begins in that of line {begun}; put #end document before it")
                document, heading_part, begun = begin[1], int(begin[2]), number + headings - 1
            elif text.rstrip() == "#end document":
                if document is None:
                    raise ValueError(f"{where}: #end document where none is open; remove it or add its #begin document")
                document = None
            else:
                raise ValueError(
                    f"{where}: found {text!r}; only '#begin document (ID); part 000' and '#end document' begin with #"
                )
        if headings < len(texts):
            where = f"{path}:{number + headings}"
            if document is None:
                raise ValueError(f"{where}: {_outside(texts[headings])}")
            is_empty = False
            try:
                yield _parse_sentence(path, number + headings, texts[headings:], document, heading_part)
            except ValueError as error:
                yield error
    if document is not None:
        raise ValueError(f"{path}:{begun}: the document has no #end document; the file is cut off, restore it")
    if is_empty:
        raise ValueError(f"{path}:1: the file has no sentence; remove it or restore its contents")


def _parse_sentence(path: Path, number: int, lines: list[str], document: str, heading_part: int) -> Sentence:
    # `str.split` is fast but also splits at no-break and other spaces, which only text beyond ASCII can hold.
    rows = [line.split() if line.isascii() else _CELL.findall(line) for line in lines]
    width, length = len(rows[0]), len(rows)
    for row, (line, cells) in enumerate(zip(lines, rows, strict=True)):
        if len(cells) != width or cells[0] != document:
            raise ValueError(f"{path}:{number + row}: {_misfit(line, cells, width, document)}")
    if width < _MIN_COLUMNS:
        raise ValueError(f"{path}:{number}: {width} columns; CoNLL-2012 has at least {_MIN_COLUMNS}")
    (
        _,
        parts,
        numbers,
        words,
        pos,
        bits,
        lemmas,
        framesets,
        senses,
        speakers,
        entities,
        *arguments,
        coreference,
    ) = zip(*rows, strict=True)

    part = str(heading_part) if parts[0] != "-1" or heading_part else "-1"
    if parts.count(part) != length:
        row = next(row for row, cell in enumerate(parts) if cell != part)
        raise ValueError(f"{path}:{number + row}: part {parts[row]!r} under the heading of part {heading_part:03d}")
    if numbers != _word_numbers(length):
        row = next(row for row, cell in enumerate(numbers) if cell != str(row))
        raise ValueError(
            f"{path}:{number + row}: word number {numbers[row]!r} where {row} is due; "
            "restore the missing lines, or the blank line between two sentences"
        )
    if "[WORD]" in words:
        row = words.index("[WORD]")
        raise ValueError(
            f"{path}:{number + row}: the word is '[WORD]': a skeleton file; fill in its words from OntoNotes first"
        )
    parse = _join_parse(path, number, bits, pos)
    return Sentence(
        words=words,
        spans=_entity_spans(path, number, entities),
        pos=pos,
        parse=parse,
        document=document,
        part=int(part),
        columns=Conll2012Columns(
            lemmas=lemmas,
            framesets=framesets,
            senses=senses,
            speakers=speakers,
            arguments=tuple(arguments),
            coreference=coreference,
            parse_bits=bits if parse is None else None,
        ),
        source=f"{path}:{number}",
    )


def _outside(line: str) -> str:
    """What is wrong with a word line that no heading comes before."""
    columns = len(line.split())
    if columns < _MIN_COLUMNS:
        what = "1 column" if columns == 1 else f"{columns} columns"
        return (
            f"{what} and no '#begin document': not CoNLL-2012, which has at least {_MIN_COLUMNS}; corpus=columns reads "
            "a word and its tag in any columns, corpus=conllx CoNLL-X and CoNLL-U"
        )
    return "a word outside a document; put '#begin document (ID); part 000' before it"


def _misfit(line: str, cells: list[str], width: int, document: str) -> str:
    if line.startswith("#"):
        return f"{line!r} follows a word; put the blank line that ends a sentence before it"
    if len(cells) != width:
        return f"{len(cells)} columns where the sentence began with {width}; all its lines need the same"
    return f"document id {cells[0]!r} inside the document {document!r}"


@lru_cache(maxsize=512)
def _word_numbers(length: int) -> tuple[str, ...]:
    return tuple(map(str, range(length)))


def _join_parse(path: Path, number: int, bits: Sequence[str], pos: Sequence[str]) -> str | None:
    if bits[0] in ("*", "-") and bits.count(bits[0]) == len(bits):
        return None
    depth = 0
    last = len(bits) - 1
    for row, bit in enumerate(bits):
        change = _depth_change(bit)
        if change is None:
            raise ValueError(f"{path}:{number + row}: {bit!r} is no parse bit; expected brackets around one '*'")
        depth += change
        if depth <= 0 and (row < last or depth < 0):
            raise ValueError(
                f"{path}:{number + row}: unbalanced parse: {bit!r} closes more than is open before the last word"
            )
    if depth:
        raise ValueError(f"{path}:{number + last}: unbalanced parse: {depth} brackets still open after the last word")
    parse = "".join(bits)
    return None if is_missing_parse(parse, pos) else parse


@lru_cache(maxsize=65536)
def _depth_change(bit: str) -> int | None:
    match = _PARSE_BIT.fullmatch(bit)
    return match and match[1].count("(") - len(match[2])


def is_missing_parse(parse: str, pos: Sequence[str]) -> bool:
    """Whether a tree is the one that stands for none: words `XX` or `VERB` right below `TOP`."""
    return parse.startswith("(TOP*") and parse == f"(TOP{'*' * len(pos)})" and {*pos} <= {"XX", "VERB"}


def _entity_spans(path: Path, number: int, cells: Sequence[str]) -> tuple[Span, ...]:
    if cells.count("*") == len(cells):
        return ()
    spans = []
    label, start = "", 0  # the open entity, if the label is not empty
    for row, cell in enumerate(cells):
        if cell == "*":
            continue
        match = _ENTITY.fullmatch(cell)
        if cell.count("(") > 1 or (match and match[1] and label):
            raise ValueError(
                f"{path}:{number + row}: {cell!r} opens an entity inside another; nested entities cannot be represented"
            )
        if match and match[3] and not (match[1] or label):
            raise ValueError(f"{path}:{number + row}: {cell!r} closes an entity where none is open")
        if not match or bool(match[1]) + bool(match[2]) + bool(match[3]) != 2:
            raise ValueError(
                f"{path}:{number + row}: {cell!r} is no entity cell; expected '*', '(LABEL*', '*)' or '(LABEL)'"
            )
        if match[1]:
            label, start = match[1], row
        if match[3]:
            spans.append(Span(start, row + 1, label))
            label = ""
    if label:
        raise ValueError(f"{path}:{number + start}: the entity '({label}*' is not closed before the sentence ends")
    return tuple(spans)


def write_conll2012(sentences: Iterable[Sentence], target: str | Path | BufferedIOBase) -> None:
    """Write sentences to a file, which appears when it is complete, or to an open binary one.

    Sentences of one document and part follow one another under one heading. Columns that a sentence does not have
    are filled with what stands for nothing there: `-`, `XX` and `(TOP* ... *)`.

    Raises:
        ValueError: naming the sentence, where its document is not known or a cell is empty or holds white space.
    """
    if isinstance(target, str | Path):
        with replacing(target) as file:
            write_conll2012(sentences, file)
        return
    for (document, part), group in groupby(sentences, lambda sentence: (sentence.document, max(sentence.part, 0))):
        target.write(f"#begin document ({document}); part {part:03d}\n".encode())
        for sentence in group:
            target.write(_format_sentence(sentence).encode())
        target.write(b"#end document\n")


def _format_sentence(sentence: Sentence) -> str:
    length = len(sentence)
    nothing = ("-",) * length
    columns = sentence.columns or Conll2012Columns(
        lemmas=nothing, framesets=nothing, senses=nothing, speakers=nothing, arguments=(), coreference=nothing
    )
    bits = columns.parse_bits
    if bits is None or sentence.parse is not None:
        parse = sentence.parse or f"(TOP{'*' * length})"
        bits = tuple(match[0] for match in _PARSE_BIT.finditer(parse))
        if "".join(bits) != parse:
            raise ValueError(f"{sentence.source}: {parse!r} is not made of parse bits such as '(TOP(NP*' and '*))'")
    table = (
        (sentence.document,) * length,
        (str(sentence.part),) * length,
        _word_numbers(length),
        sentence.words,
        sentence.pos or ("XX",) * length,
        bits,
        columns.lemmas,
        columns.framesets,
        columns.senses,
        columns.speakers,
        _entity_cells(sentence.spans, length),
        *columns.arguments,
        columns.coreference,
    )
    for column in table:
        for cell in column:
            if not _CELL.fullmatch(cell):
                raise ValueError(f"{sentence.source}: {cell!r} cannot be a cell: it is empty or holds white space")
    widths = [max(map(len, column)) for column in table]
    lines = [
        "   ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in zip(*table, strict=True)
    ]
    return "\n".join(lines) + "\n\n"


def _entity_cells(spans: Iterable[Span], length: int) -> tuple[str, ...]:
    forms = {"B": "({}*", "E": "*)", "S": "({})"}
    return tuple(forms.get(tag[0], "*").format(tag[2:]) for tag in spans_to_tags(spans, length, "IOBES"))


def rewrite_entities(source: str | Path, target: str | Path, spans_of_sentences: Iterable[Sequence[Span]]) -> None:
    """Copy a file with other entities in its entity column and every other byte as it was.

    `spans_of_sentences` holds the entities of each sentence of the file in turn. The column keeps its width and
    alignment, growing within a sentence where a longer cell needs it. The target appears when it is complete and
    may be the source.

    Raises:
        ValueError: where there are fewer or more spans than sentences, or they do not fit the words.
    """
    rewrite_sentences(source, target, spans_of_sentences, _replace_entities)


def _replace_entities(lines: list[bytes], spans: Sequence[Span]) -> list[bytes]:
    fields = []
    for line in lines:
        field = _ENTITY_FIELD.match(line)
        if field is None:
            raise ValueError(f"no entity column in {line!r}")
        fields.append(field)
    cells = [cell.encode() for cell in _entity_cells(spans, len(lines))]
    gap = min(len(field[2]) for field in fields)
    growth = max(0, *(gap + len(cell) - len(field[2] + field[3]) for field, cell in zip(fields, cells, strict=True)))
    rewritten = []
    for line, field, cell in zip(lines, fields, cells, strict=True):
        width = len(field[2] + field[3]) + growth
        padded = field[2] + cell if b"\t" in field[2] else cell.rjust(width)
        rewritten.append(field[1] + padded + line[field.end() :])
    return rewritten


@dataclass(frozen=True, kw_only=True)
class Conll2012Source(SplitPaths, Conll2012Files):
    """CoNLL-2012 files: for each split one, or a directory of them."""
