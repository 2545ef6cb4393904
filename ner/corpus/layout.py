"""The layout of a file of columns, found out from its content: what stands in which column, and in which scheme."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from ner.corpus.files import decode, is_blank, line_runs
from ner.corpus.schemes import Spelling, check_malformed_tags, check_scheme, is_tag

GLOBAL_COLUMNS = re.compile(r"#\s*global\.columns\s*=\s*(.*?)\s*")
"""The comment of CoNLL-U Plus that names the columns."""
CONLL2012_HEADING = "#begin document"
NOT_A_WORD = re.compile(r"\d+-\d+|\d+\.\d+")
"""The number of a multiword token or an empty node of CoNLL-U."""
NEW_DOCUMENT = re.compile(r"#\s*newdoc(?:\s+id\s*=\s*(.*?))?\s*")
"""The comment that begins a document, with its id."""

_CELL = re.compile(r"[^ \t]+")
_NAMES = {
    "number": ("ID",),
    "word": ("FORM", "WORD", "TOKEN"),
    "tag": ("NER", "NE", "ENTITY", "NER_TAG", "NER_TAGS"),
    "pos": ("XPOS", "UPOS", "POS"),
    "head": ("HEAD",),
    "relation": ("DEPREL", "RELATION"),
}
_PHRASES = frozenset(  # the chunks of CoNLL-2000 to 2003
    ("NP", "VP", "PP", "ADVP", "ADJP", "SBAR", "PRT", "CONJP", "INTJ", "LST", "UCP", "NC", "VC", "PC")
)
_FEW = 200  # distinct cells in a column of bare types
_DOCUMENT = ("-DOCSTART", "#DOCSTART")

Column = int | str | None
"""A column by number, from 1 or from the end as -1, or by its name in `# global.columns`; None to find it out."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """What the user says of the columns and the scheme of a file; of what is None, word, tag and scheme are found out.

    `malformed_tags` is one of `ner.corpus.schemes.MALFORMED_TAGS`.

    Raises:
        ValueError: for column 0, and an unknown scheme.
    """

    word: Column = None
    tag: Column = None
    pos: Column = None
    head: Column = None
    relation: Column = None
    scheme: str | None = None
    malformed_tags: str = "error"

    def __post_init__(self) -> None:
        check_scheme(self.scheme)
        check_malformed_tags(self.malformed_tags)
        for name in ("word", "tag", "pos", "head", "relation"):
            if getattr(self, name) == 0:
                raise ValueError(f"{name}=0: columns count from 1, or from the end as -1")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Which cell of a row holds what, counted from 0; None for what the file does not have.

    `delimiter` is a tab, or a blank for any number of blanks and tabs. `number` is the cell with the number of a word
    in its sentence, the first of which is `first_number`. `notes` says what a user should know of it.
    """

    delimiter: str
    width: int
    word: int
    tag: int | None
    pos: int | None
    head: int | None
    relation: int | None
    number: int | None
    first_number: int
    scheme: str | None
    notes: tuple[str, ...] = ()

    def cells(self, text: str) -> list[str]:
        """The cells of a line, without blanks around them, and without empty ones beyond the width."""
        cells = _split(text, self.delimiter)
        while len(cells) > self.width and not cells[-1]:
            del cells[-1]
        return cells

    def is_comment(self, text: str) -> bool:
        """Whether a line before a sentence that begins with `#` is no row: `#` may be a word, and begin one."""
        is_apart = text[1:2] in ("", " ", "\t")
        if not is_apart and "=" not in text:
            return False
        cells = self.cells(text)
        if len(cells) != self.width:
            return True
        if self.tag is None or self.scheme == "IO":  # any cells may be a row
            return is_apart and ("=" in text or NEW_DOCUMENT.fullmatch(text) is not None)
        return not is_tag(cells[self.tag])

    def __str__(self) -> str:
        if self.tag is None:
            return f"no column of tags among {self.width}"
        scheme = "no entity" if self.scheme is None else self.scheme
        return f"word in column {self.word + 1}, tag in column {self.tag + 1} of {self.width} ({scheme})"


