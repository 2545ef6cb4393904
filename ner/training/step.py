"""A step of training: the gradients of a batch's loss, and what the optimiser makes of them."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from ner.corpus.batch import Batch
from ner.model.tagger import Tagger
from ner.shapes import Float, Int
from ner.training.optimizer import Optimizer
from ner.training.workers import ALONE, Workers

REDUCTIONS = ("sum", "sentence", "token")
TOKENS, WORDS, CHARACTERS = 8, 64, 8
"""To multiples of these a batch is padded, so that few shapes come and each comes often."""
MOST_TOKENS = 8192
"""Of a batch with padding: the kernels of a larger one take longer than their launches, and its graph much memory."""
MOST_GRAPHS = 300

log = logging.getLogger(__name__)

Loss = Float[Tensor, ""]
Norm = Float[Tensor, ""]


def training_step(tagger: Tagger, optimizer: Optimizer, *, reduction: str, workers: Workers = ALONE) -> TrainingStep:
    """The kind of step that is fastest on the tagger's device; the arguments are those of `TrainingStep`."""
    if next(tagger.parameters()).is_cuda and workers.number == 1:
        return GraphedStep(tagger, optimizer, reduction=reduction)
    return TrainingStep(tagger, optimizer, reduction=reduction, workers=workers)


class TrainingStep:
    """Called with a batch: the loss summed over its sentences, and the norm of the gradients.

    It is called with a worker's part of a batch, the indices of the whole batch, the number of its tokens, and the
    learning rate.

    Args:
        reduction: what the gradient is of: the `sum` of the sentences' losses over a batch, or its mean over each
            `sentence` or `token`.
        workers: share out the sentences of each batch.

    Raises:
        ValueError: for an unknown reduction.
    """

    def __init__(self, tagger: Tagger, optimizer: Optimizer, *, reduction: str, workers: Workers = ALONE) -> None:
        if reduction not in REDUCTIONS:
            raise ValueError(f"unknown reduction {reduction!r}: choose one of {', '.join(REDUCTIONS)}")
        self._tagger = tagger
        self._optimizer = optimizer
        self._reduction = reduction
        self._workers = workers

    def ready(self, batch: Batch) -> Batch:
        """A batch as it is to be when its turn comes; may be called in another thread."""
        return batch

    def __call__(
        self, batch: Batch, indices: Int[Tensor, " sentence"], tokens: int, learning_rate: float
    ) -> tuple[Loss, Norm]:
        divisor = self._divisor(len(indices), tokens)
        return self._step(batch, divisor, learning_rate, counts=self._workers.has_part(indices))

    def _divisor(self, sentences: int, tokens: int) -> int:
        return {"sum": 1, "sentence": sentences, "token": tokens}[self._reduction]

    def _step(
        self, batch: Batch, divisor: int | Tensor, learning_rate: float | Tensor, *, counts: bool = True
    ) -> tuple[Loss, Norm]:
        self._optimizer.zero_grad()
        loss = self._tagger.loss(batch) * counts
        torch.autograd.backward(loss / divisor)
        loss = self._workers.add_up_gradients(self._optimizer.parameters, loss.detach())
        return loss, self._optimizer.step(learning_rate)


class GraphedStep(TrainingStep):
    """The same on a CUDA device, where launching some 300 small kernels takes much longer than they do.

    The second step of each shape of batch is captured as a CUDA graph, which it and the following ones replay. All
    steps are ordinary ones from the moment that something cannot be captured (a layer that waits for the device) or
    that the graphs leave no memory.
    """

    def __init__(self, tagger: Tagger, optimizer: Optimizer, *, reduction: str) -> None:
        super().__init__(tagger, optimizer, reduction=reduction)
        self._seen: Counter[tuple[torch.Size, ...]] = Counter()
        self._graphs: dict[tuple[torch.Size, ...], _Graph] = {}
        self._can_capture = True
        # One pool and one stream for all graphs: memory is used again only on the stream that it was freed on.
        self._pool = torch.cuda.graph_pool_handle()
        self._stream = torch.cuda.Stream(next(tagger.parameters()).device)  # type: ignore[no-untyped-call]

    def ready(self, batch: Batch) -> Batch:
        return padded(batch)

    def __call__(
        self, batch: Batch, indices: Int[Tensor, " sentence"], tokens: int, learning_rate: float
    ) -> tuple[Loss, Norm]:
        shape = tuple(tensor.shape for tensor in _tensors(batch))
        self._seen[shape] += 1
        try:
            if self._seen[shape] == 2 and self._may_capture(batch):
                self._capture(shape, batch)
            if (graph := self._graphs.get(shape)) is not None:
                return graph.replay(batch, self._divisor(len(indices), tokens), learning_rate)
            return super().__call__(batch, indices, tokens, learning_rate)
        except torch.OutOfMemoryError as error:
            if not self._can_capture:
                raise
            self._give_up(error)
        return super().__call__(batch, indices, tokens, learning_rate)

    def _may_capture(self, batch: Batch) -> bool:
        return self._can_capture and len(self._graphs) < MOST_GRAPHS and batch.mask.numel() <= MOST_TOKENS

    def _capture(self, shape: tuple[torch.Size, ...], batch: Batch) -> None:
        self._optimizer.zero_grad()
        try:
            with self._optimizer.capturable():
                self._graphs[shape] = _Graph(self._step, batch, pool=self._pool, stream=self._stream)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            self._give_up(error)
        finally:
            self._optimizer.zero_grad()

    def _give_up(self, error: RuntimeError) -> None:
        log.info("training steps are no longer replayed as CUDA graphs: %s", str(error).splitlines()[0])
        self._can_capture = False
        self._graphs.clear()
        torch.cuda.empty_cache()


