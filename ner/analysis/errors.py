"""Outcomes of entities: correct, or one of several kinds of error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ner.analysis.charts import HeatMap
from ner.corpus.sentence import Span

CORRECT = "correct"
WRONG_TYPE = "wrong type"
WRONG_BOUNDARY = "wrong boundary"
BOTH_WRONG = "both wrong"
MISSED = "missed"
SPURIOUS = "spurious"
KINDS = (CORRECT, WRONG_TYPE, WRONG_BOUNDARY, BOTH_WRONG, MISSED, SPURIOUS)
NOTHING = "no entity"
CONFUSION = "Types taken for another, missed and spurious"


@dataclass(frozen=True, slots=True)
class Match:
    """A gold entity with the overlapping predicted one that it is paired with, or either without a partner."""

    gold: Span | None
    predicted: Span | None

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        if self.predicted is None:
            return MISSED
        if self.gold is None:
            return SPURIOUS
        return _kind(self.gold, self.predicted)


def match(gold: Iterable[Span], predicted: Iterable[Span]) -> list[Match]:
    """Pair the gold and predicted entities of a sentence one to one; every entity is in exactly one match.

    Paired entities share at least one word. Pairs are made greedily in this order: identical entities, the same words
    with another type, the same type with other words, and neither; within each kind by the number of shared words, then
    from left to right. Gold entities left over were missed, predicted ones are spurious.
    """
    gold, predicted = sorted(gold), sorted(predicted)
    pairs = sorted(
        (KINDS.index(_kind(truth, found)), -_shared(truth, found), truth, found)
        for truth in gold
        for found in predicted
        if _shared(truth, found) > 0
    )
    partner: dict[Span, Span] = {}
    taken: set[Span] = set()
    for _, _, truth, found in pairs:
        if truth not in partner and found not in taken:
            partner[truth] = found
            taken.add(found)
    matches = [Match(truth, partner.get(truth)) for truth in gold]
    return matches + [Match(None, found) for found in predicted if found not in taken]


def match_all(gold: Sequence[Sequence[Span]], predicted: Sequence[Sequence[Span]]) -> list[list[Match]]:
    """`match` for each sentence."""
    return [
        [Match(span, span) for span in truth] if truth == found else match(truth, found)
        for truth, found in zip(gold, predicted, strict=True)
    ]


def count_kinds(matches: Iterable[Match]) -> Counter[str]:
    """How many matches there are of each of `KINDS`.

    All kinds but the spurious add up to the gold entities, all but the missed to the predicted ones.
    """
    return Counter(one.kind for one in matches)


def count_confusions(matches: Iterable[Match]) -> Counter[tuple[str, str]]:
    """How often each gold type (first) became each predicted type, whatever the boundaries, or `NOTHING`."""
    return Counter(
        (one.gold.label if one.gold else NOTHING, one.predicted.label if one.predicted else NOTHING) for one in matches
    )


def confusion_map(counts: Mapping[tuple[str, str], int | float], *, name: str, title: str, unit: str) -> HeatMap:
    """A heat map of the confusions. Types that were never confused, missed or spurious are left out.

    So are correct entities, whose counts would dwarf the rest.
    """
    confused = [pair for pair, times in counts.items() if times and pair[0] != pair[1]]
    rows, columns = (
        sorted({pair[side] for pair in confused}, key=lambda one: (one == NOTHING, one)) for side in (0, 1)
    )
    return HeatMap(
        name=name,
        title=title,
        row_axis="gold",
        column_axis="predicted",
        unit=unit,
        rows=tuple(rows),
        columns=tuple(columns),
        cells=tuple(
            tuple(0.0 if gold == found else float(counts.get((gold, found), 0)) for found in columns) for gold in rows
        ),
    )


def _kind(gold: Span, predicted: Span) -> str:
    same_words = (gold.start, gold.end) == (predicted.start, predicted.end)
    if gold.label == predicted.label:
        return CORRECT if same_words else WRONG_BOUNDARY
    return WRONG_TYPE if same_words else BOTH_WRONG


def _shared(gold: Span, predicted: Span) -> int:
    return min(gold.end, predicted.end) - max(gold.start, predicted.start)
