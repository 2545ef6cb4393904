"""bfloat16 beside float32: a recurrent layer, training and decoding, with one thread and with two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import torch
from torch import nn

from ner.model.tagger import Tagger
from ner.precision import choose_precision, computing_in
from ner.threads import num_threads, share_threads
from ner.training.decoding import decode

from .material import Material, invented, paper_optimizer, random_lengths
from .measuring import Options, Row, compare_rates
from .training import train_epoch

EPOCH = 256
"""Sentences, for all of it to end within a minute."""


def rows(options: Options) -> Iterator[Row]:
    """How many times as fast as float32 bfloat16 is; without instructions for it, float32 alone."""
    options = replace(options, sentences=min(options.sentences, EPOCH))
    sentences = invented(random_lengths(2 * options.sentences))
    tagger = sentences.tagger(options.device)
    before = num_threads()
    try:
        for threads in (1, 2):
            share_threads(threads)
            for batch_size in options.batch_sizes:
                yield layer_row(options, batch_size)
                yield training_row(tagger, sentences, options, batch_size)
                yield decoding_row(tagger, sentences, options, batch_size)
    finally:
        share_threads(before)


def layer_row(options: Options, batch_size: int, *, length: int = 20) -> Row:
    """Forward and backward of torch's LSTM of the paper's sizes, which is most of a step."""
    lstm = nn.LSTM(350, 100, batch_first=True, bidirectional=True).to(options.device)
    features = torch.randn(batch_size, length, 350, device=options.device, requires_grad=True)
    times = max(options.sentences // batch_size // 2, 1)

    def learn(precision: str) -> None:
        given = features.bfloat16() if precision == "bfloat16" else features
        for _ in range(times):
            with computing_in(precision, options.device):
                states = lstm(given)[0]
            torch.autograd.backward(states.sum(), retain_graph=True)

    return beside_float32(learn, "torch.nn.LSTM", batch_size, times * batch_size * length, options)


def training_row(tagger: Tagger, sentences: Material, options: Options, batch_size: int) -> Row:
    optimizer = paper_optimizer(tagger)
    sampler = sentences.sampler(batch_size, options.sentences)
    amount = sum(int(sentences.split.lengths[indices].sum()) for indices in sampler.epoch(1))

    def learn(precision: str) -> None:
        train_epoch(tagger, sentences.split, sampler, optimizer, precision=precision)

    return beside_float32(learn, "training epoch", batch_size, amount, options)


def decoding_row(tagger: Tagger, sentences: Material, options: Options, batch_size: int, *, length: int = 20) -> Row:
    def run(precision: str) -> None:
        tagger.precision = precision
        decode(tagger, sentences.split, batch_tokens=batch_size * length)

    return beside_float32(run, "decoding to tag ids", batch_size, len(sentences.split.word_rows), options)


def beside_float32(function: Callable[[str], None], what: str, batch_size: int, amount: int, options: Options) -> Row:
    rates = partial(
        compare_rates,
        what=what,
        settings=f"batch {batch_size}, threads {num_threads()}",
        peer_name="float32",
        amount=amount,
        repeat=options.repeat,
        in_lanes=True,
    )
    try:
        choose_precision("bfloat16", options.device)
    except ValueError as error:
        return rates(partial(function, "float32"), None, missing=str(error))
    return rates(partial(function, "bfloat16"), partial(function, "float32"))
