"""The sentence browser of the page: its filters and pager. The page's script draws the sentences that they select."""

from __future__ import annotations

from collections.abc import Sequence

from ner.analysis.browser_data import BrowserData
from ner.web.markup import Markup, element

ARCS = "Arcs go from head to dependent. The arc to the head word of an entity that matches the filters is drawn bold."
SEEDS = (
    "For each system, the run with the first seed is drawn; brackets say how many of its runs predict an entity. "
    "In a comparison, a system finds an entity if more than half of its runs do."
)
KEY = (
    ("gold", "PERSON", "gold entity"),
    ("right", "✓ PERSON", "predicted, correct"),
    ("wrong", "✗ PERSON", "predicted, wrong"),
    ("missed", "missed", "gold, missed"),
)
"""The legend of the drawings: class, label and meaning of each kind of box."""


def show(browser: BrowserData) -> list[Markup]:
    """The content of the section."""
    number, total = len(browser.sentences), browser.total
    shown = f"{number:,} of the {total:,} sentences are in this file"
    chosen = (
        ""
        if number == total
        else "; they are chosen so that every entity type, system and kind of error is represented"
    )
    no_script = "The sentences are drawn by a script, which this browser does not run."
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
    """Links to the entities that only one of the first two systems finds."""
    if len(systems) < 2:
        return []
    one, other = systems[:2]
    views = (
        ("#sentences?other=1&outcome=gained", f"Entities that {one} finds and {other} misses"),
        ("#sentences?other=1&outcome=lost", f"Entities that {other} finds and {one} misses"),
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
    """The form with the filters, which the page's script evaluates."""
    against = (("gained", "found by this system alone"), ("lost", "found by the compared system alone"))
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
