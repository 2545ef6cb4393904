"""The best tags of a whole split, and how probable its entities are, decoded in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor

from ner.corpus.batch import Batch, Words
from ner.corpus.dataset import EncodedSplit
from ner.corpus.sampler import decoding_batches
from ner.corpus.sentence import Span
from ner.corpus.tags import spans_to_tags, tags_to_spans
from ner.corpus.vocabulary import Vocabularies
from ner.model.paths import NO_TAG, TagPaths
from ner.model.tagger import Tagger
from ner.shapes import Bool, Float, Int
from ner.threads import in_lanes
from ner.training.workers import ALONE, Workers

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Recognised:
    """The entities of one sentence, each with its probability; `readings`: the k best sequences, with their own."""

    entities: dict[Span, float]
    readings: tuple[tuple[float, dict[Span, float]], ...] = ()


def predict_tags(
    tagger: Tagger,
    split: EncodedSplit,
    vocabularies: Vocabularies,
    *,
    batch_tokens: int = 2048,
    workers: Workers = ALONE,
) -> list[tuple[str, ...]]:
    """The best tags of every sentence of a split, in the split's order; see `decode`."""
    tag_ids = decode(tagger, split, batch_tokens=batch_tokens, workers=workers)
    names = [vocabularies.tags.items[tag] for tag in tag_ids.tolist()]
    return [tuple(names[start:end]) for start, end in pairwise(split.offsets.tolist())]


def decode(
    tagger: Tagger, split: EncodedSplit, *, batch_tokens: int = 2048, workers: Workers = ALONE
) -> Int[Tensor, " token"]:
    """The ids of the best tags of all tokens of a split, in the split's order.

    The features of each distinct word are computed once; sentences are taken in order of length, in batches of at
    most `batch_tokens` tokens with padding (a longer sentence is a batch of its own), which `workers` share out. The
    tagger is left in the mode (training or not) it came in.
    """

    def decode_batch(
        batch: Batch, features: Float[Tensor, "word feature"]
    ) -> tuple[Bool[Tensor, "batch token"], Int[Tensor, "batch token"]]:
        return batch.mask.cpu(), tagger.decode(batch, features).cpu()

    tag_ids = torch.zeros_like(split.word_rows)
    for indices, (mask, found) in by_batch(tagger, split, decode_batch, batch_tokens, workers):
        positions = split.offsets[indices][:, None] + torch.arange(mask.shape[1])
        tag_ids[positions[mask]] = found[mask]
    workers.add_up(tag_ids)
    return tag_ids


def recognise(
    tagger: Tagger,
    split: EncodedSplit,
    vocabularies: Vocabularies,
    *,
    k: int = 0,
    temperature: float = 1.0,
    batch_tokens: int = 2048,
) -> list[Recognised]:
    """The entities of every sentence of a split, in its order, with their probabilities.

    An entity's probability is that of all tag sequences in which exactly it stands: the same tokens, the same label, no
    token more. It is exact for the decoder's distribution (see `ner.model.decoder.Decoder`, also for `temperature`).

    Args:
        k: how many of the most probable tag sequences to give as `readings`, best first; fewer where fewer are
            possible. With one or more, `entities` are those of the first, which is also what `decode` gives unless
            two scores are equal in single precision.

    Raises:
        ValueError: for a negative k.
        FloatingPointError: as `Tagger.finite_emissions`.
    """
    if k < 0:
        raise ValueError(f"k is {k}: it must be 0 or more")
    names, outside = vocabularies.tags.items, vocabularies.tags.id("O")

    def spans_of(tag_ids: list[int]) -> tuple[Span, ...]:
        if all(tag == outside for tag in tag_ids):
            return ()
        return tags_to_spans([names[tag] for tag in tag_ids], vocabularies.scheme)

    def recognise_batch(batch: Batch, features: Float[Tensor, "word feature"]) -> list[Recognised]:
        emissions, mask, decoder = tagger.finite_emissions(batch, features), batch.mask, tagger.decoder
        lengths = mask.sum(1).tolist()
        if k:
            tags, probabilities = decoder.best_sequences(emissions, mask, k, temperature=temperature)
            possible = [[p for p in row if p > 0] for row in probabilities.tolist()]
        else:
            tags, possible = decoder.decode(emissions, mask)[:, None], [[1.0]] * len(lengths)
        spans = [
            [spans_of(one[:length]) for one, _ in zip(sequences, chances, strict=False)]
            for sequences, chances, length in zip(tags.tolist(), possible, lengths, strict=True)
        ]
        wanted = [tuple(dict.fromkeys(span for one in sequences for span in one)) for sequences in spans]
        rows = [row for row, found in enumerate(wanted) if found]
        by_span: list[dict[Span, float]] = [{} for _ in lengths]
        if rows:
            longest = max(lengths[row] for row in rows)
            paths = paths_of([wanted[row] for row in rows], vocabularies).to(emissions.device)
            chances = decoder.path_probabilities(
                emissions[rows, :longest], mask[rows, :longest], paths, temperature=temperature
            ).tolist()
            places = ((row, span) for row in rows for span in wanted[row])
            for (row, span), chance in zip(places, chances, strict=True):
                by_span[row][span] = chance
        return [
            Recognised(
                entities={span: found[span] for span in sequences[0]} if sequences else {},
                readings=tuple(
                    (chance, {span: found[span] for span in one})
                    for chance, one in zip(chances if k else (), sequences, strict=False)
                ),
            )
            for found, sequences, chances in zip(by_span, spans, possible, strict=True)
        ]

    recognised: list[Recognised] = [Recognised({})] * len(split)
    for indices, found in by_batch(tagger, split, recognise_batch, batch_tokens):
        for index, one in zip(indices.tolist(), found, strict=True):
            recognised[index] = one
    return recognised


