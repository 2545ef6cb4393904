"""Files with a word and its entity tag in columns, as CoNLL-2003's and most others are, to sentences and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ner.corpus.dependencies.provider import GIVEN
from ner.corpus.files import UTF8_MARK, decode, is_blank, line_runs, replacing
from ner.corpus.format import Format, Outcome
from ner.corpus.heads import tree_of_cells
from ner.corpus.layout import (
    NEW_DOCUMENT,
    NOT_A_WORD,
    Columns,
    Layout,
    cell_bounds,
    check_row,
    find_layout,
    is_document_start,
)
from ner.corpus.schemes import spans_of_cells, spell
from ner.corpus.sentence import Sentence, Span, check_document
from ner.corpus.source import SplitPaths


@dataclass(frozen=True, kw_only=True)
class ColumnFiles(Columns, Format):
    """Files of a word a line, in columns between tabs or blanks; what stands where is found out, or said.

    Blank lines end sentences; `-DOCSTART-` lines and `# newdoc` begin documents; other lines that begin with `#` before
    a sentence and are no rows are comments. Tags are in any scheme of `ner.corpus.schemes`. See
    `ner.corpus.layout.find_layout` for how columns are found out.
    """

    name: ClassVar[str] = "columns"
    patterns: ClassVar[tuple[str, ...]] = (
        *("*.conll", "*.conllu", "*.tsv", "*.txt", "*.bio", "*.iob", "*.iob2", "*.bmes", "*.bioes", "*.char"),
    )

    def formalism(self, file: Path) -> str | None:
        return None if find_layout(file, self._columns).head is None else GIVEN

    def parse(self, file: Path) -> Iterator[Outcome]:
        try:
            layout = find_layout(file, self._columns)
        except ValueError as error:
            yield error
            return
        num_documents, document = 0, ""
        for number, lines in line_runs(file, windows=True):
            if is_blank(lines[0]):
                continue
            try:
                texts = decode(file, number, lines, windows=True)
            except ValueError as error:
                yield error
                continue
            for line, part in _parts(texts, layout):
                if isinstance(part, str):
                    new_document = NEW_DOCUMENT.fullmatch(part)
                    if new_document:
                        try:
                            document = check_document(new_document[1] or "", f"{file}:{number + line}")
                        except ValueError as error:
                            yield error
                    elif is_document_start(part):
                        num_documents += 1
                        document = f"{'_'.join(file.stem.split())}/{num_documents}"
                    continue
                try:
                    yield _sentence(file, number + line, part, layout, document, self.malformed_tags)
                except ValueError as error:
                    yield error

    def rewrite(self, source: Path, target: Path, spans_of_sentences: Iterable[Sequence[Span]]) -> None:
        layout = find_layout(source, self._columns)
        left = iter(spans_of_sentences)
        with replacing(target) as file:
            for number, lines in line_runs(source, windows=True):
                if is_blank(lines[0]):
                    file.writelines(lines)
                    continue
                texts = decode(source, number, lines, windows=True)
                rewritten = list(texts)
                for line, part in _parts(texts, layout):
                    if isinstance(part, str):
                        continue
                    where = f"{source}:{number + line}"
                    spans = next(left, None)
                    if spans is None:
                        raise ValueError(f"{where}: nothing left for this sentence; give as many as sentences")
                    try:
                        rewritten[line : line + len(part)] = _with_tags(part, spans, layout)
                    except ValueError as error:
                        raise ValueError(f"{where}: {error}") from error
                for raw, text, new in zip(lines, texts, rewritten, strict=True):
                    mark = UTF8_MARK if raw.startswith(UTF8_MARK) and number == 1 else b""
                    old = mark + text.encode()
                    file.write(mark + new.encode() + raw[len(old) :])
            if next(left, None) is not None:
                raise ValueError(f"{source}: fewer sentences than spans for them; give as many as sentences")

    def entities_in(self, file: Path) -> str:
        layout = find_layout(file, self._columns)
        return "; ".join(layout.notes if layout.tag is None else (str(layout), *layout.notes))

    @property
    def _columns(self) -> Columns:
        return Columns(
            word=self.word, tag=self.tag, pos=self.pos, head=self.head, relation=self.relation, scheme=self.scheme
        )


def _parts(texts: Sequence[str], layout: Layout) -> Iterator[tuple[int, str | list[str]]]:
    """Take a run of lines apart: comments and beginnings of documents, each alone, and the lines of sentences."""
    start = 0
    for line, text in enumerate((*texts, None)):
        is_comment = text is not None and text.startswith("#") and start == line and layout.is_comment(text)
        if text is None or is_comment or is_document_start(text):
            if start < line:
                yield start, list(texts[start:line])
            if text is not None:
                yield line, text
            start = line + 1


def _sentence(
    path: Path, number: int, texts: Sequence[str], layout: Layout, document: str, malformed_tags: str
) -> Sentence:
    rows: list[list[str]] = []
    lines: list[int] = []
    for line, text in enumerate(texts, number):
        cells = layout.cells(text)
        where = f"{path}:{line}"
        if len(cells) != layout.width:
            raise ValueError(
                f"{where}: {_so_many_columns(len(cells))} where the file began with {layout.width}; "
                "all its lines need as many"
            )
        number_cell = None if layout.number is None else cells[layout.number]
        if number_cell is not None and NOT_A_WORD.fullmatch(number_cell):
            continue
        check_row(number_cell, cells[layout.word], due=len(rows) + layout.first_number, where=where)
        rows.append(cells)
        lines.append(line)
    if not rows:
        raise ValueError(f"{path}:{number}: a sentence without a word; remove it")
    columns = list(zip(*rows, strict=True))

    def column(place: int | None) -> tuple[str, ...] | None:
        return None if place is None else columns[place]

    heads, relations = column(layout.head), column(layout.relation)
    nothing = ("_",) * len(rows)
    tree, malformed = tree_of_cells(path, lines, heads or nothing, relations or nothing)
    return Sentence(
        words=columns[layout.word],
        spans=()
        if layout.tag is None
        else spans_of_cells(
            columns[layout.tag],
            lambda word: f"{path}:{lines[word]}",
            scheme=layout.scheme,
            malformed_tags=malformed_tags,
        ),
        pos=column(layout.pos),
        tree=tree,
        malformed=malformed,
        document=document,
        source=f"{path}:{lines[0]}",
    )


def _with_tags(texts: Sequence[str], spans: Sequence[Span], layout: Layout) -> list[str]:
    is_word = [layout.number is None or not NOT_A_WORD.fullmatch(layout.cells(text)[layout.number]) for text in texts]
    tags = iter(spell(spans, sum(is_word), layout.scheme or "IOB2"))
    return [_with_tag(text, next(tags), layout) if word else text for text, word in zip(texts, is_word, strict=True)]


def _with_tag(text: str, tag: str, layout: Layout) -> str:
    if layout.tag is None:
        return f"{text}{chr(9) if layout.width == 1 else layout.delimiter}{tag}"
    start, end = cell_bounds(text, layout.delimiter)[layout.tag]
    if tag == "O" and text[start:end] == "_":
        return text
    return text[:start] + tag + text[end:]


def _so_many_columns(number: int) -> str:
    return "1 column" if number == 1 else f"{number} columns"


@dataclass(frozen=True, kw_only=True)
class ColumnsSource(SplitPaths, ColumnFiles):
    """Files of columns: for each split one, or a directory of them."""
