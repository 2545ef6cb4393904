"""Decoding end to end: from an encoded split to the tags of its sentences, as strings."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from ner.corpus.sampler import decoding_batches
from ner.training.decoding import predict_tags

from .material import material
from .measuring import Options, Row, compare_rates
from .training import STACK, LSTMStack

BATCH_TOKENS = 2048


def rows(options: Options) -> Iterator[Row]:
    sentences = material(options)
    split = sentences.split
    tagger = sentences.tagger(options.device).eval()
    stack = LSTMStack(tagger).to(options.device)
    padded = [split.batch(chosen).mask.shape for chosen in decoding_batches(split.lengths, max_tokens=BATCH_TOKENS)]
    features = [torch.randn(*shape, stack.first.input_size, device=options.device) for shape in padded]

    def floor() -> None:
        with torch.inference_mode():
            for inputs in features:
                stack(inputs)

    yield compare_rates(
        lambda: predict_tags(tagger, split, sentences.vocabularies, batch_tokens=BATCH_TOKENS),
        floor,
        what="decoding to tags",
        settings=f"{sentences.name}, {len(split):,} of them",
        peer_name=STACK,
        amount=len(split.word_rows),
        repeat=options.repeat,
    )
