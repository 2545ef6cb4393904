"""Charts drawn as SVG into the page, coloured by its style sheet, so that they follow its light and dark themes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ner.analysis.charts import Curves, Dots, ticks
from ner.analysis.markup import Markup, element

Number = int | float
WIDTH = 860
NUM_COLOURS = 7
DASHES = ("", "7 4", "2 3", "9 3 2 3")
SHAPES = (
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "M-3.7-3.7h7.4v7.4h-7.4z",
    "M0-5.2L5.2 0 0 5.2-5.2 0z",
    "M0-5L4.8 3.6H-4.8z",
    "M0 5L4.8-3.6H-4.8z",
    "M-1.6-5h3.2v3.4h3.4v3.2h-3.4v3.4h-3.2v-3.4h-3.4v-3.2h3.4z",
    "M0-5.2L1.5-1.6 5.2-1.4 2.4 1.1 3.3 4.8 0 2.8-3.3 4.8-2.4 1.1-5.2-1.4-1.5-1.6z",
)
"""Marks around (0, 0): circle, square, diamond, two triangles, cross and star."""


def draw(chart: Curves | Dots) -> Markup:
    """The drawing of a chart, with its title for who cannot see it."""
    return _curves(chart) if isinstance(chart, Curves) else _dots(chart)


def legend(systems: Sequence[str]) -> Markup:
    """The mark and line of each system; the page's script makes the buttons show and hide."""
    items = []
    for index, name in enumerate(systems):
        swatch = element(
            "svg",
            {"viewBox": "-15 -7 30 14", "aria-hidden": "true", "class": "series " + _colour(index)},
            _line(-14, 0, 14, 0, index),
            _mark(0, 0, index),
        )
        attributes = {"type": "button", "aria-pressed": "true", "data-series": str(index), "disabled": ""}
        items.append(element("li", {}, element("button", attributes, swatch, name)))
    return element("ul", {"class": "legend", "aria-label": "systems: press to hide or show"}, *items)


