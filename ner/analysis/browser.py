"""The part of the page where sentences are looked at: its controls; the page's script draws what they choose."""

from __future__ import annotations

from collections.abc import Sequence

from ner.analysis.browser_data import BrowserData
from ner.web.markup import Markup, element

ARCS = "Arcs go from head to dependent; the arc to the head of an entity that the filters choose is drawn strong."
SEEDS = (
    "Of each system the run with its first seed is drawn, and brackets say in how many of its runs an entity is. "
    "Between two systems, one gets an entity if more than half of its runs do."
)
KEY = (
    ("gold", "PERSON", "gold entity"),
    ("right", "✓ PERSON", "predicted, and right"),
    ("wrong", "✗ PERSON", "predicted, and wrong"),
    ("missed", "missed", "gold, and nothing predicted there"),
)
"""What the page's script draws for each kind of entity."""


def show(browser: BrowserData) -> list[Markup]:
    """What stands below the heading."""
    number, total = len(browser.sentences), browser.total
    shown = f"{number:,} of the {total:,} sentences are in this file"
    chosen = "" if number == total else "; entity types, systems and kinds of error took turns to choose them"
    no_script = "This page's script draws the sentences, and the browser does not run it."
    return [
        element("p", {}, f"{shown}{chosen}. {ARCS}"),
        *([element("p", {}, SEEDS)] if any(len(seeds) > 1 for seeds in browser.systems.values()) else []),
        *_views(list(browser.systems)),
        element("noscript", {}, element("p", {}, no_script)),
        _controls(browser),
        element("ul", {"class": "key", "aria-label": "Key"}, *(_key(*entry) for entry in KEY)),
        _pager("polite"),
        element("ol", {"class": "sentences", "id": "sentence-list"}),
        _pager("off"),
    ]


def _views(systems: Sequence[str]) -> list[Markup]:
    """Links to the entities that only one of the first two systems gets."""
    if len(systems) < 2:
        return []
    one, other = systems[:2]
    views = (
        ("#sentences?other=1&outcome=gained", f"What {one} gets and {other} does not"),
        ("#sentences?other=1&outcome=lost", f"What {other} gets and {one} does not"),
    )
    links = (element("li", {}, element("a", {"href": address}, text)) for address, text in views)
    return [element("ul", {"class": "views"}, *links)]


def _key(kind: str, text: str, meaning: str) -> Markup:
    box = element("rect", {"x": 1, "y": 1, "width": 78, "height": 18, "rx": 3})
    entity = element("g", {"class": f"entity {kind}"}, box, element("text", {"x": 40, "y": 14}, text))
    return element("li", {}, element("svg", {"width": 80, "height": 20, "aria-hidden": "true"}, entity), meaning)


def _pager(live: str) -> Markup:
    def step(number: str, text: str) -> Markup:
        return element("button", {"type": "button", "data-step": number}, text)

    output = element("output", {"aria-live": live})
    return element("div", {"class": "pager"}, output, step("-1", "Previous page"), step("1", "Next page"))


def _controls(browser: BrowserData) -> Markup:
    """The form with the filters, which the page's script reads."""
    against = (("gained", "got, and not by the compared"), ("lost", "got by the compared alone"))
    compared = (element("option", {"value": value, "data-compares": ""}, text) for value, text in against)
    systems = [(str(number), name) for number, name in enumerate(browser.systems)]
    outcomes = [(str(number), name) for number, name in enumerate(browser.outcomes)]
    words = element("input", {"type": "search", "name": "text", "placeholder": "in this order"})
    number = element("input", {"type": "search", "name": "number", "inputmode": "numeric"})
    trees = element("input", {"type": "checkbox", "name": "trees", "checked": ""})
    return element(
        "form",
        {"id": "filters", "class": "filters", "aria-label": "Which sentences"},
        _choice("system", "System", systems, wide=True),
        _choice("other", "Compared with", [("", "none"), *systems], wide=True),
        _choice("label", "Entity type", _any(browser.labels)),
        _choice(
            "outcome",
            "Outcome",
            [("", "any"), ("error", "any error"), *outcomes],
            element("optgroup", {"label": "against the compared system"}, *compared),
            wide=True,
        ),
        _choice("relation", "Relation of its head", _any(browser.relations)),
        _choice("genre", "Genre", _any(browser.genres)),
        element("label", {}, "Words", words),
        element("label", {}, "Sentence number", number),
        element("label", {"class": "check"}, trees, "Draw the trees"),
        element("button", {"type": "reset"}, "Show all again"),
    )


def _any(names: Sequence[str]) -> list[tuple[str, str]]:
    return [("", "any"), *((name, name) for name in names)]


def _choice(name: str, label: str, options: Sequence[tuple[str, str]], *more: Markup, wide: bool = False) -> Markup:
    entries = (element("option", {"value": value}, text) for value, text in options)
    return element(
        "label", {"class": "wide"} if wide else {}, label, element("select", {"name": name}, *entries, *more)
    )
