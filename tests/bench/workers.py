"""Data-parallel workers, with one thread each, beside one worker with one thread, and with two for its two lanes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from statistics import median

from ner.threads import num_threads, share_threads
from ner.training.workers import ALONE, Workers, gathered

from .material import invented, paper_optimizer, random_lengths
from .measuring import Options, Row, seconds
from .training import train_epoch

NUMBERS = (2, 4)
"""Of workers, where there are cores for them."""


def rows(options: Options) -> Iterator[Row]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    before = num_threads()
    try:
        for number in NUMBERS:
            if number <= max(cores, 2):
                with gathered(number, exhaust, options) as workers:
                    yield from measure(workers, options)
    finally:
        share_threads(before)


def exhaust(workers: Workers, options: Options) -> None:
    for _ in measure(workers, options):
        pass


def measure(workers: Workers, options: Options) -> Iterator[Row]:
    """Time one, its lanes and all in turn; the others wait while the first is alone."""
    sentences = invented(random_lengths(2 * options.sentences))
    tagger = sentences.tagger(options.device)
    for batch_size in options.batch_sizes:
        sampler = sentences.sampler(batch_size, options.sentences)
        learn = partial(train_epoch, tagger, sentences.split, sampler, paper_optimizer(tagger))
        turns = []
        for _ in range(options.repeat + 1):
            times = []
            for threads, those in ((1, ALONE), (2, ALONE), (1, workers)):
                workers.of_all(None)
                if workers.is_first or those is workers:
                    share_threads(threads)
                    times.append(seconds(partial(learn, workers=those)))
            turns.append(times)
        if workers.is_first:
            tokens = sum(int(sentences.split.lengths[indices].sum()) for indices in sampler.epoch(1))
            one, lanes, together = (tokens / median(times) for times in zip(*turns[1:], strict=True))
            yield Row(
                what="training epoch",
                settings=f"batch {batch_size}, {workers.number} workers",
                value=together,
                unit="tokens/s",
                peer="one worker",
                peer_value=one,
                ratio=median(alone / shared for alone, _, shared in turns[1:]),
                also={"tokens/s in its two lanes": lanes},
            )
