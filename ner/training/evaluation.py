"""The one scorer: precision, recall and F1 of entity spans, and the decoding of a whole split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from ner.corpus.batch import Words
from ner.corpus.dataset import EncodedSplit
from ner.corpus.sampler import decoding_batches
from ner.corpus.sentence import Span
from ner.corpus.tags import MODES, tags_to_spans
from ner.corpus.vocabulary import Vocabularies
from ner.model.lanes import in_lanes
from ner.model.tagger import Tagger
from ner.shapes import Bool, Float, Int


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


def score(gold: Iterable[Iterable[Span]], predicted: Iterable[Iterable[Span]]) -> Scores:
    """Compare entities sentence by sentence: one is correct where start, end and label agree.

    Raises:
        ValueError: when the numbers of sentences differ.
    """
    totals = {"correct": Counter[str](), "predicted": Counter[str](), "gold": Counter[str]()}
    for gold_spans, predicted_spans in zip(gold, predicted, strict=True):
        truth, found = frozenset(gold_spans), frozenset(predicted_spans)
        for name, spans in (("correct", truth & found), ("predicted", found), ("gold", truth)):
            totals[name].update(span.label for span in spans)
    labels = sorted(totals["gold"] | totals["predicted"])
    return Scores(
        MappingProxyType({label: Counts(**{name: total[label] for name, total in totals.items()}) for label in labels})
    )


def score_tags(
    gold: Iterable[Sequence[str]], predicted: Iterable[Sequence[str]], *, scheme: str = "IOBES", mode: str = "strict"
) -> Scores:
    """Score tags against tags; `scheme` and `mode` are those of `ner.corpus.tags.tags_to_spans`."""
    return score(
        (tags_to_spans(tags, scheme=scheme, mode=mode) for tags in gold),
        (tags_to_spans(tags, scheme=scheme, mode=mode) for tags in predicted),
    )


def predict_tags(
    tagger: Tagger, split: EncodedSplit, vocabularies: Vocabularies, *, batch_tokens: int = 2048
) -> list[tuple[str, ...]]:
    """The best tags of every sentence of a split, in the split's order; see `decode`."""
    names = [vocabularies.tags.items[tag] for tag in decode(tagger, split, batch_tokens=batch_tokens).tolist()]
    return [tuple(names[start:end]) for start, end in pairwise(split.offsets.tolist())]


def decode(tagger: Tagger, split: EncodedSplit, *, batch_tokens: int = 2048) -> Int[Tensor, " token"]:
    """The ids of the best tags of all tokens of a split, in the split's order.

    The features of each distinct word are computed once; sentences are taken in order of length, in batches of at
    most `batch_tokens` tokens with padding (a longer sentence is a batch of its own). The tagger is left in the mode
    (training or not) it came in.
    """
    device = next(tagger.parameters()).device
    words = split.words.to(device)
    batches = decoding_batches(split.lengths, max_tokens=batch_tokens)

    @torch.inference_mode()
    def decode_batch(
        indices: Int[Tensor, " sentence"],
    ) -> tuple[Bool[Tensor, "batch token"], Int[Tensor, "batch token"]]:
        batch = split.batch(indices, distinct=False)
        return batch.mask, tagger.decode(replace(batch, words=words).to(device), features)

    was_training = tagger.training
    tagger.eval()
    try:
        features = _word_features(tagger, split.words, device)
        decoded = in_lanes(decode_batch, batches, device=device)
    finally:
        tagger.train(was_training)
    tag_ids = torch.empty_like(split.word_rows)
    for indices, (mask, found) in zip(batches, decoded, strict=True):
        positions = split.offsets[indices][:, None] + torch.arange(mask.shape[1])
        tag_ids[positions[mask]] = found.cpu()[mask]
    return tag_ids


def score_modes(gold: Sequence[Iterable[Span]], predicted: Sequence[Sequence[str]], scheme: str) -> dict[str, Scores]:
    """The scores of predicted tags in each of `ner.corpus.tags.MODES`."""
    return {mode: score(gold, (tags_to_spans(tags, scheme=scheme, mode=mode) for tags in predicted)) for mode in MODES}


def _word_features(
    tagger: Tagger, words: Words, device: torch.device, chunk: int = 2048
) -> Float[Tensor, "word feature"]:
    lengths = (words.character_ids != 0).sum(1)
    order = lengths.argsort()

    @torch.inference_mode()
    def features_of(rows: Int[Tensor, " word"]) -> Float[Tensor, "word feature"]:
        longest = int(lengths[rows[-1]])
        part = Words(words.word_ids[rows], words.character_ids[rows, : max(longest, 1)])
        return tagger.word_features(part.to(device))

    parts = in_lanes(features_of, torch.split(order, chunk), device=device)
    return torch.cat(parts)[order.argsort().to(device)]


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
