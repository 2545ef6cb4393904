"""Charts laid out as lines, areas, marks and texts: `svg` writes a drawing as markup, `png` paints it."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ner.analysis.charts import Chart, Curves, Dots, HeatMap, ticks

Number = int | float
Point = tuple[Number, Number]
WIDE, NARROW = 860.0, 360.0
"""The widths of charts in pixels: for pages and files, and for narrow screens."""
NUM_COLOURS = 7
DASHES: tuple[tuple[Number, ...], ...] = ((), (7, 4), (2, 3), (9, 3, 2, 3))
SHAPES: tuple[tuple[Point, ...], ...] = (
    (),  # a circle
    ((-3.7, -3.7), (3.7, -3.7), (3.7, 3.7), (-3.7, 3.7)),
    ((0, -5.2), (5.2, 0), (0, 5.2), (-5.2, 0)),
    ((0, -5), (4.8, 3.6), (-4.8, 3.6)),
    ((0, 5), (4.8, -3.6), (-4.8, -3.6)),
    (
        *((-1.6, -5), (1.6, -5), (1.6, -1.6), (5, -1.6), (5, 1.6), (1.6, 1.6)),
        *((1.6, 5), (-1.6, 5), (-1.6, 1.6), (-5, 1.6), (-5, -1.6), (-1.6, -1.6)),
    ),
    (
        *((0, -5.2), (1.5, -1.6), (5.2, -1.4), (2.4, 1.1), (3.3, 4.8)),
        *((0, 2.8), (-3.3, 4.8), (-2.4, 1.1), (-5.2, -1.4), (-1.5, -1.6)),
    ),
)
"""The corners of the marks around (0, 0): circle, square, diamond, two triangles, cross and star."""
RADIUS = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A polyline; `series` is the index of the system that gives it its colour."""

    points: Sequence[Point]
    kind: str
    series: int | None = None
    dash: tuple[Number, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A filled polygon; `shade` from 0 to 1 is that of the cell of a heat map."""

    points: Sequence[Point]
    kind: str
    series: int | None = None
    shade: Number = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The mark of a system: beyond the seventh the shapes are used again, hollow. `hint` is shown on pointing at it."""

    at: Point
    series: int
    hint: str = ""

    @property
    def corners(self) -> tuple[Point, ...]:
        """Around (0, 0); none for a circle."""
        return SHAPES[self.series % len(SHAPES)]

    @property
    def is_hollow(self) -> bool:
        return self.series >= len(SHAPES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A line of text; `anchor` is start, middle or end, `angle` in degrees turns it clockwise around its anchor."""

    at: Point
    text: str
    kind: str = "text"
    anchor: str = "middle"
    angle: Number = 0.0


Item = Line | Area | Mark | Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Items in the order in which they are drawn, in pixels from the upper left corner."""

    title: str
    width: Number
    height: Number
    items: Sequence[Item]


SIZES = {"text": 13.0, "axis": 13.0, "quiet": 12.0, "title": 15.0, "cell": 11.0, "deep": 11.0}
"""Font sizes by the kind of text, in pixels."""


def draw(chart: Chart, *, width: Number = WIDE) -> Drawing:
    """Lay out a chart without title and legend, which a page has as text."""
    if isinstance(chart, Curves):
        return _curves(chart, width)
    return _dots(chart, width) if isinstance(chart, Dots) else _heat_map(chart)


def with_legend(chart: Chart, *, width: Number = WIDE) -> Drawing:
    """Lay out a chart with its title and, for several systems, a legend: the content of a file."""
    inner = draw(chart, width=width)
    width = max(inner.width, text_width(chart.title, SIZES["title"]) + 20)
    items: list[Item] = [Text(at=(10, 22), text=chart.title, kind="title", anchor="start")]
    items += [_moved(item, 0, 34) for item in inner.items]
    height = inner.height + 34
    systems = [] if isinstance(chart, HeatMap) else list(chart.systems)
    if len(systems) > 1:
        x, y = 10.0, height + 14
        for series, name in enumerate(systems):
            lines = _wrapped(name, width - 55)
            needed = 44 + max(text_width(line, SIZES["text"]) for line in lines)
            if x > 10 and x + needed > width:
                x, y = 10.0, y + 22
            items.append(Line(points=((x, y), (x + 28, y)), kind="series", series=series, dash=_dash(series)))
            items.append(Mark(at=(x + 14, y), series=series))
            items += [Text(at=(x + 35, y + 4 + 18 * i), text=line, anchor="start") for i, line in enumerate(lines)]
            x += needed + 18
            y += 18 * (len(lines) - 1)
        height = y + 16
    return Drawing(title=chart.title, width=width, height=height, items=items)


def _wrapped(text: str, width: Number) -> list[str]:
    """The lines of a text, cut at blanks where it is wider; a longer word stays whole."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and text_width(longer, SIZES["text"]) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def swatch(series: int) -> Drawing:
    """A piece of a system's line with its mark, for a legend."""
    line = Line(points=((1, 7), (29, 7)), kind="series", series=series, dash=_dash(series))
    return Drawing(title="", width=30, height=14, items=(line, Mark(at=(15, 7), series=series)))


def text_width(text: str, size: Number) -> Number:
    """The approximate width of a text in a common sans serif, in pixels."""
    return size * sum(map(_advance, text))


def _advance(character: str) -> Number:
    if unicodedata.combining(character):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.0
    if character in "iljtfI.,:;|'!()[] ":
        return 0.36
    return 0.68 if character.isupper() or character in "mwMW%@" else 0.58


def _curves(chart: Curves, width: Number) -> Drawing:
    top, bottom, height = 30.0, 44.0, 380.0 if width >= WIDE else 280.0
    places = [place for curve in chart.systems.values() for place in curve] or [1]
    first, last = min(places), max(places)
    values = ticks(*chart.extent())
    left = 14 + max(text_width(f"{value:g}", SIZES["text"]) for value in values)
    numbers = [tick for tick in ticks(first, last, about=10 if width >= WIDE else 5) if first <= tick <= last]
    if chart.is_counted:
        numbers = [tick for tick in numbers if tick == int(tick)]
    to_x = _scale(first, last if last > first else first + 1, left + 8, width - 20)
    to_y = _scale(values[0], values[-1], height - bottom, top)
    items: list[Item] = [Line(points=((left, to_y(v)), (width - 12, to_y(v))), kind="grid") for v in values]
    items += [Text(at=(left - 8, to_y(v) + 4), text=f"{v:g}", anchor="end") for v in values]
    items += [Text(at=(to_x(number), height - bottom + 19), text=f"{number:g}") for number in numbers]
    items.append(Text(at=((left + width - 12) / 2, height - 6), text=chart.x_axis, kind="axis"))
    items.append(Text(at=(8, 14), text=chart.y_axis, kind="axis", anchor="start"))
    for series, curve in enumerate(chart.systems.values()):
        points = sorted(curve.items())
        if any(estimate.deviation for _, estimate in points):
            ends = [(place, *estimate.within(chart.lowest, chart.highest)) for place, estimate in points]
            ring = [(place, low) for place, low, _ in ends] + [(place, high) for place, _, high in reversed(ends)]
            items.append(Area(points=[(to_x(e), to_y(v)) for e, v in ring], kind="band", series=series))
        if points:
            line = [(to_x(place), to_y(estimate.mean)) for place, estimate in points]
            items.append(Line(points=line, kind="series", series=series, dash=_dash(series)))
            items += [Mark(at=at, series=series) for at in line[:: max(1, len(line) // 15)]]
    return Drawing(title=chart.title, width=width, height=height, items=items)


def _dots(chart: Dots, width: Number) -> Drawing:
    """Groups are rows, with their names on the left, or above their dots where there is no room."""
    step, pad, top, bottom = 11.0, 8.0, 8.0, 48.0
    is_narrow = width < WIDE
    names = max((text_width(name, SIZES["text"]) for name in chart.groups), default=0.0)
    sizes = max((text_width(size, SIZES["quiet"]) for size in chart.groups.values()), default=0.0)
    left = 12.0 if is_narrow else 36 + names + sizes
    over = 20.0 if is_narrow else 0.0  # the name above the dots
    row = over + max(18 if is_narrow else 30, step * len(chart.systems) + 2 * pad)
    height = top + row * len(chart.groups) + bottom
    values = ticks(*chart.extent(), about=4 if is_narrow else 8)
    to_x = _scale(values[0], values[-1], left + 8, width - 24)
    items: list[Item] = []
    for number, (name, size) in enumerate(chart.groups.items()):
        y = top + row * number
        if number % 2 == 0:
            items.append(Area(points=_box(0, y, width, row), kind="stripe"))
        baseline = y + 17 if is_narrow else y + row / 2 + 4
        items.append(Text(at=(10, baseline), text=name, anchor="start"))
        items.append(Text(at=(width - 10 if is_narrow else left - 6, baseline), text=size, kind="quiet", anchor="end"))
    items += [Line(points=((to_x(value), top), (to_x(value), height - bottom)), kind="grid") for value in values]
    items += [Text(at=(to_x(value), height - bottom + 18), text=f"{value:g}") for value in values]
    items.append(Text(at=((left + width - 16) / 2, height - 8), text=chart.axis, kind="axis"))
    for series, (system, estimates) in enumerate(chart.systems.items()):
        for number, (group, estimate) in enumerate(zip(chart.groups, estimates, strict=True)):
            if estimate is None:
                continue
            y = top + row * number + over + (row - over) / 2 + step * (series - (len(chart.systems) - 1) / 2)
            if estimate.deviation:
                low, high = estimate.within(chart.lowest, chart.highest)
                items.append(Line(points=((to_x(low), y), (to_x(high), y)), kind="series", series=series))
            hint = f"{system}, {group}: {estimate}"
            items.append(Mark(at=(to_x(estimate.mean), y), series=series, hint=hint))
    return Drawing(title=chart.title, width=width, height=height, items=items)


def _heat_map(chart: HeatMap) -> Drawing:
    cell, row = 46.0, 24.0
    left = 20 + max((text_width(name, SIZES["text"]) for name in chart.rows), default=0.0)
    top = 34 + max((text_width(name, SIZES["text"]) for name in chart.columns), default=0.0)
    most = chart.largest
    items: list[Item] = [
        Text(at=(10, top - 10), text=chart.row_axis, kind="quiet", anchor="start"),
        Text(at=(left, 14), text=f"{chart.column_axis} ({chart.unit})", kind="quiet", anchor="start"),
    ]
    items += [
        Text(at=(left + cell * (column + 0.5) + 4, top - 6), text=name, anchor="start", angle=-90)
        for column, name in enumerate(chart.columns)
    ]
    for number, (name, values) in enumerate(zip(chart.rows, chart.cells, strict=True)):
        y = top + row * number
        items.append(Text(at=(left - 8, y + row / 2 + 4), text=name, anchor="end"))
        for column, value in enumerate(values):
            x, shade = left + cell * column, abs(value) / most
            items.append(Area(points=_box(x + 0.5, y + 0.5, cell - 1, row - 1), kind="cell", shade=shade))
            kind = "quiet" if value == 0 else "deep" if shade >= 0.6 else "cell"
            items.append(Text(at=(x + cell / 2, y + row / 2 + 4), text=chart.text(value), kind=kind))
    width = max(left + cell * len(chart.columns), left + text_width(f"{chart.column_axis} ({chart.unit})", 12)) + 12
    return Drawing(title=chart.title, width=width, height=top + row * len(chart.rows) + 10, items=items)


def _scale(low: Number, high: Number, start: Number, end: Number) -> Callable[[Number], Number]:
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _box(x: Number, y: Number, width: Number, height: Number) -> tuple[Point, ...]:
    return ((x, y), (x + width, y), (x + width, y + height), (x, y + height))


def _dash(series: int) -> tuple[Number, ...]:
    return DASHES[series % len(DASHES)]


def _moved(item: Item, right: Number, down: Number) -> Item:
    def move(point: Point) -> Point:
        return point[0] + right, point[1] + down

    if isinstance(item, Line | Area):
        return replace(item, points=[move(point) for point in item.points])
    return replace(item, at=move(item.at))
