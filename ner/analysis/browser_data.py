"""The data of the sentence browser: a selection of sentences, and what the page's script needs to draw them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from ner.analysis.errors import CORRECT, KINDS, Match, match_all
from ner.analysis.results import Sweep, System
from ner.analysis.structure import head_of
from ner.corpus.sentence import Sentence, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserEntity:
    """A gold or predicted entity, and its outcome in each system.

    Attributes:
        head: the position of the entity's head word; None without a tree.
        outcomes: in the first run of each system, of `ner.analysis.errors.KINDS`; None for an entity that is neither
            gold nor predicted by that run.
        seeds: how many runs of each system predict the entity.
    """

    span: Span
    is_gold: bool
    head: int | None
    outcomes: tuple[str | None, ...]
    seeds: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserSentence:
    """A sentence with its entities; `heads` and `relations` are empty where there is no tree.

    `number` is its place in the split, from 1.
    """

    number: int
    document: str
    words: tuple[str, ...]
    heads: tuple[int, ...]
    relations: tuple[str, ...]
    entities: tuple[BrowserEntity, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserData:
    """The selected sentences, of `total`; `systems` maps the name of each system to the seeds of its runs.

    The first run of each system is the one that is drawn.
    """

    systems: dict[str, tuple[int, ...]]
    sentences: tuple[BrowserSentence, ...]
    total: int

    @property
    def labels(self) -> list[str]:
        return sorted({entity.span.label for sentence in self.sentences for entity in sentence.entities})

    @property
    def outcomes(self) -> list[str]:
        """The outcomes that occur, in the order of `KINDS`; `correct` is always the first."""
        found = {name for sentence in self.sentences for entity in sentence.entities for name in entity.outcomes}
        return [name for name in KINDS if name in found or name == CORRECT]

    @property
    def relations(self) -> list[str]:
        return sorted({relation for sentence in self.sentences for relation in sentence.relations})

    @property
    def genres(self) -> list[str]:
        return sorted({sentence.document.split("/", 1)[0] for sentence in self.sentences if sentence.document})

    def to_dict(self) -> dict[str, Any]:
        """The data as JSON for the page's script. Names are listed once and referred to by number; -1 is None."""
        labels = {name: number for number, name in enumerate(self.labels)}
        relations = {name: number for number, name in enumerate(self.relations)}
        outcomes: dict[str | None, int] = {name: number for number, name in enumerate(self.outcomes)}

        def entity_to_list(entity: BrowserEntity) -> list[Any]:
            span, head = entity.span, -1 if entity.head is None else entity.head
            found = [outcomes.get(outcome, -1) for outcome in entity.outcomes]
            return [span.start, span.end, labels[span.label], int(entity.is_gold), head, found, entity.seeds]

        return {
            "systems": list(self.systems),
            "seeds": list(self.systems.values()),
            "labels": self.labels,
            "relations": self.relations,
            "outcomes": self.outcomes,
            "sentences": [
                [
                    sentence.number,
                    sentence.document,
                    sentence.words,
                    sentence.heads,
                    [relations[relation] for relation in sentence.relations],
                    [entity_to_list(entity) for entity in sentence.entities],
                ]
                for sentence in self.sentences
            ],
        }


def browser_data(sweep: Sweep, *, first: Sequence[System] = (), limit: int = 1000) -> BrowserData:
    """A selection of sentences, with the dependency trees of the first system.

    Args:
        first: systems to list before the others, such as the two that are compared.
        limit: the greatest number of sentences, see `choose`.
    """
    systems = [*first, *(system for system in sweep.systems if system not in first)]
    sentences = systems[0].sentences
    gold = [sentence.spans for sentence in sentences]
    matches = [match_all(gold, system.runs[0].predicted) for system in systems]
    seeds = [_times(system) for system in systems]
    shown = [
        _browser_sentence(
            sentence, number + 1, [found[number] for found in matches], [times[number] for times in seeds]
        )
        for number, sentence in enumerate(sentences)
    ]
    return BrowserData(
        systems={system.name: tuple(run.seed for run in system.runs) for system in systems},
        sentences=tuple(choose(shown, limit)),
        total=len(shown),
    )


def choose(sentences: Sequence[BrowserSentence], limit: int) -> list[BrowserSentence]:
    """At most `limit` sentences, in their original order, such that every kind of error is represented.

    A kind is a label with a system and an outcome, or a label with the one of the first two systems that alone is
    correct. Kinds are served in turn, the rarest first, each with its next sentence that has not been selected yet.
    Sentences without an error come last.

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
        for entity in sentence.entities:
            right = [outcome == CORRECT for outcome in entity.outcomes[:2]]
            if entity.is_gold and len(set(right)) == 2:
                kinds.add((entity.span.label, right.index(True), CORRECT))
        for kind in kinds:
            wrong[kind].append(number)
    turns = sorted(wrong.values(), key=lambda numbers: (len(numbers), numbers))
    order = dict.fromkeys(number for turn in zip_longest(*turns) for number in turn if number is not None)
    entities = [number for number, sentence in enumerate(sentences) if sentence.entities]
    order |= dict.fromkeys((*entities, *range(len(sentences))))
    return [sentences[number] for number in sorted(list(order)[:limit])]


def _times(system: System) -> list[Counter[Span]]:
    """For each sentence, how many runs predict each entity."""
    return [
        Counter(span for spans in found for span in spans)
        for found in zip(*(run.predicted for run in system.runs), strict=True)
    ]


def _browser_sentence(
    sentence: Sentence, number: int, matches: Sequence[Sequence[Match]], seeds: Sequence[Counter[Span]]
) -> BrowserSentence:
    """The sentence with its gold entities and those that the first run of any system predicts."""
    outcomes = [
        {span: one.kind for one in found for span in (one.gold, one.predicted) if span is not None} for found in matches
    ]
    tree = sentence.tree
    return BrowserSentence(
        number=number,
        document=sentence.document,
        words=sentence.words,
        heads=() if tree is None else tree.heads,
        relations=() if tree is None else tree.relations,
        entities=tuple(
            BrowserEntity(
                span=span,
                is_gold=span in sentence.spans,
                head=None if tree is None else head_of(tree, span),
                outcomes=tuple(found.get(span) for found in outcomes),
                seeds=tuple(times[span] for times in seeds),
            )
            for span in sorted({span for found in outcomes for span in found})
        ),
    )