def is_document_start(text: str) -> bool:
    """Whether a line begins a document: `-DOCSTART-` or `#DOCSTART`, after a number or not, with whatever follows."""
    return "DOCSTART" in text[:32] and any(cell.startswith(_DOCUMENT) for cell in text.split()[:2])


def cell_bounds(text: str, delimiter: str) -> list[tuple[int, int]]:
    """Where each cell of a line begins and ends."""
    if delimiter == " ":
        return [match.span() for match in _CELL.finditer(text)]
    bounds, start = [], 0
    for cell in text.split("\t"):
        begin = start + len(cell) - len(cell.lstrip(" "))
        bounds.append((begin, begin + len(cell.strip(" "))))
        start += len(cell) + 1
    return bounds


def find_layout(path: Path, columns: Columns) -> Layout:
    """Find out the layout of a file, which is read once for that.

    The delimiter is a tab where the first row has one. The first column holds numbers where they run from 0 or 1 in
    nearly every sentence; the word comes next. Tags stand in the first column that is made of them, other than the
    phrases of CoNLL-2003, and they say the scheme.

    Raises:
        ValueError: naming the file, for a column that is not there, for tags of several schemes, and for CoNLL-2012.
    """
    status = path.stat()
    return _find_layout(path, columns, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=256)
def _find_layout(path: Path, columns: Columns, modified: int, size: int) -> Layout:
    survey = _Survey()
    for number, lines in line_runs(path, windows=True):
        if not is_blank(lines[0]):
            survey.add(decode(path, number, lines, windows=True))
    try:
        return survey.layout(columns)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


@dataclass
class _ColumnSurvey:
    spelling: Spelling = field(default_factory=Spelling)
    num_tags: int = 0
    distinct: set[str] = field(default_factory=set)

    def add(self, cells: Sequence[str]) -> None:
        found = {*cells}
        if len(self.distinct) <= _FEW:
            self.distinct |= found
        tags = {cell for cell in found if is_tag(cell)}
        if tags:
            self.num_tags += len(cells) if len(tags) == len(found) else sum(cell in tags for cell in cells)
            if tags != {"O"}:
                self.spelling.add(cells)


