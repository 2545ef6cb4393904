"""What became of each entity: found, or lost in one of several ways."""

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
    """A gold and a predicted entity that are about the same words, or one of the two alone."""

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
    """Pair the entities of a sentence one to one; each is in exactly one match.

    Pairs share a word, and are made in this order: equal ones, those with the same words and another type, those with
    the same type and other words, and those with neither; of one kind first those that share more words, then from left
    to right. What is left over was missed, or is spurious.
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

    All but the spurious ones together are the gold entities, all but the missed ones the predicted.
    """
    return Counter(one.kind for one in matches)


def count_confusions(matches: Iterable[Match]) -> Counter[tuple[str, str]]:
    """How often each gold type (first) became each predicted type, whatever the boundaries, or `NOTHING`."""
    return Counter(
        (one.gold.label if one.gold else NOTHING, one.predicted.label if one.predicted else NOTHING) for one in matches
    )


def confusion_map(counts: Mapping[tuple[str, str], int | float], *, name: str, title: str, unit: str) -> HeatMap:
    """A heat map of the confusions, with those types alone that were confused, missed or spurious.

    Correct entities are left out: they would outshine the rest.
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
