"""HTML and SVG from Python: every text and attribute is escaped unless it is markup already."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape

Attributes = Mapping[str, str | int | float]
_VOID = frozenset({"meta", "input", "br", "hr", "col"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(name: str, attributes: Attributes | None = None, *children: str) -> Markup:
    """An element: `element("th", {"scope": "row"}, "a < b")` is `<th scope="row">a &lt; b</th>`."""
    opening = "".join(f' {key}="{escape(_text(value))}"' for key, value in (attributes or {}).items())
    if name in _VOID:
        return Markup(f"<{name}{opening}>")
    return Markup(f"<{name}{opening}>{joined(children)}</{name}>")


def joined(children: Iterable[str]) -> Markup:
    """Texts, escaped, and markup, one after the other."""
    return Markup("".join(child if isinstance(child, Markup) else escape(child) for child in children))


def json_island(name: str, content: object) -> Markup:
    """Data for the page's script, in an element that a browser reads as text and that no content can end."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return Markup(f'<script type="application/json" id="{escape(name)}">{text}</script>')


def _text(value: str | int | float) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)