class _Survey:
    """What is seen of the rows of a file, run by run of lines that are not blank."""

    def __init__(self) -> None:
        self.delimiter = ""
        self.width = 0
        self.names: list[str] = []
        self.columns: list[_ColumnSurvey] = []
        self.num_rows = 0
        self.num_sentences = 0
        self.is_conll2012 = False
        self.num_from = [0, 0]  # sentences numbered from 0, from 1

    def add(self, texts: Sequence[str]) -> None:
        for text in texts:
            if named := GLOBAL_COLUMNS.fullmatch(text):
                self.names = named[1].split()
            self.is_conll2012 = self.is_conll2012 or text.startswith(CONLL2012_HEADING)
        if not self.width:
            self._take_measure(texts)
        if not self.width:
            return
        rows = [_split(text, self.delimiter)[: self.width] for text in texts if not is_document_start(text)]
        rows = [cells for cells in rows if len(cells) == self.width and not NOT_A_WORD.fullmatch(cells[0])]
        while len(rows) > 1 and rows[0][0].startswith("#") and not any(map(is_tag, rows[0][1:])):
            del rows[0]
        if not rows:
            return
        self.num_rows += len(rows)
        self.num_sentences += 1
        by_column = list(zip(*rows, strict=True))
        for first in (0, 1):
            self.num_from[first] += all(cell == str(number) for number, cell in enumerate(by_column[0], first))
        for column, cells in zip(self.columns, by_column, strict=True):
            column.add(cells)

    def _take_measure(self, texts: Sequence[str]) -> None:
        rows = [text for text in texts if not is_document_start(text)]
        row = next((text for text in rows if not text.startswith("#")), None)
        if row is not None:
            row = row.rstrip("\t ")
            self.delimiter = "\t" if "\t" in row else " "
            self.width = len(_split(row, self.delimiter))
            self.columns = [_ColumnSurvey() for _ in range(self.width)]

    def layout(self, columns: Columns) -> Layout:
        if self.is_conll2012:
            raise ValueError("a CoNLL-2012 file, which corpus=conll2012 reads")
        if not self.num_rows:
            raise ValueError("there is no sentence in it")
        number, first_number = self._number()
        notes: list[str] = []
        tag = self._place("tag", columns.tag)
        if tag is None and columns.scheme != "IO":
            tag = self._find_tag(notes)
        word = self._place("word", columns.word)
        if word is None:
            word = next((place for place in range(self.width) if place not in (number, tag)), 0)
        if word == tag:
            raise ValueError(f"word and tag in one column, {word + 1}: say which, as corpus.word=1 corpus.tag=2")
        if columns.scheme == "IO" and tag is None and self.width > 1:
            tag = self.width - 1
        if tag is None:
            notes.append(self._what_was_looked_for())
        return Layout(
            delimiter=self.delimiter,
            width=self.width,
            word=word,
            tag=tag,
            pos=self._place("pos", columns.pos),
            head=self._place("head", columns.head),
            relation=self._place("relation", columns.relation),
            number=number,
            first_number=first_number,
            scheme=columns.scheme or (None if tag is None else self.columns[tag].spelling.scheme),
            notes=tuple(notes),
        )

    def _number(self) -> tuple[int | None, int]:
        if "ID" in self.names:
            return self.names.index("ID"), 1
        first = max((0, 1), key=self.num_from.__getitem__)
        is_numbered = self.width > 1 and self.num_from[first] >= 0.9 * self.num_sentences
        return (0 if is_numbered else None), first

    def _place(self, role: str, column: Column) -> int | None:
        """Where a column is that is given, or named in the file."""
        if column is None:
            names = [name.rpartition(":")[2].upper() for name in self.names]
            return next((names.index(name) for name in _NAMES[role] if name in names), None)
        if isinstance(column, str):
            if column not in self.names:
                named = f"names {', '.join(self.names)}" if self.names else "is missing: give numbers"
                raise ValueError(f"no column {column!r}: its '# global.columns =' {named}")
            return self.names.index(column)
        if not -self.width <= column <= self.width:
            raise ValueError(f"{role}={column}, but it has {self.width} columns")
        return column - 1 if column > 0 else self.width + column

    def _find_tag(self, notes: list[str]) -> int | None:
        candidates = [place for place in range(self.width) if 2 * self.columns[place].num_tags >= self.num_rows]
        labelled = [place for place in candidates if {*self.columns[place].spelling.labels} - _PHRASES]
        if len(labelled) > 1:
            places = " and ".join(str(place + 1) for place in labelled)
            notes.append(
                f"columns {places} all hold tags; column {labelled[0] + 1} is read (corpus.tag={labelled[1] + 1} "
                "reads another)"
            )
        outside = [
            place
            for place in candidates
            if self.columns[place].num_tags == self.num_rows and "O" in self.columns[place].distinct
        ]
        return labelled[0] if labelled else outside[-1] if outside else None

    def _what_was_looked_for(self) -> str:
        last = self.columns[-1].distinct
        if self.width > 1 and "O" in last and len(last) <= _FEW:
            types = ", ".join(sorted(last - {"O"})[:4])
            return (
                f"no column holds tags such as B-PER; column {self.width} holds bare types ({types}): "
                "corpus.scheme=IO reads each run of one type as an entity"
            )
        hint = "; it may be CoNLL-U, which corpus=conllx reads" if self.width == 10 and self._number()[0] == 0 else ""
        return f"none of its {self.width} columns holds tags such as B-PER, I-PER and O{hint}"


def check_row(number: str | None, word: str, *, due: int, where: str) -> None:
    """Refuse a row of a sentence whose word is missing, or whose number, where it has one, is not the next.

    Raises:
        ValueError: at `where`.
    """
    if number is not None and number != str(due):
        raise ValueError(
            f"{where}: word number {number[:20]!r} where {due} is due; "
            "restore the missing lines, or the blank line between two sentences"
        )
    if not word:
        raise ValueError(f"{where}: the word is empty; write '_' where there is none")


def _split(text: str, delimiter: str) -> list[str]:
    if delimiter == "\t":
        return [cell.strip(" ") for cell in text.split("\t")]
    return text.split() if text.isascii() else _CELL.findall(text)