def _curves(chart: Curves) -> Markup:
    left, right, top, bottom, height = 62, 14, 12, 48, 380
    epochs = [epoch for curve in chart.systems.values() for epoch in curve] or [1]
    values = ticks(*chart.extent())
    numbers = [tick for tick in ticks(min(epochs), max(epochs), about=10) if min(epochs) <= tick <= max(epochs)]
    span = max(max(epochs) - min(epochs), 1)

    def x(epoch: Number) -> float:
        return left + 8 + (epoch - min(epochs)) / span * (WIDTH - left - right - 16)

    def y(value: Number) -> float:
        return height - bottom - (value - values[0]) / (values[-1] - values[0]) * (height - top - bottom)

    parts = [_grid(left, y(value), WIDTH - right, y(value)) for value in values]
    parts += [_text(left - 8, y(value) + 4, f"{value:g}", "end") for value in values]
    parts += [_text(x(number), height - bottom + 19, f"{number:g}") for number in numbers if number == int(number)]
    parts.append(_axis((left + WIDTH - right) / 2, height - 8, chart.x_axis))
    parts.append(_axis(16, (height - bottom + top) / 2, chart.y_axis, upright=True))
    for index, curve in enumerate(chart.systems.values()):
        points = sorted(curve.items())
        marked = points[:: max(1, len(points) // 15)]
        drawn: list[str] = []
        if any(estimate.deviation for _, estimate in points):
            ends = [(epoch, *estimate.within(chart.lowest, chart.highest)) for epoch, estimate in points]
            ring = [(epoch, low) for epoch, low, _ in ends] + [(epoch, high) for epoch, _, high in reversed(ends)]
            drawn.append(element("path", {"class": "band", "d": _path([(x(e), y(v)) for e, v in ring]) + "z"}))
        path = _path([(x(epoch), y(estimate.mean)) for epoch, estimate in points])
        drawn.append(element("path", {"d": path, "stroke-dasharray": DASHES[index % len(DASHES)]}))
        drawn += [_mark(x(epoch), y(estimate.mean), index) for epoch, estimate in marked]
        parts.append(_series(index, drawn))
    return _svg(chart.title, height, parts)


def _dots(chart: Dots) -> Markup:
    step, pad = 11, 8
    row = max(30, step * len(chart.systems) + 2 * pad)
    left = 30 + 7.4 * max(len(name) for name in chart.groups)
    note = 24 + 6.6 * max(len(size) for size in chart.groups.values())
    top, bottom, right = 8, 48, 16
    height = top + row * len(chart.groups) + bottom
    values = ticks(*chart.extent(), about=8)

    def x(value: Number) -> float:
        return left + note + 8 + (value - values[0]) / (values[-1] - values[0]) * (WIDTH - left - note - right - 16)

    parts = []
    for number, (name, size) in enumerate(chart.groups.items()):
        y = float(top + row * number)
        if number % 2 == 0:
            parts.append(element("rect", {"class": "stripe", "x": 0, "y": y, "width": WIDTH, "height": row}))
        parts.append(_text(10, y + row / 2 + 4, name, "start"))
        parts.append(_text(left + note - 14, y + row / 2 + 4, size, "end", "quiet"))
    parts += [_grid(x(value), top, x(value), height - bottom) for value in values]
    parts += [_text(x(value), height - bottom + 18, f"{value:g}") for value in values]
    parts.append(_axis((left + note + WIDTH - right) / 2, height - 8, chart.axis))
    for index, (system, estimates) in enumerate(chart.systems.items()):
        drawn = []
        for number, (group, estimate) in enumerate(zip(chart.groups, estimates, strict=True)):
            if estimate is None:
                continue
            y = top + row * number + row / 2 + step * (index - (len(chart.systems) - 1) / 2)
            hint = element("title", {}, f"{system}, {group}: {estimate}")
            if estimate.deviation:
                low, high = estimate.within(chart.lowest, chart.highest)
                drawn.append(_line(x(low), y, x(high), y, 0))
            drawn.append(_mark(x(estimate.mean), y, index, hint))
        parts.append(_series(index, drawn))
    return _svg(chart.title, height, parts)


def _svg(title: str, height: Number, parts: Sequence[str]) -> Markup:
    attributes = {"viewBox": f"0 0 {WIDTH} {height:g}", "role": "img", "aria-label": title}
    return element("svg", attributes, *parts)


def _series(index: int, parts: Sequence[str]) -> Markup:
    return element("g", {"class": f"series {_colour(index)}", "data-series": str(index)}, *parts)


def _colour(index: int) -> str:
    return f"s{index % NUM_COLOURS}"


def _mark(x: Number, y: Number, index: int, *children: str) -> Markup:
    """The shape of a system: beyond the seventh the shapes come again, hollow."""
    hollow = " hollow" if index >= len(SHAPES) else ""
    shape = SHAPES[index % len(SHAPES)]
    place: Mapping[str, str] = {} if x == y == 0 else {"transform": f"translate({x:.1f} {y:.1f})"}
    return element("path", {"class": f"mark{hollow}", "d": shape, **place}, *children)


def _line(x1: Number, y1: Number, x2: Number, y2: Number, index: int) -> Markup:
    dash = DASHES[index % len(DASHES)]
    return element("path", {"d": _path([(x1, y1), (x2, y2)]), **({"stroke-dasharray": dash} if dash else {})})


def _grid(x1: Number, y1: Number, x2: Number, y2: Number) -> Markup:
    return element("path", {"class": "grid", "d": _path([(x1, y1), (x2, y2)])})


def _text(x: Number, y: Number, text: str, anchor: str = "middle", kind: str = "") -> Markup:
    named = {"class": kind} if kind else {}
    return element("text", {"x": float(x), "y": float(y), "text-anchor": anchor, **named}, text)


def _axis(x: Number, y: Number, text: str, *, upright: bool = False) -> Markup:
    turned = {"transform": f"rotate(-90 {x:g} {y:g})"} if upright else {}
    return element("text", {"class": "axis", "x": float(x), "y": float(y), "text-anchor": "middle", **turned}, text)


def _path(points: Sequence[tuple[Number, Number]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
