"""The report as one HTML file: its sections, their tables and charts, and the sentence browser."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from ner.analysis import svg
from ner.analysis.browser import show
from ner.analysis.browser_data import BrowserData
from ner.analysis.chart_tables import chart_table
from ner.analysis.charts import Chart, Curves, Dots, Estimate, HeatMap
from ner.analysis.drawing import NARROW, WIDE, draw, swatch
from ner.analysis.tables import Cell, Table, to_text
from ner.web.markup import Markup, element, json_island
from ner.web.webpage import resource, webpage

NO_TEXT = "This report was made without the text of the corpus, so there are no sentences."
DEEP = 75
"""Per cent of the strongest shade from which on white text is easier to read than black; in the dark the reverse."""
MANY = 10
"""With more columns than this, the headers of a heat map stand upright."""


@dataclass(frozen=True, slots=True)
class Code:
    """Commands or configuration, shown as they are."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the report: `name` is its anchor. Paragraphs (str), tables, charts and code follow each other."""

    name: str
    title: str
    parts: Sequence[str | Table | Chart | Code]


def page(*, title: str, lead: str, sections: Sequence[Section], browser: BrowserData | None) -> str:
    """The whole page.

    Args:
        browser: the data of the sentence browser; None where the report shows no text of the corpus, and says so.
    """
    anchors = [(section.name, section.title) for section in sections] + [("sentences", "Sentences")]
    links = (element("li", {}, element("a", {"href": f"#{name}"}, text)) for name, text in anchors)
    return webpage(
        title=title,
        lead=lead,
        navigation=element("nav", {"aria-label": "Sections"}, element("ul", {}, *links)),
        content=[*map(_section, sections), _sentences(browser)],
        data=None if browser is None else json_island("sentence-data", browser.to_dict()),
        styles=[resource("page.css", "ner.analysis")],
        scripts=[resource("page.js", "ner.analysis")],
        footer="Made by python -m ner.report; nothing on this page is fetched from a network.",
    )


def _section(section: Section) -> Markup:
    return element(
        "section",
        {"id": section.name, "aria-labelledby": f"{section.name}-title"},
        element("h2", {"id": f"{section.name}-title"}, section.title),
        *_parts(section.parts),
    )


def _sentences(browser: BrowserData | None) -> Markup:
    return element(
        "section",
        {"id": "sentences", "aria-labelledby": "sentences-title"},
        element("h2", {"id": "sentences-title"}, "Sentences"),
        *([_paragraph(NO_TEXT)] if browser is None else show(browser)),
    )


def _parts(parts: Sequence[str | Table | Chart | Code]) -> Iterator[Markup]:
    """The parts as markup. A table that follows a chart and has the beginning of its title is folded in below it."""
    numbers: Table | None = None
    for part, after in zip_longest(parts, parts[1:]):
        if isinstance(part, str):
            yield _paragraph(part)
        elif isinstance(part, Code):
            yield element("pre", {}, element("code", {}, part.text))
        elif isinstance(part, HeatMap):
            yield _scrolling(_heat_map(part), part.title)
        elif isinstance(part, Curves | Dots):
            numbers = after if isinstance(after, Table) and part.title.startswith(after.title) else None
            yield _figure(part, numbers or chart_table(part))
        elif part is not numbers:
            yield from _table(part)


def _figure(chart: Curves | Dots, numbers: Table) -> Markup:
    drawings = (
        svg.to_markup(draw(chart, width=width), kind=kind) for kind, width in (("wide", WIDE), ("narrow", NARROW))
    )
    return element(
        "figure",
        {},
        element("figcaption", {}, chart.title),
        _legend(list(chart.systems)),
        *drawings,
        element("details", {}, element("summary", {}, "The numbers"), *_table(numbers)),
    )


def _legend(systems: Sequence[str]) -> Markup:
    """The mark and line of each system; the page's script makes the buttons show and hide."""
    items = []
    for series, name in enumerate(systems):
        attributes = {"type": "button", "aria-pressed": "true", "data-series": str(series), "disabled": ""}
        items.append(element("li", {}, element("button", attributes, svg.swatch(swatch(series)), name)))
    return element("ul", {"class": "legend", "aria-label": "systems: press to hide or show"}, *items)


def _table(table: Table) -> Iterator[Markup]:
    is_text = [table.is_text(column) for column in range(len(table.header))]
    header = [
        element("th", {"scope": "col", **({"class": "text"} if text else {})}, name)
        for name, text in zip(table.header, is_text, strict=True)
    ]
    rows = [
        element(
            "tr",
            {},
            *(_cell(cell, is_text[column], column, (row, column) in table.best) for column, cell in enumerate(cells)),
        )
        for row, cells in enumerate(table.rows)
    ]
    content = element(
        "table",
        {"class": "sortable"},
        element("caption", {}, element("span", {}, table.title)),
        element("thead", {}, element("tr", {}, *header)),
        element("tbody", {}, *rows),
    )
    yield _scrolling(content, table.title)
    if table.note:
        yield _paragraph(table.note, "note")


def _cell(cell: Cell, is_text: bool, column: int, is_best: bool) -> Markup:
    attributes: dict[str, str] = {"class": "text"} if is_text else {}
    if not isinstance(cell, str) and cell is not None:
        attributes["data-value"] = repr(float(cell.mean if isinstance(cell, Estimate) else cell))
    text = to_text(cell)
    if column == 0:
        return element("th", {"scope": "row", **attributes}, text)
    return element("td", attributes, element("b", {}, text) if is_best else text)


def _heat_map(chart: HeatMap) -> Markup:
    """A shaded table. On narrow screens, one with many columns shows shades only, and a number where it is touched."""
    rows = []
    for name, values in zip(chart.rows, chart.cells, strict=True):
        cells = []
        for column, value in zip(chart.columns, values, strict=True):
            share = round(100 * abs(value) / chart.largest)
            kind = "none" if value == 0 else "deep" if share >= DEEP else "some"
            text = chart.text(value)
            attributes = {"class": kind, "style": f"--v:{share}", "title": f"{name}, {column}: {text}"}
            cells.append(element("td", attributes, element("span", {}, text)))
        rows.append(element("tr", {}, element("th", {"scope": "row", "class": "text"}, name), *cells))
    corner = element("th", {"scope": "col", "class": "text"}, f"{chart.row_axis} \\ {chart.column_axis}")
    header = (element("th", {"scope": "col"}, element("span", {}, name)) for name in chart.columns)
    return element(
        "table",
        {"class": "heat many" if len(chart.columns) > MANY else "heat"},
        element("caption", {}, element("span", {}, f"{chart.title} ({chart.unit})")),
        element("thead", {}, element("tr", {}, corner, *header)),
        element("tbody", {}, *rows),
    )


def _scrolling(content: Markup, name: str) -> Markup:
    """Content that may be wider than the window; it can be focused and scrolled by keyboard."""
    return element("div", {"class": "scroll", "tabindex": "0", "role": "group", "aria-label": name}, content)


def _paragraph(text: str, kind: str = "") -> Markup:
    return element("p", {"class": kind} if kind else {}, text)
