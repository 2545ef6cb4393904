"""CoNLL-X, CoNLL-U and CoNLL-U Plus files with an entity tag a word, to sentences and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from io import BufferedIOBase
from pathlib import Path
from typing import ClassVar

from ner.corpus.brackets import BracketError, bracketed_spans, check_brackets, flat, type_field
from ner.corpus.conllx_layout import ConllxLayout, find_conllx_layout
from ner.corpus.dependencies.provider import GIVEN
from ner.corpus.files import decode, is_blank, line_runs, replacing, rewrite_sentences
from ner.corpus.format import Format, Outcome
from ner.corpus.heads import tree_of_cells
from ner.corpus.layout import NEW_DOCUMENT, NOT_A_WORD, check_row
from ner.corpus.schemes import check_malformed_tags, spans_of_cells, spell
from ner.corpus.sentence import Sentence, Span, check_document
from ner.corpus.source import SplitPaths
from ner.corpus.tags import spans_to_tags

_OF_ENDS = frozenset("ESLUM")  # a sentence without these letters says nothing of where its entities end


@dataclass(frozen=True, kw_only=True)
class ConllxFiles(Format):
    """CoNLL-X and CoNLL-U files, whose columns are separated by tabs.

    The tag stands in an eleventh column after the ten of either format, as in the files of Jie & Lu (2019), or where
    there are ten in the last of them, MISC, under one of the keys, such as `Entity=B-ORG`. In CoNLL-U Plus, whose
    `# global.columns` names the columns, a column of tags may have such a key as its name. `_`, and a MISC without any
    of the keys, is the same as `O`. Tags are in any scheme of `ner.corpus.schemes` but IO.

    Args:
        keys: of MISC, in any case, under which tags are looked for.
        brackets: see `ner.corpus.brackets.BRACKETS`; only where no other tag is there.
        malformed_tags: see `ner.corpus.schemes.MALFORMED_TAGS`.
    """

    keys: Sequence[str] = ("Entity", "NER", "NE", "name")
    brackets: str = "skip"
    malformed_tags: str = "error"

    name: ClassVar[str] = "conllx"
    patterns: ClassVar[tuple[str, ...]] = ("*.conllx", "*.conllu", "*.conllup", "*.conll")

    def __post_init__(self) -> None:
        check_brackets(self.brackets)
        check_malformed_tags(self.malformed_tags)
        if not self.keys or isinstance(self.keys, str):
            raise ValueError(f"keys is {self.keys!r}, where a list is needed, such as [NER,Entity]")

    def layout(self, file: Path) -> ConllxLayout:
        """What stands where in a file; it is read once for that.

        Raises:
            ValueError: naming the file, for tags of several schemes and columns that CoNLL-U Plus must have.
        """
        return find_conllx_layout(file, tuple(self.keys))

    def formalism(self, file: Path) -> str | None:
        return "ud" if file.suffix == ".conllu" else GIVEN

    def entities_in(self, file: Path) -> str:
        layout = self.layout(file)
        if self.brackets != "skip" and layout.has_brackets and layout.scheme is None:
            return f"MISC, the {self.brackets} of the entities in brackets"
        return str(layout)

    def parse(self, file: Path) -> Iterator[Outcome]:
        """See `Format`.

        The fifth column is the part of speech, or the fourth where all of the fifth is `_`. Heads that are all `_`
        give no tree; others that are none, such as two roots or `_` on some words, become the sentence's `malformed`.
        `# newdoc id = ...` names the document. Multiword tokens (`1-2`) and empty nodes (`1.1`) are no words.
        """
        try:
            layout = self.layout(file)
            yield from self._outcomes(file, layout)
        except ValueError as error:
            yield error

    def _outcomes(self, file: Path, layout: ConllxLayout) -> Iterator[Outcome]:
        document, field = "", 0
        for number, lines in line_runs(file):
            if is_blank(lines[0]):
                for line, raw in enumerate(lines, number):
                    if b"\t" in raw:
                        yield ValueError(
                            f"{file}:{line}: a line of nothing but tabs; a sentence ends with an empty line"
                        )
                continue
            try:
                texts = decode(file, number, lines)
                comments = next((row for row, text in enumerate(texts) if not text.startswith("#")), len(texts))
                for line, text in enumerate(texts[:comments], number):
                    if new_document := NEW_DOCUMENT.fullmatch(text):
                        document = check_document(new_document[1] or "", f"{file}:{line}")
                    field = type_field(text) or field
                if comments < len(texts):
                    yield self._sentence(file, number + comments, texts[comments:], document, layout, field)
            except ValueError as error:
                yield error

    def _sentence(
        self, path: Path, number: int, texts: Sequence[str], document: str, layout: ConllxLayout, field: int
    ) -> Sentence:
        rows: list[list[str]] = []
        lines: list[int] = []  # of each word
        tags: list[str] = []
        for line, text in enumerate(texts, number):
            where = f"{path}:{line}"
            cells = text.split("\t")
            layout.check_width(cells, where)
            tag = layout.tag_of(cells, where)
            if NOT_A_WORD.fullmatch(cells[layout.number]):
                if tag not in ("O", "_"):
                    raise ValueError(f"{where}: the tag {tag!r} on {cells[0]}, which is no word; put it on the words")
                continue
            check_row(cells[layout.number], cells[layout.word], due=len(rows) + 1, where=where)
            rows.append(cells)
            lines.append(line)
            tags.append(tag)
        if not rows:
            raise ValueError(f"{path}:{number}: a sentence without a word; remove it")
        columns = list(zip(*rows, strict=True))
        pos = (columns[place] for place in layout.pos)
        nothing = ("_",) * len(rows)
        heads = nothing if layout.head is None else columns[layout.head]
        tree, malformed = tree_of_cells(
            path, lines, heads, nothing if layout.relation is None else columns[layout.relation]
        )
        spans = spans_of_cells(
            tags,
            lambda word: f"{path}:{lines[word]}",
            scheme=layout.scheme if any(tag[0] in _OF_ENDS for tag in tags if tag) else None,
            malformed_tags=self.malformed_tags,
        )
        if not spans and self.brackets != "skip" and layout.misc is not None:
            spans = self._bracketed(path, lines, [layout.bracket_of(cells) for cells in rows], field)
        return Sentence(
            words=columns[layout.word],
            spans=spans,
            pos=next((column for column in pos if any(cell != "_" for cell in column)), None),
            tree=tree,
            malformed=malformed,
            document=document,
            source=f"{path}:{lines[0]}",
        )

    def _bracketed(self, path: Path, lines: Sequence[int], values: Sequence[str], field: int) -> tuple[Span, ...]:
        try:
            return flat(bracketed_spans(values, field), self.brackets)
        except BracketError as error:
            raise ValueError(f"{path}:{lines[error.position]}: {error}") from error

    def rewrite(self, source: Path, target: Path, spans_of_sentences: Iterable[Sequence[Span]]) -> None:
        """See `Format`.

        The tags go where they are read; a MISC without a key gets that of the rest of the file, or `NER=`, where a
        word is in an entity. Brackets are left as they are.
        """
        rewrite_entities(source, target, spans_of_sentences, layout=self.layout(source))


def read_conllx(path: str | Path) -> Iterator[Sentence]:
    """Yield the sentences of a file, or of all files below a directory; see `ConllxFiles.parse`.

    Raises:
        ValueError: naming file, line and what was found, for anything that is not the format.
    """
    return ConllxFiles().read_path(path)


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
    source: str | Path,
    target: str | Path,
    spans_of_sentences: Iterable[Sequence[Span]],
    *,
    scheme: str | None = None,
    layout: ConllxLayout | None = None,
) -> None:
    """Copy a file with other entity tags and every other byte as it was; see `ConllxFiles.rewrite`.

    Args:
        scheme: of `ner.corpus.schemes.FILE_SCHEMES`; None for that of the file, or IOB2 where it has no tag.
        layout: of the file, found out if it is not given.

    Raises:
        ValueError: for an unknown scheme, and where there are fewer or more spans than sentences, or they do not fit
            the words.
    """
    layout = layout or ConllxFiles().layout(Path(source))
    scheme = scheme or layout.scheme or "IOB2"
    rewrite_sentences(source, target, spans_of_sentences, partial(_replace_tags, layout=layout, scheme=scheme))


def _replace_tags(lines: list[bytes], spans: Sequence[Span], layout: ConllxLayout, scheme: str) -> list[bytes]:
    texts = [line.decode() for line in lines]
    is_word = [not NOT_A_WORD.fullmatch(text.split("\t")[layout.number]) for text in texts]
    tags = iter(spell(spans, sum(is_word), scheme))
    return [
        (layout.with_tag(text, next(tags)) if word else text).encode()
        for text, word in zip(texts, is_word, strict=True)
    ]


@dataclass(frozen=True, kw_only=True)
class ConllxSource(SplitPaths, ConllxFiles):
    """CoNLL-X or CoNLL-U files: for each split one, or a directory of them."""
