"""What corpora of sentiment towards targets share: a sentence for each target, the polarity being its label."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ner.corpus.format import Outcome
from ner.corpus.labels import DROPPED, label_table
from ner.corpus.sentence import Sentence, Span
from ner.corpus.source import SplitPaths

POLARITIES = ("positive", "negative", "neutral")
UNKNOWN = "unknown"
"""The label of a target whose polarity a file does not say, such as one to be predicted."""


@dataclass(frozen=True, kw_only=True)
class TargetPaths(SplitPaths):
    """Splits in which every target has a polarity."""

    def outcomes(self, split: str) -> Iterator[Outcome]:
        if DROPPED in label_table(self.labels).values():
            raise ValueError(
                f"labels: no polarity can become {DROPPED}: take the targets that have it out of the files"
            )
        return with_polarities(super().outcomes(split))


def with_polarities(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """The sentences, with an error in place of each whose target has no polarity."""
    for outcome in outcomes:
        if isinstance(outcome, Sentence) and any(span.label == UNKNOWN for span in outcome.spans):
            outcome = ValueError(f"{outcome.source}: the target has no polarity, which training and scoring need")
        yield outcome


def check_target(source: str, sentence: Sentence, spans: tuple[Span, ...]) -> str:
    """The label that is predicted for the target of a sentence.

    Raises:
        ValueError: naming the source, for anything but a label for just this target.
    """
    [target] = sentence.spans
    if [(span.start, span.end) for span in spans] != [(target.start, target.end)]:
        raise ValueError(
            f"{source}: a file of targets takes one label for each, no other spans: use a model of targets"
        )
    return spans[0].label
