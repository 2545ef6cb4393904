"""Data-parallel workers: each has its part of every batch and one thread, and all take the same step.

The gradients of all parts are added up, so that a step is that of one worker with the whole batch, but for rounding and
for the draws of dropout. Weights and the state of the optimiser are therefore the same everywhere, and never sent. The
first worker is the one that writes.

Workers on one machine are started by the first (`gathered`); those that torchrun starts find each other by its
variables, and may be on several machines that share the directories of the corpus and of the run.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from ner.shapes import Float, Int

Given = TypeVar("Given")

WAIT = timedelta(hours=12)
"""For one that prepares a corpus. A worker that ends is noticed at once."""
PATIENCE = 1.0
"""Seconds in which one that has ended can be heard."""
BACKEND = "cpu:gloo,cuda:nccl"


class WorkerLost(RuntimeError):
    """Another worker has ended before its time."""


class Workers:
    """One of several workers, by its rank, and what it does with the others; by itself, nothing."""

    def __init__(self, rank: int = 0, number: int = 1) -> None:
        self.rank = rank
        self.number = number

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    def part(self, items: Int[Tensor, " item"]) -> Int[Tensor, " part"]:
        """Every so-manieth item; the first one for a worker without any (see `has_part`), so that it has gradients."""
        own = items[self.rank :: self.number]
        return own if len(own) else items[:1]

    def has_part(self, items: Int[Tensor, " item"]) -> bool:
        """Whether there are enough items for this worker to have one."""
        return self.rank < len(items)

    def add_up_gradients(self, parameters: Iterable[Tensor], loss: Float[Tensor, ""]) -> Float[Tensor, ""]:
        """Replace gradients by their sums over all workers, and return the sum of the losses.

        Each worker has gradients of the same parameters. Those that are sparse get the rows of all of them.
        """
        if self.number == 1:
            return loss
        given = [parameter for parameter in parameters if parameter.grad is not None]
        dense = [parameter for parameter in given if not _gradient(parameter).is_sparse]
        sparse = [parameter for parameter in given if _gradient(parameter).is_sparse]
        rows = loss.new_zeros(len(sparse), self.number)
        for own, parameter in zip(rows, sparse, strict=True):
            own[self.rank] = _gradient(parameter)._nnz()
        flat = torch.cat([loss.reshape(1), rows.flatten(), *(_gradient(parameter).flatten() for parameter in dense)])
        _together(dist.all_reduce, flat)
        total, rows, *sums = torch.split(flat, [1, rows.numel(), *(parameter.numel() for parameter in dense)])
        for parameter, gradient in zip(dense, sums, strict=True):
            parameter.grad = gradient.view_as(parameter)
        for parameter, counts in zip(sparse, rows.view(-1, self.number).long().tolist(), strict=True):
            parameter.grad = self._rows_of_all(_gradient(parameter), counts)
        return total[0]

    def add_up(self, values: Tensor) -> None:
        """Replace values by their sums over all workers."""
        if self.number > 1:
            _together(dist.all_reduce, values)

    def from_first(self, value: Given) -> Given:
        """What the first worker gives here."""
        if self.number == 1:
            return value
        content = [value]
        _together(dist.broadcast_object_list, content)
        return content[0]

    def weights_from_first(self, module: nn.Module) -> None:
        """Take over all that the first worker's module holds."""
        if self.number > 1:
            for tensor in module.state_dict().values():
                _together(dist.broadcast, tensor, 0)

    def of_all(self, value: Given) -> list[Given]:
        """What each worker gives here, by rank."""
        if self.number == 1:
            return [value]
        found: list[Any] = [None] * self.number
        _together(dist.all_gather_object, found, value)
        return found

    def _rows_of_all(self, gradient: Tensor, counts: list[int]) -> Tensor:
        indices, values = gradient._indices()[0], gradient._values()
        own = values.new_zeros(max(counts), values.shape[1] + 1)
        own[: len(values), 0] = indices  # exact in float32: a vocabulary has fewer than 2**24 words
        own[: len(values), 1:] = values
        found = [torch.empty_like(own) for _ in counts]
        _together(dist.all_gather, found, own)
        rows = torch.cat([part[:count] for part, count in zip(found, counts, strict=True)])
        return torch.sparse_coo_tensor(
            rows[:, 0].long()[None], rows[:, 1:], gradient.shape, check_invariants=False, is_coalesced=False
        )


