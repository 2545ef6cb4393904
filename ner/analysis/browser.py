"""The sentences that the report shows: which of them, and as little of each as the page's script needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from ner.analysis.markup import Markup, element
from ner.corpus.sentence import Span

CORRECT, MISSED = "correct", "missed"


@dataclass(frozen=True, slots=True)
class ShownEntity:
    """An entity of the gold annotation or of a system, and what became of it in each system.

    `outcomes` holds a name for each system: for a gold entity `correct` or how it was lost, for another how it is
    wrong, and None where the system did not predict it.
    """

    span: Span
    is_gold: bool
    outcomes: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class ShownSentence:
    """A sentence with its entities; `heads` and `relations` are empty where there is no tree."""

    document: str
    words: tuple[str, ...]
    heads: tuple[int, ...]
    relations: tuple[str, ...]
    entities: tuple[ShownEntity, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """Chosen sentences of `total`, and the systems whose entities they show."""

    systems: tuple[str, ...]
    sentences: tuple[ShownSentence, ...]
    total: int

    @property
    def labels(self) -> list[str]:
        return sorted({entity.span.label for sentence in self.sentences for entity in sentence.entities})

    @property
    def outcomes(self) -> list[str]:
        """`correct` first."""
        found = {name for sentence in self.sentences for entity in sentence.entities for name in entity.outcomes}
        return [CORRECT, *sorted(name for name in found if name not in (None, CORRECT))]

    @property
    def relations(self) -> list[str]:
        return sorted({relation for sentence in self.sentences for relation in sentence.relations})

    @property
    def genres(self) -> list[str]:
        return sorted({sentence.document.split("/", 1)[0] for sentence in self.sentences if "/" in sentence.document})

    def to_dict(self) -> dict[str, Any]:
        """As the page's script reads it: names once, numbers for them afterwards."""
        labels = {name: number for number, name in enumerate(self.labels)}
        relations = {name: number for number, name in enumerate(self.relations)}
        outcomes: dict[str | None, int] = {name: number for number, name in enumerate(self.outcomes)}
        outcomes[None] = -1
        return {
            "systems": self.systems,
            "labels": self.labels,
            "relations": self.relations,
            "outcomes": self.outcomes,
            "sentences": [
                [
                    sentence.document,
                    sentence.words,
                    sentence.heads,
                    [relations[relation] for relation in sentence.relations],
                    [
                        [
                            entity.span.start,
                            entity.span.end,
                            labels[entity.span.label],
                            int(entity.is_gold),
                            [outcomes[outcome] for outcome in entity.outcomes],
                        ]
                        for entity in sentence.entities
                    ],
                ]
                for sentence in self.sentences
            ],
        }


def choose(sentences: Sequence[ShownSentence], limit: int) -> list[ShownSentence]:
    """At most `limit` sentences, in their order, so that every kind of error is among them.

    A kind is a label, a system and an outcome. The kinds take turns, the rarest first, each with its next sentence that
    no other has taken; what is right comes after all that is wrong.

    Raises:
        ValueError: for a negative limit.
    """
    if limit < 0:
        raise ValueError(f"the limit of sentences must be at least 0, not {limit}")
    wrong: dict[tuple[str, int, str], list[int]] = defaultdict(list)
    for number, sentence in enumerate(sentences):
        kinds = {
            (entity.span.label, system, outcome)
            for entity in sentence.entities
            for system, outcome in enumerate(entity.outcomes)
            if outcome is not None and outcome != CORRECT
        }
        for kind in kinds:
            wrong[kind].append(number)
    turns = sorted(wrong.values(), key=lambda numbers: (len(numbers), numbers))
    order = dict.fromkeys(number for turn in zip_longest(*turns) for number in turn if number is not None)
    entities = [number for number, sentence in enumerate(sentences) if sentence.entities]
    order |= dict.fromkeys((*entities, *range(len(sentences))))
    return [sentences[number] for number in sorted(list(order)[:limit])]


def controls(browser: Browser) -> Markup:
    """The form with the filters, which the page's script reads."""
    against = (("gained", "right, and the compared wrong"), ("lost", "wrong, and the compared right"))
    compared = (element("option", {"value": value, "data-compares": ""}, text) for value, text in against)
    systems = [(str(number), name) for number, name in enumerate(browser.systems)]
    outcomes = [(str(number), name) for number, name in enumerate(browser.outcomes)]
    words = element("input", {"type": "search", "name": "text", "placeholder": "in this order"})
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
        ),
        _choice("relation", "Relation of its head", _any(browser.relations)),
        _choice("genre", "Genre", _any(browser.genres)),
        element("label", {}, "Words", words),
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
