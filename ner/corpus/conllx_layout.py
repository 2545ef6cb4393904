"""What stands where in a CoNLL-X, CoNLL-U or CoNLL-U Plus file: its columns, and where its entity tags are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from ner.corpus.brackets import is_bracketed
from ner.corpus.files import is_blank, line_runs
from ner.corpus.layout import CONLL2012_HEADING, GLOBAL_COLUMNS
from ner.corpus.schemes import Spelling, is_tag

_TEN = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
_NEW_KEY = "NER"


@dataclass(frozen=True, kw_only=True)
class ConllxLayout:
    """The places of columns, from 0; `pos` holds them in order of preference.

    `tag` is the column of tags, None where they are in MISC under one of `keys`; `key` is the one that the file has, or
    should get. `scheme` is None where there is no tag; `has_brackets` says whether entities stand in brackets there.
    """

    columns: tuple[str, ...] | None
    number: int = 0
    word: int = 1
    pos: tuple[int, ...] = (4, 3)
    head: int | None = 6
    relation: int | None = 7
    misc: int | None = 9
    tag: int | None = None
    width: int = 0
    keys: tuple[str, ...] = ()
    key: str = _NEW_KEY
    scheme: str | None = None
    has_brackets: bool = False

    def __str__(self) -> str:
        where = f"column {self.tag + 1}" if self.tag is not None else "no column"
        if self.tag is None and self.misc is not None:
            where = f"MISC, under {', '.join(f'{key}=' for key in self.keys)} in any case"
        hint = "; there are entities in brackets, which corpus.brackets=outermost reads" if self.has_brackets else ""
        return f"{where} ({self.scheme or 'no entity'}){'' if self.scheme else hint}"

    def check_width(self, cells: Sequence[str], where: str) -> None:
        """Refuse a row of another number of cells than the file's.

        Raises:
            ValueError: at `where`.
        """
        if self.columns is not None and len(cells) != self.width:
            raise ValueError(f"{where}: {len(cells)} columns, where # global.columns names {self.width}")
        if self.columns is None and (len(cells) not in (10, 11) or len(cells) != self.width):
            hint = "" if self.width in (10, 11) else "; corpus=columns reads a word and its tag in any columns"
            raise ValueError(
                f"{where}: {len(cells)} columns; expected 10 or 11, separated by tabs, as many in all lines{hint}"
            )

    def tag_of(self, cells: Sequence[str], where: str = "") -> str:
        """The tag of a row, `O` where it has none.

        Raises:
            ValueError: where MISC holds more than one.
        """
        if self.tag is not None:
            return cells[self.tag].strip(" ")
        found = self._in_misc(cells)
        if len(found) > 1:
            raise ValueError(
                f"{where}: more than one entity tag in {cells[-1]!r}; leave one, or say which as corpus.keys=[NER]"
            )
        return found[0][2] if found else "O"

    def bracket_of(self, cells: Sequence[str]) -> str:
        """What of the row's MISC is bracketed, an empty string where nothing is."""
        values = [] if self.misc is None else self._pattern.findall(cells[self.misc])
        return next((value for _, value in values if is_bracketed(value)), "")

    def with_tag(self, line: str, tag: str) -> str:
        """The line with another tag, and everything else as it was."""
        body = line.removesuffix("\n")
        cells = body.split("\t")
        if self.tag is not None:
            if not (tag == "O" and cells[self.tag] == "_"):
                cells[self.tag] = tag
        elif self.misc is not None:
            misc = cells[self.misc]
            found = self._in_misc(cells)
            if found:
                start, end, _ = found[0]
                cells[self.misc] = misc[:start] + tag + misc[end:]
            elif tag != "O":
                cells[self.misc] = f"{self.key}={tag}" if misc in ("_", "") else f"{misc}|{self.key}={tag}"
        return "\t".join(cells) + line[len(body) :]

    def _in_misc(self, cells: Sequence[str]) -> list[tuple[int, int, str]]:
        if self.misc is None or "=" not in cells[self.misc]:
            return []
        return [
            (*match.span(2), match[2])
            for match in self._pattern.finditer(cells[self.misc])
            if not is_bracketed(match[2])
        ]

    @property
    def _pattern(self) -> re.Pattern[str]:
        return _key_pattern(self.keys)


@lru_cache
def _key_pattern(keys: tuple[str, ...]) -> re.Pattern[str]:
    """A key and its value. Real files have a blank in place of the bar between two."""
    return re.compile(rf"(?<![^|\s])({'|'.join(map(re.escape, keys))})=([^|\s]*)", re.IGNORECASE)


