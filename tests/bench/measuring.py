"""What the benchmarks share: options, rows, and times taken in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
from torch import Tensor

from ner.threads import num_threads, share_threads


@dataclass(frozen=True, kw_only=True)
class Options:
    """How much is measured; `sentences` is the size of an epoch, `repeat` the number of turns."""

    repeat: int = 3
    sentences: int = 640
    batch_sizes: tuple[int, ...] = (10, 32, 128)
    multiples: tuple[int, ...] = (1, 2, 4, 8)
    lengths: tuple[int, ...] = (10, 30, 100, 300, 1000)
    tokens: int = 10_000  # of all sentences of one length
    prepared: Path | None = None  # a prepared corpus in place of synthetic sentences
    ontonotes: Path | None = None  # CoNLL-2012 files in place of the sample
    vectors: Path | None = None  # word vectors to train with
    recipe: tuple[str, ...] = ("experiment=ontonotes",)  # overrides of a training that is timed until it scores so much
    scores: tuple[float, ...] = (85.0, 85.5, 86.0)  # F1 in per cent
    minutes: float = 60.0  # after which the released code is stopped
    released: Path | None = None  # a clone of the paper's released code
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table.

    `ratio` is the median over the turns of how many times as fast as `peer` we were, None where nothing is compared;
    `also` has what else was measured of the same thing, by unit; `note` says what a reader has to know, such as how to
    install a peer that is missing.
    """

    what: str
    settings: str
    value: float
    unit: str
    peer: str = ""
    peer_value: float | None = None
    ratio: float | None = None
    also: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Comparison:
    """Median seconds of ours and of the peer, and the median of their ratios turn by turn."""

    ours: float
    peer: float
    ratio: float


def compare(
    ours: Callable[[], object], peer: Callable[[], object], *, repeat: int, in_lanes: bool = False
) -> Comparison:
    """Time both in turn (A B A B), after a turn that does not count.

    A machine that others use is slower at one time than at another; it is then so for both. The peer has all threads
    for each of torch's operations, which we share between two lanes; `in_lanes`, so does the peer.
    """
    time_peer = seconds if in_lanes else seconds_with_all_threads
    turns = [(seconds(ours), time_peer(peer)) for _ in range(repeat + 1)][1:]
    return Comparison(
        median(mine for mine, _ in turns), median(other for _, other in turns), median(b / a for a, b in turns)
    )


def compare_rates(
    ours: Callable[[], object],
    peer: Callable[[], object] | None,
    *,
    what: str,
    settings: str,
    peer_name: str,
    amount: int,
    repeat: int,
    missing: str = "",
    unit: str = "tokens/s",
    in_lanes: bool = False,
) -> Row:
    """A row of how much of an `amount` is done in a second; without a peer, `missing` says how to get it."""
    if peer is None:
        rate = amount / median_seconds(ours, repeat=repeat)
        return Row(what=what, settings=settings, value=rate, unit=unit, peer=peer_name, note=missing)
    times = compare(ours, peer, repeat=repeat, in_lanes=in_lanes)
    return Row(
        what=what,
        settings=settings,
        value=amount / times.ours,
        unit=unit,
        peer=peer_name,
        peer_value=amount / times.peer,
        ratio=times.ratio,
    )


def median_seconds(function: Callable[[], object], *, repeat: int) -> float:
    return median([seconds(function) for _ in range(repeat + 1)][1:])


def seconds(function: Callable[[], object]) -> float:
    wait_for_device()
    start = perf_counter()
    function()
    wait_for_device()
    return perf_counter() - start


def seconds_with_all_threads(function: Callable[[], object]) -> float:
    threads, shared = num_threads(), torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return seconds(function)
    finally:
        torch.set_num_threads(shared)


def wait_for_device() -> None:
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


def assert_equal(ours: Iterable[Tensor], peer: Iterable[Tensor], *, what: str, tolerance: float = 1e-4) -> None:
    """Refuse to time things that are not the same: tensors must agree to `tolerance` of their norm.

    Raises:
        AssertionError: naming `what`, with the difference.
    """
    for mine, other in zip(ours, peer, strict=True):
        mine, other = mine.detach().double(), other.detach().double()
        difference = float((mine - other).norm() / other.norm().clamp(min=1e-30))
        if not difference <= tolerance:
            raise AssertionError(f"{what}: ours differs from the peer by {difference:.1e} of its norm")


def saved_bytes(function: Callable[[], object]) -> int:
    """Bytes of the distinct storages that autograd keeps for the backward pass of what the function computes.

    In one lane, since hooks are those of a thread.
    """
    storages: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        storages[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    threads = num_threads()
    share_threads(1)
    try:
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            function()
    finally:
        share_threads(threads)
    return sum(tensor.untyped_storage().nbytes() for tensor in storages.values())