ALONE = Workers()


def rank_under_torchrun() -> int | None:
    """The rank of this process among those that torchrun has started; None where it has not."""
    return int(os.environ["RANK"]) if dist.is_torchelastic_launched() else None


def number_under_torchrun() -> int | None:
    """How many workers torchrun has started; None where it has not."""
    return int(os.environ["WORLD_SIZE"]) if dist.is_torchelastic_launched() else None


def local_rank(rank: int) -> int:
    """Which of the machine's devices is the worker's own."""
    return int(os.environ.get("LOCAL_RANK", rank))


@contextmanager
def gathered(number: int, follow: Callable[..., object], *arguments: object) -> Iterator[Workers]:
    """This process among so many workers, which torchrun has started, or which are started here and ended.

    Args:
        follow: what each further worker does, a function of the `Workers` and the arguments; started by the name of its
            module, so that both are pickled.

    Raises:
        WorkerLost: where a worker has ended and did not say of what. What one raises is raised here.
    """
    if (rank := rank_under_torchrun()) is not None:
        with _connected(Workers(rank, int(os.environ["WORLD_SIZE"])), "env://") as workers:
            yield workers
        return
    if number == 1:
        yield ALONE
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = f"file://{Path(folder, 'workers')}"
        with _others(number, place, follow, arguments), _connected(Workers(0, number), place) as workers:
            yield workers


@contextmanager
def _connected(workers: Workers, place: str) -> Iterator[Workers]:
    backend = BACKEND if dist.is_nccl_available() and torch.cuda.is_available() else "gloo"
    _together(
        dist.init_process_group,
        backend,
        init_method=place,
        rank=workers.rank,
        world_size=workers.number,
        timeout=WAIT,
    )
    try:
        yield workers
    finally:
        dist.destroy_process_group()


@contextmanager
def _others(number: int, place: str, follow: Callable[..., object], arguments: tuple[object, ...]) -> Iterator[None]:
    """All workers but the first, each in a process of its own, which does not outlive this context."""
    context = get_context("spawn")
    processes: list[BaseProcess] = []
    errors: list[Connection] = []
    try:
        with _ctrl_c_is_for_the_first():
            for rank in range(1, number):
                receiver, sender = context.Pipe(duplex=False)
                errors.append(receiver)
                given = (Workers(rank, number), place, sender, follow, arguments)
                processes.append(context.Process(target=_follow, args=given, daemon=True))
                processes[-1].start()
                sender.close()
        for receiver in errors:
            _report(receiver)  # that it is ready to connect
        yield
        for process in processes:
            process.join()
    except WorkerLost:
        for receiver in errors:
            if receiver.poll(PATIENCE):
                _report(receiver)
        raise
    finally:
        for process in processes:
            process.kill()
            process.join()


def _report(receiver: Connection) -> None:
    """Hear what a worker says: nothing, or why it has ended, which is raised."""
    try:
        error = receiver.recv()
    except EOFError:
        raise WorkerLost("a worker was ended from outside: was there memory enough for all of them?") from None
    if error is not None:
        raise error from None


def _follow(
    workers: Workers, place: str, sender: Connection, follow: Callable[..., object], arguments: tuple[object, ...]
) -> None:
    try:
        sender.send(None)
        with _connected(workers, place):
            follow(workers, *arguments)
    except WorkerLost:  # the first one says of what
        sys.exit(1)
    except Exception as error:
        if not isinstance(error, ValueError | OSError | FloatingPointError):
            traceback.print_exc()
        sender.send(error)
        sys.exit(1)


@contextmanager
def _ctrl_c_is_for_the_first() -> Iterator[None]:
    """Processes that are started here ignore Ctrl-C, which the terminal tells all of them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def _together(function: Callable[..., object], *arguments: object, **options: object) -> None:
    """Do what all workers have to take part in.

    Raises:
        WorkerLost: where one did not.
    """
    try:
        function(*arguments, **options)
    except RuntimeError as error:
        raise WorkerLost("another worker has ended before its time, and says why") from error


def _gradient(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad
