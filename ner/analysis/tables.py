"""A table, and the same table in Markdown, LaTeX and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ner.analysis.charts import Estimate

Cell = str | int | float | Estimate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under a head; the first column names the row. None is a cell with no value."""

    title: str
    note: str = ""
    head: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.head):
                raise ValueError(f"a row of {len(row)} cells under a head of {len(self.head)}: {row}")

    def is_text(self, column: int) -> bool:
        """Whether a column holds words, which are set to the left, and not numbers."""
        return column == 0 or any(isinstance(row[column], str) for row in self.rows)


def to_text(cell: Cell) -> str:
    """Two places for what is measured, thousands apart for what is counted, `-` for no value."""
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:.2f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def to_markdown(table: Table) -> str:
    """A pipe table under its title, as GitHub draws it."""

    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

    rule = [":---" if table.is_text(column) else "---:" for column in range(len(table.head))]
    lines = [line(table.head), line(rule), *(line([to_text(cell) for cell in row]) for row in table.rows)]
    parts = [f"**{table.title}**", "\n".join(lines), *([table.note] if table.note else [])]
    return "\n\n".join(parts) + "\n"


def to_latex(table: Table, *, label: str) -> str:
    r"""A `table` with the rules of booktabs: `\usepackage{booktabs}`. `label` is for `\ref`."""
    columns = "".join("l" if table.is_text(column) else "r" for column in range(len(table.head)))
    rows = [" & ".join(_to_latex(cell) for cell in row) + r" \\" for row in table.rows]
    lines = [
        r"\begin{table}",
        r"  \centering",
        rf"  \begin{{tabular}}{{{columns}}}",
        r"    \toprule",
        "    " + " & ".join(map(_escape, table.head)) + r" \\",
        r"    \midrule",
        *(f"    {row}" for row in rows),
        r"    \bottomrule",
        r"  \end{tabular}",
        rf"  \caption{{{_escape(' '.join(filter(None, (f'{table.title}.', table.note))))}}}",
        rf"  \label{{tab:{label}}}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def to_csv(table: Table) -> str:
    """For programs: numbers are not rounded, and the standard deviation of an estimate is a column of its own."""
    has_deviation = [any(isinstance(row[column], Estimate) for row in table.rows) for column in range(len(table.head))]
    head = (
        [name, f"{name} (standard deviation)"] if split else [name]
        for name, split in zip(table.head, has_deviation, strict=True)
    )
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([name for names in head for name in names])
    for row in table.rows:
        cells: list[str | int | float | None] = []
        for cell, split in zip(row, has_deviation, strict=True):
            if isinstance(cell, Estimate):
                cells += [cell.mean, cell.deviation]
            else:
                cells += [cell, None] if split else [cell]
        writer.writerow(cells)
    return file.getvalue()


FORMATS: dict[str, Callable[[Table, str], str]] = {
    "md": lambda table, name: to_markdown(table),
    "tex": lambda table, name: to_latex(table, label=name),
    "csv": lambda table, name: to_csv(table),
}
"""The suffix of each format, and what writes a table of a name in it."""


def _to_latex(cell: Cell) -> str:
    if isinstance(cell, Estimate):
        return f"${to_text(cell)}$".replace("±", r"\pm")
    if isinstance(cell, int | float):
        return f"${to_text(cell)}$".replace(",", "{,}")
    return "--" if cell is None else _escape(cell)


def _escape(text: str) -> str:
    return text.translate(_ESCAPES)


_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        **{character: f"\\{character}" for character in "&%$#_{}"},
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "±": r"$\pm$",
        "≥": r"$\geq$",
        "<": r"$<$",
        ">": r"$>$",
    }
)
