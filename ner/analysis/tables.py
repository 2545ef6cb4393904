"""Tables, and how they are written as Markdown, LaTeX and CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ner.analysis.charts import Estimate
from ner.stored import printable

Cell = str | int | float | Estimate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under a header; the first column names the row, and a cell without a value is None.

    `name` is for files. `best` holds the row and column of the cells with the best values, which are set in bold.
    """

    name: str = ""
    title: str
    note: str = ""
    header: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    best: frozenset[tuple[int, int]] = frozenset()

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(f"a row of {len(row)} cells under a header of {len(self.header)}: {row}")

    def is_text(self, column: int) -> bool:
        """Whether a column holds text, which is aligned to the left, rather than numbers."""
        return column == 0 or any(isinstance(row[column], str) for row in self.rows)


def to_text(cell: Cell) -> str:
    """Two decimals for measurements, thousands separators for counts, `-` for no value."""
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:.2f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def best_in_column(rows: Sequence[tuple[Cell, ...]], column: int) -> set[tuple[int, int]]:
    """The cells with the highest value of a column; none where all are alike."""
    values = {(row, column): value for row, cells in enumerate(rows) if (value := _value(cells[column])) is not None}
    return _best(values, max)


def best_in_row(
    rows: Sequence[tuple[Cell, ...]], row: int, columns: Sequence[int], *, choose: Callable[..., float] = max
) -> set[tuple[int, int]]:
    """The cells with the highest value of these columns of a row, or the lowest for `min`; none where all are alike."""
    values = {(row, column): value for column in columns if (value := _value(rows[row][column])) is not None}
    return _best(values, choose)


def _best(values: Mapping[tuple[int, int], float], choose: Callable[..., float]) -> set[tuple[int, int]]:
    rounded = {place: round(value, 2) for place, value in values.items()}  # as they are shown
    if len(set(rounded.values())) < 2:
        return set()
    best = choose(rounded.values())
    return {place for place, value in rounded.items() if value == best}


def _value(cell: Cell) -> float | None:
    if isinstance(cell, Estimate):
        return cell.mean
    return float(cell) if isinstance(cell, int | float) else None


def to_markdown(table: Table) -> str:
    """A pipe table under its title, as GitHub draws it and a terminal shows it."""
    texts = [table.header, *(tuple(map(to_text, row)) for row in table.rows)]
    cells = [[printable(cell).replace("|", "\\|") for cell in row] for row in texts]
    for row, column in table.best:
        cells[row + 1][column] = f"**{cells[row + 1][column]}**"
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
    rows = [
        " & ".join(_to_latex(cell, is_best=(row, column) in table.best) for column, cell in enumerate(cells)) + r" \\"
        for row, cells in enumerate(table.rows)
    ]
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
    """For programs: numbers are not rounded, and the standard deviation of an estimate is a column of its own.

    A text that a spreadsheet would take for a formula has an apostrophe before it, as spreadsheets themselves have it.
    """
    has_deviation = [
        any(isinstance(row[column], Estimate) for row in table.rows) for column in range(len(table.header))
    ]
    header = (
        [name, f"{name} (standard deviation)"] if split else [name]
        for name, split in zip(table.header, has_deviation, strict=True)
    )
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([_no_formula(name) for names in header for name in names])
    for row in table.rows:
        cells: list[str | int | float | None] = []
        for cell, split in zip(row, has_deviation, strict=True):
            if isinstance(cell, Estimate):
                cells += [cell.mean, cell.deviation]
            else:
                plain = _no_formula(cell) if isinstance(cell, str) else cell
                cells += [plain, None] if split else [plain]
        writer.writerow(cells)
    return file.getvalue()


FORMATS: dict[str, Callable[[Table], str]] = {"md": to_markdown, "tex": to_latex, "csv": to_csv}
"""How a table is written, by the suffix of the file."""


def _to_latex(cell: Cell, *, is_best: bool = False) -> str:
    if isinstance(cell, Estimate):
        text = to_text(cell).replace("±", r"\pm")
    elif isinstance(cell, int | float):
        text = to_text(cell).replace(",", "{,}")
    else:
        return "--" if cell is None else _escape(printable(cell))
    return rf"$\mathbf{{{text}}}$" if is_best else f"${text}$"


def _no_formula(text: str) -> str:
    text = printable(text)
    is_formula = text.startswith(_FORMULA) and not _SIGNED_NUMBER.fullmatch(text)
    return f"'{text}" if is_formula else text


_FORMULA = (*"=+-@", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # and their full-width forms
_SIGNED_NUMBER = re.compile(r"[+-]\d+(\.\d+)?")


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
