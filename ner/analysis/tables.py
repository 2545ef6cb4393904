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
    """Rows under a header; the first column names the row. None is a cell with no value, `name` is for files."""

    name: str = ""
    title: str
    note: str = ""
    header: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(f"a row of {len(row)} cells under a header of {len(self.header)}: {row}")

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
    """A pipe table under its title, as GitHub draws it and a terminal shows it."""
    rows = [table.header, *(tuple(map(to_text, row)) for row in table.rows)]
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    widths = [max(3, *(len(row[column]) for row in cells)) for column in range(len(table.header))]
    places = list(enumerate(widths))
    header, *rest = (
        [row[column].ljust(width) if table.is_text(column) else row[column].rjust(width) for column, width in places]
        for row in cells
    )
    rule = ["-" * width if table.is_text(column) else "-" * (width - 1) + ":" for column, width in places]
    lines = "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *rest))
    return "\n\n".join([f"**{table.title}**", lines, *([table.note] if table.note else [])]) + "\n"


def to_latex(table: Table) -> str:
    r"""A `table` with the rules of booktabs: `\usepackage{booktabs}`; `\ref` knows it by its name."""
    columns = "".join("l" if table.is_text(column) else "r" for column in range(len(table.header)))
    rows = [" & ".join(_to_latex(cell) for cell in row) + r" \\" for row in table.rows]
    lines = [
        r"\begin{table}",
        r"  \centering",
        rf"  \begin{{tabular}}{{{columns}}}",
        r"    \toprule",
        "    " + " & ".join(map(_escape, table.header)) + r" \\",
        r"    \midrule",
        *(f"    {row}" for row in rows),
        r"    \bottomrule",
        r"  \end{tabular}",
        rf"  \caption{{{_escape(' '.join(filter(None, (f'{table.title}.', table.note))))}}}",
        rf"  \label{{tab:{table.name}}}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def to_csv(table: Table) -> str:
    """For programs: numbers are not rounded, and the standard deviation of an estimate is a column of its own."""
    has_deviation = [
        any(isinstance(row[column], Estimate) for row in table.rows) for column in range(len(table.header))
    ]
    header = (
        [name, f"{name} (standard deviation)"] if split else [name]
        for name, split in zip(table.header, has_deviation, strict=True)
    )
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([name for names in header for name in names])
    for row in table.rows:
        cells: list[str | int | float | None] = []
        for cell, split in zip(row, has_deviation, strict=True):
            if isinstance(cell, Estimate):
                cells += [cell.mean, cell.deviation]
            else:
                cells += [cell, None] if split else [cell]
        writer.writerow(cells)
    return file.getvalue()


FORMATS: dict[str, Callable[[Table], str]] = {"md": to_markdown, "tex": to_latex, "csv": to_csv}
"""What writes the files of each suffix."""


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
