"""The entities that one system gets and another misses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ner.analysis.results import System
from ner.corpus.sentence import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """A gold entity, and the shares of the seeds of two systems that get it: 1 is all of them."""

    sentence: int
    span: Span
    first: float
    second: float

    @property
    def gain(self) -> float:
        """The chance that a run of the first system gets it and one of the second does not, seeds drawn at random."""
        return self.first * (1 - self.second)

    @property
    def loss(self) -> float:
        """The same, the other way round."""
        return self.second * (1 - self.first)


def contrast(first: System, second: System) -> list[Contrast]:
    """All gold entities, in the order of the text."""
    shares = [shares_right(system) for system in (first, second)]
    return [
        Contrast(sentence=number, span=span, first=shares[0][number, span], second=shares[1][number, span])
        for number, sentence in enumerate(first.sentences)
        for span in sentence.spans
    ]


def shares_right(system: System) -> dict[tuple[int, Span], float]:
    """For each gold entity, with the number of its sentence, the share of seeds that get it."""
    times = Counter[tuple[int, Span]]()
    for run in system.runs:
        times.update((number, span) for number, spans in enumerate(run.predicted) for span in spans)
    return {
        (number, span): times[number, span] / len(system.runs)
        for number, sentence in enumerate(system.sentences)
        for span in sentence.spans
    }


def most_telling(contrasts: Sequence[Contrast]) -> list[Contrast]:
    """Those that most seeds of the first get and most of the second do not, the clearest first."""
    telling = [one for one in contrasts if one.first > 0.5 > one.second]
    return sorted(telling, key=lambda one: (one.second - one.first, one.sentence, one.span))
