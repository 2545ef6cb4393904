"""The one scorer: precision, recall and F1 of entity spans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ner.corpus.sentence import Span
from ner.corpus.tags import MODES as READINGS
from ner.corpus.tags import released_spans, spans_to_tags, tags_to_spans

MODES = (*READINGS, "released")
MEASURES = MappingProxyType({"ner": "F1", "sentiment": "accuracy"})
"""What the micro F1 of `Scores` is called, by task."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Entities found in both, in the prediction, and in the truth; each ratio is 0 where it has no denominator."""

    correct: int = 0
    predicted: int = 0
    gold: int = 0

    @property
    def precision(self) -> float:
        return self.correct / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        return self.correct / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        return 2 * self.correct / (self.predicted + self.gold) if self.predicted + self.gold else 0.0


@dataclass(frozen=True, slots=True)
class Averages:
    """Unweighted means over the labels."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Scores:
    """Counts for each label that occurs in the truth or the prediction, in sorted order."""

    labels: Mapping[str, Counts]

    @property
    def micro(self) -> Counts:
        """All labels together: what is meant by "F1" without more words."""
        counts = self.labels.values()
        return Counts(
            sum(count.correct for count in counts),
            sum(count.predicted for count in counts),
            sum(count.gold for count in counts),
        )

    @property
    def macro(self) -> Averages:
        counts = self.labels.values()
        number = max(len(counts), 1)
        return Averages(
            sum(count.precision for count in counts) / number,
            sum(count.recall for count in counts) / number,
            sum(count.f1 for count in counts) / number,
        )

    def headline(self) -> str:
        """The most important figures in a line, per cent."""
        micro = self.micro
        return f"P {100 * micro.precision:.2f}  R {100 * micro.recall:.2f}  F1 {100 * micro.f1:.2f}"

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it; ratios are not rounded."""
        macro = self.macro
        return {
            "micro": _counts_to_dict(self.micro),
            "macro": {"precision": macro.precision, "recall": macro.recall, "f1": macro.f1},
            "labels": {label: _counts_to_dict(counts) for label, counts in self.labels.items()},
        }

    def table(self) -> str:
        """Per cent to two places, a line for each label, then the averages."""
        width = max(map(len, (*self.labels, "micro")))
        lines = [f"{'':{width}}  precision  recall      F1  support  predicted  correct"]
        for name, counts in (*self.labels.items(), ("micro", self.micro)):
            lines.append(
                f"{name:{width}}  {_percent(counts)}  {counts.gold:7}  {counts.predicted:9}  {counts.correct:7}"
            )
        lines.append(f"{'macro':{width}}  {_percent(self.macro)}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class TargetScores(Scores):
    """Of sentences with one span each, whose place is given: every wrong label is missed once and invented once.

    So micro precision, recall and F1 are all the accuracy, and the macro F1 is that of the classification.
    """

    @property
    def accuracy(self) -> float:
        return self.micro.f1

    def headline(self) -> str:
        return f"accuracy {100 * self.accuracy:.2f}  macro F1 {100 * self.macro.f1:.2f}"

    def to_dict(self) -> dict[str, Any]:
        return {"accuracy": self.accuracy, **Scores.to_dict(self)}

    def table(self) -> str:
        lines = Scores.table(self).splitlines()
        return "\n".join([*(line for line in lines if not line.startswith("micro ")), self.headline()])


def score(gold: Iterable[Iterable[Span]], predicted: Iterable[Iterable[Span]], *, task: str = "ner") -> Scores:
    """Compare entities sentence by sentence: one is correct where start, end and label agree.

    Args:
        task: `sentiment` gives `TargetScores`.

    Raises:
        ValueError: when the numbers of sentences differ.
    """
    totals = {"correct": Counter[str](), "predicted": Counter[str](), "gold": Counter[str]()}
    for gold_spans, predicted_spans in zip(gold, predicted, strict=True):
        truth, found = frozenset(gold_spans), frozenset(predicted_spans)
        for name, spans in (("correct", truth & found), ("predicted", found), ("gold", truth)):
            totals[name].update(span.label for span in spans)
    labels = sorted(totals["gold"] | totals["predicted"])
    return (TargetScores if task == "sentiment" else Scores)(
        MappingProxyType({label: Counts(**{name: total[label] for name, total in totals.items()}) for label in labels})
    )


def score_tags(
    gold: Iterable[Sequence[str]], predicted: Iterable[Sequence[str]], *, scheme: str = "IOBES", mode: str = "strict"
) -> Scores:
    """Score tags against tags, both read as the mode says: see `ner.corpus.tags`.

    `strict` and `conlleval` are the modes of `tags_to_spans`; `released` counts as the evaluator that Jie & Lu (2019)
    released, by `released_spans`. It is for IOBES alone, and gives credit for some malformed sequences: where no `B` is
    predicted in a sentence, an `E` at the end of its last entity of several words is enough.

    Raises:
        ValueError: as `tags_to_spans` does, when the numbers of sentences differ, and for `released` with BIO.
    """
    if mode not in MODES:
        raise ValueError(f"unknown mode {mode!r}: choose one of {', '.join(MODES)}")
    if mode == "released":
        if scheme != "IOBES":
            raise ValueError(f"the mode 'released' reads IOBES tags: it finds no entity in {scheme}")
        pairs = [_as_released(*tags) for tags in zip(gold, predicted, strict=True)]
        return score((spans for spans, _ in pairs), (spans for _, spans in pairs))
    return score(
        (tags_to_spans(tags, scheme=scheme, mode=mode) for tags in gold),
        (tags_to_spans(tags, scheme=scheme, mode=mode) for tags in predicted),
    )


def score_modes(
    gold: Sequence[Iterable[Span]], predicted: Sequence[Sequence[str]], scheme: str, *, task: str = "ner"
) -> dict[str, Scores]:
    """The scores of predicted tags in each of the `MODES` that reads their scheme; the gold spans are in order.

    The modes differ in what they make of malformed tags, so that there is only `strict` for labels of targets.
    """
    if task == "sentiment":
        return {"strict": score(gold, (tags_to_spans(tags, scheme=scheme) for tags in predicted), task=task)}
    scores = {
        mode: score(gold, (tags_to_spans(tags, scheme=scheme, mode=mode) for tags in predicted)) for mode in READINGS
    }
    if scheme == "IOBES":
        gold_tags = [spans_to_tags(spans, len(tags)) for spans, tags in zip(gold, predicted, strict=True)]
        scores["released"] = score_tags(gold_tags, predicted, mode="released")
    return scores


def _as_released(gold: Sequence[str], predicted: Sequence[str]) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    truth, start = released_spans(gold)
    return truth, released_spans(predicted, start)[0]


def _counts_to_dict(counts: Counts) -> dict[str, float]:
    return {
        "precision": counts.precision,
        "recall": counts.recall,
        "f1": counts.f1,
        "support": counts.gold,
        "predicted": counts.predicted,
        "correct": counts.correct,
    }


def _percent(ratios: Counts | Averages) -> str:
    return f"{100 * ratios.precision:9.2f}  {100 * ratios.recall:6.2f}  {100 * ratios.f1:6.2f}"
