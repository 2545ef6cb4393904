"""The best tags of a whole split, decoded in batches."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor

from ner.corpus.batch import Words
from ner.corpus.dataset import EncodedSplit
from ner.corpus.sampler import decoding_batches
from ner.corpus.vocabulary import Vocabularies
from ner.model.tagger import Tagger
from ner.shapes import Bool, Float, Int
from ner.threads import in_lanes


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


def _word_features(
    tagger: Tagger, words: Words, device: torch.device, chunk: int = 2048
) -> Float[Tensor, "word feature"]:
    order = (words.character_ids != 0).sum(1).argsort()

    @torch.inference_mode()
    def features_of(rows: Int[Tensor, " word"]) -> Float[Tensor, "word feature"]:
        return tagger.word_features(words.select(rows).to(device))

    parts = in_lanes(features_of, torch.split(order, chunk), device=device)
    return torch.cat(parts)[order.argsort().to(device)]
