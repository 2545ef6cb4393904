"""The entities that one system finds and another misses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ner.analysis.results import System
from ner.corpus.sentence import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """A gold entity, and the proportion of the runs of each of two systems that find it, from 0 to 1."""

    sentence: int
    span: Span
    first: float
    second: float

    @property
    def gain(self) -> float:
        """The probability that a random run of the first system finds it and a random run of the second does not."""
        return self.first * (1 - self.second)

    @property
    def loss(self) -> float:
        """The probability that a random run of the second system finds it and a random run of the first does not."""
        return self.second * (1 - self.first)


def contrast(first: System, second: System) -> list[Contrast]:
    """All gold entities, in text order."""
    shares = [shares_right(system) for system in (first, second)]
    return [
        Contrast(sentence=number, span=span, first=shares[0][number, span], second=shares[1][number, span])
        for number, sentence in enumerate(first.sentences)
        for span in sentence.spans
    ]


def shares_right(system: System) -> dict[tuple[int, Span], float]:
    """The proportion of runs that find each gold entity, by the index of its sentence and its span."""
    times = Counter[tuple[int, Span]]()
    for run in system.runs:
        times.update((number, span) for number, spans in enumerate(run.predicted) for span in spans)
    return {
        (number, span): times[number, span] / len(system.runs)
        for number, sentence in enumerate(system.sentences)
        for span in sentence.spans
    }


def most_telling(contrasts: Sequence[Contrast]) -> list[Contrast]:
    """The entities that most runs of the first system find and most of the second miss, clearest first."""
    telling = [one for one in contrasts if one.first > 0.5 > one.second]
    return sorted(telling, key=lambda one: (one.second - one.first, one.sentence, one.span))