def find_conllx_layout(path: Path, keys: tuple[str, ...]) -> ConllxLayout:
    """Find out the layout of a file, which is read once for that.

    Raises:
        ValueError: naming the file, for `# global.columns` without ID or FORM, for tags of several schemes, and for
            CoNLL-2012.
    """
    status = path.stat()
    return _find(path, keys, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=256)
def _find(path: Path, keys: tuple[str, ...], modified: int, size: int) -> ConllxLayout:
    survey: _Survey | None = None
    named: tuple[str, ...] | None = None
    for _, lines in line_runs(path):
        if is_blank(lines[0]):
            continue
        texts = [line.decode(errors="replace").rstrip("\r\n") for line in lines]
        comments = next((row for row, text in enumerate(texts) if not text.startswith("#")), len(texts))
        for text in texts[:comments]:
            if match := GLOBAL_COLUMNS.fullmatch(text):
                named = tuple(match[1].split())
            elif text.startswith(CONLL2012_HEADING):
                raise ValueError(f"{path}: a CoNLL-2012 file, which corpus=conll2012 reads")
        rows = [text.split("\t") for text in texts[comments:]]
        if rows and survey is None:
            survey = _Survey(_named(path, named, keys) if named else _unnamed(len(rows[0]), keys))
        if survey is not None:
            survey.add([row for row in rows if len(row) == survey.layout.width])
    try:
        return _unnamed(10, keys) if survey is None else survey.result()
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


class _Survey:
    """What is seen of the rows of a file, sentence by sentence."""

    def __init__(self, layout: ConllxLayout) -> None:
        self.layout = layout
        self.spelling = Spelling()
        self.found_keys: set[str] = set()
        self.has_brackets = False
        self.num_rows = self.num_bare = 0  # rows, and those whose MISC is itself a tag
        self.bare_spelling = Spelling()

    def add(self, rows: Sequence[list[str]]) -> None:
        self.spelling.add([self._tag(row) for row in rows])
        if self.layout.tag is None and self.layout.misc is not None:
            cells = [row[self.layout.misc] for row in rows]
            values = [pair for cell in cells for pair in _key_pattern(self.layout.keys).findall(cell)]
            self.found_keys.update(key for key, value in values if is_tag(value))
            self.has_brackets = self.has_brackets or any(is_bracketed(value) for _, value in values)
            self.num_rows += len(rows)
            self.num_bare += sum(map(is_tag, cells))
            self.bare_spelling.add(cells)

    def result(self) -> ConllxLayout:
        """The layout with all that was found out; ValueError for tags of several schemes."""
        if self.bare_spelling.labels and self.num_bare == self.num_rows and not self.found_keys:
            return replace(self.layout, tag=self.layout.misc, scheme=self.bare_spelling.scheme)
        key = min(self.found_keys, default=_NEW_KEY)
        return replace(self.layout, key=key, scheme=self.spelling.scheme, has_brackets=self.has_brackets)

    def _tag(self, row: Sequence[str]) -> str:
        try:
            return self.layout.tag_of(row)
        except ValueError:  # two of them: said when the sentence is read
            return "O"


def _unnamed(width: int, keys: tuple[str, ...]) -> ConllxLayout:
    return ConllxLayout(
        columns=None, width=width, keys=keys, misc=9 if width in (10, 11) else None, tag=10 if width == 11 else None
    )


def _named(path: Path, columns: tuple[str, ...], keys: tuple[str, ...]) -> ConllxLayout:
    missing = [name for name in ("ID", "FORM") if name not in columns]
    if missing:
        raise ValueError(f"{path}: # global.columns names no {' and no '.join(missing)}; corpus=columns may read it")
    wanted = {key.upper() for key in keys}
    tags = (
        place for place, name in enumerate(columns) if name not in _TEN and name.rpartition(":")[2].upper() in wanted
    )

    def place(name: str) -> int | None:
        return columns.index(name) if name in columns else None

    return ConllxLayout(
        columns=columns,
        number=columns.index("ID"),
        word=columns.index("FORM"),
        pos=tuple(columns.index(name) for name in ("XPOS", "UPOS") if name in columns),
        head=place("HEAD"),
        relation=place("DEPREL"),
        misc=place("MISC"),
        tag=next(tags, None),
        width=len(columns),
        keys=keys,
    )