def paths_of(spans: Sequence[Iterable[Span]], vocabularies: Vocabularies) -> TagPaths:
    """The tags that spell the spans of each sentence; in BIO, the tag after must not continue them.

    Raises:
        ValueError: where there is no span at all.
    """
    scheme, ids = vocabularies.scheme, vocabularies.tags.ids
    sentences, starts, sizes, labels = [], [], [], []
    for row, found in enumerate(spans):
        for span in found:
            sentences.append(row)
            starts.append(span.start)
            sizes.append(span.end - span.start)
            labels.append(span.label)
    if not sizes:
        raise ValueError("there is no span to spell")
    longest = max(sizes)
    spelled = {
        (size, label): ids(spans_to_tags([Span(0, size, label)], size, scheme)) + [NO_TAG] * (longest - size)
        for size, label in {*zip(sizes, labels, strict=True)}
    }
    return TagPaths(
        sentences=torch.tensor(sentences),
        starts=torch.tensor(starts),
        tag_ids=torch.tensor([spelled[key] for key in zip(sizes, labels, strict=True)]),
        stops=torch.tensor(ids(f"I-{label}" for label in labels) if scheme == "BIO" else [NO_TAG] * len(labels)),
    )


def by_batch(
    tagger: Tagger,
    split: EncodedSplit,
    function: Callable[[Batch, Float[Tensor, "word feature"]], Result],
    batch_tokens: int = 2048,
    workers: Workers = ALONE,
) -> Iterable[tuple[Int[Tensor, " sentence"], Result]]:
    """The function of each batch of a worker and the features of its words, and the indices of its sentences."""
    device = next(tagger.parameters()).device
    words = split.words.to(device)
    batches = decoding_batches(split.lengths, max_tokens=batch_tokens)[workers.rank :: workers.number]

    @torch.inference_mode()
    def run(indices: Int[Tensor, " sentence"]) -> Result:
        batch = split.batch(indices, distinct=False)
        return function(replace(batch, words=words).to(device), features)

    was_training = tagger.training
    if was_training:
        tagger.eval()
    try:
        features = _word_features(tagger, split.words, device)
        return zip(batches, in_lanes(run, batches, device=device), strict=True)
    finally:
        if was_training:
            tagger.train()


def _word_features(
    tagger: Tagger, words: Words, device: torch.device, chunk: int = 2048
) -> Float[Tensor, "word feature"]:
    order = (words.character_ids != 0).sum(1).argsort()

    @torch.inference_mode()
    def features_of(rows: Int[Tensor, " word"]) -> Float[Tensor, "word feature"]:
        return tagger.word_features(words.select(rows).to(device))

    parts = in_lanes(features_of, torch.split(order, chunk), device=device)
    return torch.cat(parts)[order.argsort().to(device)]
