"""The order of sentences: batches of like lengths for training and decoding, prepared ahead of their use."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from ner.corpus.batch import Batch
from ner.shapes import Int

Item = TypeVar("Item")


class LengthBuckets:
    """Training batches, drawn anew in each epoch.

    The sentences are shuffled, sorted by length within pools of `pool` batches, cut into batches, and the batches
    shuffled: little padding, and still other neighbours every time. With `pool=1` the batches are plain random ones.
    An epoch depends on the seed and its number only, so that training can be resumed at any of them.

    Args:
        lengths: tokens in each sentence.
        batch_size: sentences in a batch; the last one may have fewer.
    """

    def __init__(self, lengths: Int[Tensor, " sentence"], batch_size: int, *, pool: int = 50, seed: int) -> None:
        for name, value in {"batch_size": batch_size, "pool": pool}.items():
            if value < 1:
                raise ValueError(f"{name} must be at least 1, found {value}")
        if not len(lengths):
            raise ValueError("there is no sentence to make batches of")
        if seed < 0:
            raise ValueError(f"the seed must not be negative, found {seed}")
        self.lengths = lengths
        self.batch_size = batch_size
        self.pool = pool
        self.seed = seed

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-len(self.lengths) // self.batch_size)

    def epoch(self, number: int) -> list[Int[Tensor, " batch"]]:
        """The sentences of each batch, by index."""
        random = np.random.default_rng((self.seed, number))
        return _permuted(self._cut(random), random)

    def _cut(self, random: np.random.Generator) -> Sequence[Int[Tensor, " batch"]]:
        order = torch.from_numpy(random.permutation(len(self.lengths)))
        if self.pool > 1:
            pools = torch.split(order, self.pool * self.batch_size)
            order = torch.cat([pool[self.lengths[pool].argsort(stable=True)] for pool in pools])
        return torch.split(order, self.batch_size)


class FixedBatches(LengthBuckets):
    """Training batches that are drawn once, as those of `LengthBuckets`, and whose order alone changes with the epoch.

    With `pool=1` that is what the code released by Jie & Lu (2019) does: it shuffles the sentences once, cuts them into
    batches, and permutes these for each epoch.
    """

    def epoch(self, number: int) -> list[Int[Tensor, " batch"]]:
        batches = self._cut(np.random.default_rng(self.seed))
        return _permuted(batches, np.random.default_rng((self.seed, number)))


BATCHES: Mapping[str, type[LengthBuckets]] = MappingProxyType({"drawn": LengthBuckets, "fixed": FixedBatches})


def training_batches(
    kind: str, lengths: Int[Tensor, " sentence"], batch_size: int, *, pool: int, seed: int
) -> LengthBuckets:
    """The sampler of a kind: `drawn` anew in each epoch, or `fixed`.

    Raises:
        ValueError: for another kind, and as the samplers do.
    """
    if kind not in BATCHES:
        raise ValueError(f"unknown training.batches {kind!r}: choose one of {', '.join(BATCHES)}")
    return BATCHES[kind](lengths, batch_size, pool=pool, seed=seed)


def decoding_batches(lengths: Int[Tensor, " sentence"], *, max_tokens: int) -> list[Int[Tensor, " batch"]]:
    """Batches of like lengths, longest first, of at most `max_tokens` tokens with their padding.

    Each sentence comes once; one longer than `max_tokens` is a batch of its own. What is computed of a batch belongs
    at its indices.
    """
    if max_tokens < 1:
        raise ValueError(f"max_tokens must be at least 1, found {max_tokens}")
    order = lengths.argsort(descending=True, stable=True)
    descending = lengths[order].tolist()
    batches, start = [], 0
    while start < len(order):
        size = max(max_tokens // max(descending[start], 1), 1)
        batches.append(order[start : start + size])
        start += size
    return batches


def prefetch(batches: Iterable[Batch], device: torch.device, *, ahead: int = 2) -> Generator[Batch, None, None]:
    """Yield the batches in their order, on the device, the next `ahead` made by a thread while one is in use.

    For CUDA they go through pinned memory, so that the copy does not stop the computation. What the thread raises is
    raised here; it ends when the consumer does (by exhausting or closing the generator).
    """
    done = object()
    ready: queue.Queue[object] = queue.Queue(maxsize=ahead)
    stopped = threading.Event()

    def put(item: object) -> bool:
        while not stopped.is_set():
            try:
                ready.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def produce() -> None:
        try:
            for batch in batches:
                moved = batch.pin_memory().to(device) if device.type == "cuda" else batch.to(device)
                if not put(moved):
                    return
            put(done)
        except BaseException as error:
            put(error)

    thread = threading.Thread(target=produce, name="prefetch", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not done:
            if isinstance(item, BaseException):
                raise item
            assert isinstance(item, Batch)
            yield item
    finally:
        stopped.set()
        thread.join()


def _permuted(items: Sequence[Item], random: np.random.Generator) -> list[Item]:
    return [items[index] for index in random.permutation(len(items))]