class _Graph:
    """A step captured for batches of one shape, with the tensors that it reads and those that it writes."""

    def __init__(
        self, step: Callable[..., tuple[Loss, Norm]], batch: Batch, *, pool: Any, stream: torch.cuda.Stream
    ) -> None:
        self._batch = batch.map(torch.clone)
        device = batch.mask.device
        self._divisor = torch.ones((), device=device)
        self._learning_rate = torch.zeros((), device=device)
        self._graph = torch.cuda.CUDAGraph()
        stream.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(stream):  # torch.cuda.graph would also collect garbage, which takes longer than all else
            # The thread that prefetches batches goes on meanwhile, so only this one's calls are watched.
            try:
                self._graph.capture_begin(pool=pool, capture_error_mode="thread_local")
                try:
                    self._results = step(self._batch, self._divisor, self._learning_rate)
                finally:
                    self._graph.capture_end()
            except BaseException:
                _end_failed_capture(device, pool)
                raise
        torch.cuda.current_stream(device).wait_stream(stream)

    def replay(self, batch: Batch, divisor: int, learning_rate: float) -> tuple[Loss, Norm]:
        torch._foreach_copy_(_tensors(self._batch), _tensors(batch))
        self._divisor.fill_(divisor)
        self._learning_rate.fill_(learning_rate)
        self._graph.replay()
        return self._results


def _end_failed_capture(device: torch.device, pool: Any) -> None:
    """Do what `capture_end` leaves undone where it fails (torch 2.11): allocator and generator still expect a capture.

    The former would not reuse what another stream has read, the latter refuse to draw numbers outside a graph.
    """
    with suppress(AttributeError, RuntimeError):  # it has ended: the failure was another, or torch is a later one
        torch._C._cuda_endAllocateToPool(device.index, pool)
    nothing, graph = torch.zeros((), device=device), torch.cuda.CUDAGraph()
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):  # the generator leaves its state of capturing at the end of one that succeeds
        graph.capture_begin(capture_error_mode="thread_local")
        nothing.zero_()
        graph.capture_end()
    torch.cuda.current_stream(device).wait_stream(stream)


def padded(batch: Batch) -> Batch:
    """A batch with more padding: further tokens, further characters, and its first word again, which nothing reads."""
    length, pieces = batch.mask.shape[1], batch.pieces
    tokens, characters = _missing(length, TOKENS), _missing(batch.words.character_ids.shape[1], CHARACTERS)
    words = batch.words.map(lambda rows: torch.cat([rows, rows[:1].repeat_interleave(_missing(len(rows), WORDS), 0)]))
    own_places = torch.arange(length, length + tokens).expand(len(batch), -1)
    return replace(
        batch,
        words=replace(words, character_ids=pad(words.character_ids, (0, characters))),
        mask=pad(batch.mask, (0, tokens)),
        word_rows=pad(batch.word_rows, (0, tokens)),
        heads=torch.cat([batch.heads, own_places], 1),
        relation_ids=pad(batch.relation_ids, (0, tokens)),
        tag_ids=None if batch.tag_ids is None else pad(batch.tag_ids, (0, tokens)),
        pieces=None if pieces is None else replace(pieces, owners=pieces.owners + pieces.owners // length * tokens),
        feature_ids=None if batch.feature_ids is None else pad(batch.feature_ids, (0, 0, 0, tokens)),
        layers=None if batch.layers is None else pad(batch.layers, (0, 0, 0, 0, 0, tokens)),
    )


def _missing(size: int, multiple: int) -> int:
    return -size % multiple


def _tensors(batch: Batch) -> list[Tensor]:
    found: list[Tensor] = []

    def collect(tensor: Tensor) -> Tensor:
        found.append(tensor)
        return tensor

    batch.map(collect)
    return found
