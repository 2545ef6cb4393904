"""A page as one HTML file that needs nothing else: styles, scripts and data are inside it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from ner.web.markup import Markup, element

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""A browser that reads it fetches nothing for this page, whatever is in it."""


def webpage(
    *,
    title: str,
    lead: str,
    content: Sequence[Markup],
    styles: Sequence[Markup],
    scripts: Sequence[Markup],
    footer: str,
    navigation: Markup | None = None,
    data: Markup | None = None,
    policy: str = POLICY,
) -> str:
    """The whole document, in our colours and with a button for light and dark.

    Args:
        styles, scripts: beside those of every page, see `resource`.
        data: an island for the scripts, see `ner.web.markup.json_island`.
        policy: what the page may fetch, as a Content-Security-Policy.
    """
    theme = element("button", {"type": "button", "id": "theme", "hidden": ""}, "Theme")
    heading = element("div", {}, element("h1", {}, title), element("p", {"class": "lead"}, lead))
    body = [
        element("a", {"class": "skip", "href": "#content"}, "Skip to the content"),
        element("header", {"class": "top"}, heading, theme),
        *([] if navigation is None else [navigation]),
        element("main", {"id": "content", "tabindex": "-1"}, *content),
        element("footer", {}, element("p", {}, footer)),
        *([] if data is None else [data]),
        element("script", {}, resource("drawing.js"), *scripts),
    ]
    metadata = [
        element("meta", {"charset": "utf-8"}),
        element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("meta", {"http-equiv": "Content-Security-Policy", "content": policy}),
        element("title", {}, title),
        element("style", {}, resource("base.css"), resource("drawing.css"), *styles),
    ]
    document = element("html", {"lang": "en"}, element("head", {}, *metadata), element("body", {}, *body))
    return f"<!doctype html>\n{document}\n"


def resource(name: str, package: str = "ner.web") -> Markup:
    """A style sheet or script of a package of ours, to stand in a page."""
    return Markup(files(package).joinpath(name).read_text(encoding="utf-8"))
