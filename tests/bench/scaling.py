"""Growth: time and memory as the corpus gets larger, and as sentences get longer."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import torch

from ner.corpus.conll2012 import Conll2012Source
from ner.corpus.dataset import build_vocabularies, encode, load
from ner.corpus.dependencies import UniversalDependencies
from ner.corpus.preparation import prepare
from ner.corpus.source import SPLITS
from ner.corpus.trees import SourceWithTrees
from ner.resources import data_path
from ner.threads import num_threads, share_threads

from .material import Material, invented, paper_optimizer
from .measuring import Options, Row, median_seconds, saved_bytes
from .training import train_epoch

BATCH_SIZE = 10


def rows(options: Options) -> Iterator[Row]:
    for multiple in options.multiples:
        yield from corpus_rows(multiple)
    for length in options.lengths:
        yield from length_rows(length, options)


def corpus_rows(multiple: int) -> Iterator[Row]:
    """A corpus that is the sample so many times over, from its files to the end of one epoch."""
    with ProcessPoolExecutor(1, mp_context=get_context("forkserver")) as process:  # a fresh one: its peak is its own
        tokens, costs, start, peak = process.submit(go_through, multiple, num_threads()).result()
    settings = f"sample x {multiple}, {tokens:,} tokens"
    for stage, cost in costs.items():
        yield Row(what=f"growth: {stage}", settings=settings, value=1e6 * cost, unit="us/token")
    note = f"{start:,.0f} MB of it before the corpus is opened"
    yield Row(what="growth: peak memory", settings=settings, value=peak, unit="MB", note=note)


def go_through(multiple: int, threads: int) -> tuple[int, dict[str, float], float, float]:
    """Tokens of the corpus, seconds that each stage took a token, and the MB before and at the peak."""
    share_threads(threads)
    train_once(invented([5, 4]))  # loads all that is needed
    start = peak_megabytes()
    with TemporaryDirectory() as directory:
        source = repeat_sample(multiple, Path(directory))
        times = [perf_counter()]
        prepared = load(prepare(source, UniversalDependencies(), root=Path(directory)))
        times.append(perf_counter())
        vocabularies = build_vocabularies(prepared)
        splits = [encode(prepared.splits[split], vocabularies) for split in SPLITS]
        times.append(perf_counter())
        train_once(Material(splits[0], vocabularies, "sample"))
        times.append(perf_counter())
    tokens, trained = sum(len(split.word_rows) for split in splits), len(splits[0].word_rows)
    preparing, encoding, training = (end - begin for begin, end in pairwise(times))
    costs = {"preparing": preparing / tokens, "encoding": encoding / tokens, "epoch": training / trained}
    return tokens, costs, start, peak_megabytes()


def repeat_sample(multiple: int, directory: Path) -> SourceWithTrees:
    """The sample corpus with all of its files so many times over."""
    sample = data_path("sample")
    for split in SPLITS:
        for name, source in ((f"{split}.gold_conll", sample), (f"{split}.conllx", sample / "ud")):
            (directory / name).write_bytes(multiple * (source / name).read_bytes())
    files = {split: directory / f"{split}.gold_conll" for split in SPLITS}
    return SourceWithTrees(name="sample", source=Conll2012Source(**files), trees={"ud": directory})


def train_once(material: Material) -> None:
    tagger = material.tagger(torch.device("cpu"))
    sampler = material.sampler(BATCH_SIZE, len(material.split))
    train_epoch(tagger, material.split, sampler, paper_optimizer(tagger))


def peak_megabytes() -> float:
    """The most memory this process has had, in units of 10^6 bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6


def length_rows(length: int, options: Options) -> Iterator[Row]:
    """An epoch of sentences of one length, always of as many tokens together, and what a step keeps for a token."""
    material = invented([length] * max(options.tokens // length, 1))
    tagger = material.tagger(options.device)
    sampler = material.sampler(BATCH_SIZE, len(material.split))
    optimizer = paper_optimizer(tagger)
    repeat = options.repeat
    tokens = len(material.split.word_rows)
    time = median_seconds(lambda: train_epoch(tagger, material.split, sampler, optimizer), repeat=repeat)
    settings = f"sentences of {length:,} tokens, batch {BATCH_SIZE}"
    yield Row(what="growth: epoch", settings=settings, value=1e6 * time / tokens, unit="us/token")
    batch = material.split.batch(sampler.epoch(1)[0])
    saved = saved_bytes(lambda: tagger.loss(batch.to(options.device))) / batch.num_tokens
    yield Row(what="growth: kept until backward", settings=settings, value=saved / 1e3, unit="kB/token")
