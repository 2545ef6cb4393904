"""Feature templates in the syntax of CRF++ (Kudo, 2005), whose columns may also go by name.

A line is a template: `U02:%x[0,0]` stands for the string that is left when `%x[row,column]` is replaced by the value of
a column at a token, `row` tokens after the current one: `U02:the`. Each such string that training knows is a feature,
with a weight for each tag. The line `B` asks for the scores of transitions between tags. Blank lines, and those that
begin with `#`, say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ner.stored import printable, shortened

FURTHEST = 8
"""Rows before or after the current token that a template may look at, as in CRF++."""

_CELL = re.compile(r"%x\[\s*(-?\d+)\s*,\s*([\w.]+)\s*\]", re.ASCII)
_COLUMN = re.compile(r"(head\.){0,9}(word|lower|shape|(prefix|suffix)[1-9]|pos|relation|gazetteer)")
COLUMNS = "word, lower, shape, prefix1 to prefix9, suffix1 to suffix9, pos, relation, gazetteer, and head. before any"


@dataclass(frozen=True, slots=True)
class Cell:
    """The value of a column so many tokens after the current one (before it, where `row` is negative)."""

    row: int
    column: str


@dataclass(frozen=True, slots=True)
class Template:
    """What a line says: the text as it is, and cells to be filled in."""

    parts: tuple[str | Cell, ...]

    @property
    def cells(self) -> tuple[Cell, ...]:
        return tuple(part for part in self.parts if isinstance(part, Cell))


@dataclass(frozen=True, slots=True, kw_only=True)
class Templates:
    """Templates of features of single tags, and whether there are transitions (a line `B`).

    `columns` are what the numbers of columns stand for; every column can be named as well, as in `%x[-1,head.word]`.

    Raises:
        ValueError: naming the line, for one that is no template.
    """

    lines: tuple[str, ...]
    columns: tuple[str, ...] = ("word", "pos")

    def __post_init__(self) -> None:
        for column in self.columns:
            _check_column(column, "columns")
        if not self.unigrams:
            raise ValueError("there is no template of a feature: a line such as U02:%x[0,word]")

    @property
    def unigrams(self) -> tuple[Template, ...]:
        return tuple(template for line in self._said() if (template := self._parse(line)) is not None)

    @property
    def has_transitions(self) -> bool:
        return any(line.startswith("B") for line in self._said())

    def reads(self, column: str) -> bool:
        """Whether a cell of a template is of this column, of a head's or of the token's own."""
        return any(cell.column.rpartition(".")[2] == column for cell in self._cells())

    @property
    def reads_heads(self) -> bool:
        return any(cell.column.startswith("head.") for cell in self._cells())

    def _cells(self) -> Iterable[Cell]:
        return (cell for template in self.unigrams for cell in template.cells)

    def _said(self) -> Iterable[str]:
        return (line for line in map(str.strip, self.lines) if line and not line.startswith("#"))

    def _parse(self, line: str) -> Template | None:
        """The template of a line, None for `B`."""
        shown = printable(shortened(line))
        if line.startswith("B"):
            if "%" in line:
                raise ValueError(
                    f"the template {shown!r} makes transitions depend on words, which this CRF does not: "
                    "write B for transitions, U... for features of single tags"
                )
            return None
        if not line.startswith("U"):
            raise ValueError(f"the template {shown!r} begins with neither U nor B")
        texts = _CELL.split(line)
        if any("%" in text for text in texts[::3]):
            raise ValueError(
                f"the template {shown!r} has a % that is not %x[row,column], such as %x[-1,0] or %x[0,word]"
            )
        parts: list[str | Cell] = [texts[0]]
        for row, column, text in zip(*(iter(texts[1:]),) * 3, strict=True):
            parts += [Cell(self._row(row, shown), self._column(column, shown)), text]
        return Template(tuple(part for part in parts if part))

    def _row(self, text: str, line: str) -> int:
        if abs(row := int(text)) > FURTHEST:
            raise ValueError(f"the template {line!r} looks {abs(row)} tokens away: {FURTHEST} is the most")
        return row

    def _column(self, text: str, line: str) -> str:
        if text.isdigit():
            if int(text) >= len(self.columns):
                known = ", ".join(f"{number} {name}" for number, name in enumerate(self.columns))
                raise ValueError(f"the template {line!r} has a column {text}, but there are: {known}")
            return self.columns[int(text)]
        return _check_column(text, f"the template {line!r}")


def read_template_lines(text: str) -> tuple[str, ...]:
    """The lines of a template file, without those that say nothing."""
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def _check_column(name: str, where: str) -> str:
    if not _COLUMN.fullmatch(name):
        raise ValueError(f"{where}: unknown column {printable(shortened(name))!r}: choose one of {COLUMNS}")
    return name


def boundary_values(row: int) -> Sequence[str]:
    """What stands outside a sentence, from `_B-1` on before it or from `_B+1` on after it, nearest first."""
    sign = "-" if row < 0 else "+"
    return [f"_B{sign}{distance}" for distance in range(1, abs(row) + 1)]
