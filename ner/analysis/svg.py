"""Drawings as SVG: elements of a page, coloured by its style sheet, and files with a style of their own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ner.analysis.drawing import NUM_COLOURS, RADIUS, SIZES, Area, Drawing, Item, Mark, Number, Point, Text
from ner.web.markup import Markup, element

COLOURS = ("#0072b2", "#d55e00", "#007f5c", "#a8478a", "#936300", "#555a61", "#6a51c2")
"""Of the systems, on white. The colour-blind can tell them apart, and marks and dashes differ too."""
INK, QUIET, GRID, STRIPE, PAPER = "#1b1e23", "#5a6068", "#dfe2e4", "#f3f4f2", "#ffffff"
SHADES = ((243, 244, 242), (8, 80, 143))
"""Of the least and the greatest cell of a heat map, as red, green and blue."""
FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"


def to_markup(drawing: Drawing, *, kind: str = "") -> Markup:
    """A drawing as an element of a page, with its title for screen readers; `kind` is the class of the element."""
    attributes = {
        "viewBox": f"0 0 {drawing.width:g} {drawing.height:g}",
        "role": "img",
        "aria-label": drawing.title,
        **({"class": kind} if kind else {}),
    }
    return element("svg", attributes, *_groups(drawing.items))


def to_file(drawing: Drawing) -> str:
    """A drawing as an SVG file, in light colours."""
    attributes = {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": f"0 0 {drawing.width:g} {drawing.height:g}",
        "width": f"{drawing.width:g}",
        "height": f"{drawing.height:g}",
        "role": "img",
    }
    paper = element("rect", {"width": "100%", "height": "100%", "fill": PAPER})
    title, style = element("title", {}, drawing.title), element("style", {}, Markup(_style()))
    content = element("svg", attributes, title, style, paper, *_groups(drawing.items))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{content}\n'


def swatch(drawing: Drawing) -> Markup:
    """A decorative drawing, hidden from screen readers."""
    attributes = {"viewBox": f"0 0 {drawing.width:g} {drawing.height:g}", "aria-hidden": "true"}
    return element("svg", attributes, *_groups(drawing.items))


def shade(share: Number) -> str:
    """The colour of a cell whose value is this share of the greatest."""
    least, greatest = SHADES
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(least, greatest, strict=True))


def _groups(items: Sequence[Item]) -> list[Markup]:
    """The elements; those of a system in a group, which the page's script shows and hides."""
    groups: list[Markup] = []
    for series, members in groupby(items, key=lambda item: getattr(item, "series", None)):
        elements = [_element(item) for item in members]
        if series is None:
            groups += elements
        else:
            attributes = {"class": f"series s{series % NUM_COLOURS}", "data-series": str(series)}
            groups.append(element("g", attributes, *elements))
    return groups


def _element(item: Item) -> Markup:
    attributes: dict[str, str | int | float]
    if isinstance(item, Text):
        x, y = item.at
        attributes = {"x": x, "y": y, "text-anchor": item.anchor}
        if item.kind != "text":
            attributes["class"] = item.kind
        if item.angle:
            attributes["transform"] = f"rotate({item.angle:g} {x:.1f} {y:.1f})"
        return element("text", attributes, item.text)
    if isinstance(item, Mark):
        x, y = item.at
        attributes = {"class": "mark hollow" if item.is_hollow else "mark", "transform": f"translate({x:.1f} {y:.1f})"}
        hint = [element("title", {}, item.hint)] if item.hint else []
        if not item.corners:
            return element("circle", {**attributes, "r": RADIUS}, *hint)
        return element("path", {**attributes, "d": f"{_path(item.corners)}z"}, *hint)
    if isinstance(item, Area):
        attributes = {"class": item.kind, "d": f"{_path(item.points)}z"}
        return element("path", {**attributes, "fill": shade(item.shade)} if item.kind == "cell" else attributes)
    attributes = {"d": _path(item.points)} if item.kind == "series" else {"class": item.kind, "d": _path(item.points)}
    if item.dash:
        attributes["stroke-dasharray"] = " ".join(f"{length:g}" for length in item.dash)
    return element("path", attributes)


def _path(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _style() -> str:
    series = "".join(f".s{index}{{--c:{colour}}}" for index, colour in enumerate(COLOURS))
    sizes = "".join(f".{kind}{{font-size:{size:g}px}}" for kind, size in SIZES.items() if kind != "text")
    return (
        f"text{{font:{SIZES['text']:g}px {FONT};fill:{INK}}}{sizes}.title{{font-weight:600}}.quiet{{fill:{QUIET}}}"
        f".deep{{fill:{PAPER}}}.grid{{stroke:{GRID}}}.stripe{{fill:{STRIPE}}}{series}"
        ".series path{stroke:var(--c);fill:none;stroke-width:2}.series .band{fill:var(--c);stroke:none;opacity:.15}"
        f".series .mark{{fill:var(--c);stroke:{PAPER};stroke-width:1}}"
        f".series .mark.hollow{{fill:{PAPER};stroke:var(--c);stroke-width:2}}"
    )
