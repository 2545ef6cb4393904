"""Two lanes: on the CPU, computations that do not need each other run side by side, each in a thread of its own.

torch shares out every single operation among its threads, which is too little work for each where batches are small:
over 10 sentences, the two directions of an LSTM take 0.8 of the time of one thread on two, and 0.6 in two lanes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ner.shapes import Float

Item = TypeVar("Item")
Result = TypeVar("Result")

THREADS_OF_TORCH = torch.get_num_threads()
"""How many torch takes where nobody says."""

_threads = 1
_here = threading.local()


def share_threads(threads: int | None) -> None:
    """Use so many threads of the CPU, or as many as torch takes: from two on in two lanes of half of them.

    Raises:
        ValueError: for a number below 1.
    """
    global _threads  # of the process, as is torch's own number
    threads = THREADS_OF_TORCH if threads is None else threads
    if threads < 1:
        raise ValueError(f"threads must be at least 1, or null, not {threads}")
    _threads = threads
    torch.set_num_threads(_threads_of_a_lane())


def num_threads() -> int:
    """Those of both lanes together."""
    return _threads


def has_two_lanes(device: torch.device) -> bool:
    """Whether there is another lane here; inside of one there is not, and there is none on other devices."""
    return _threads > 1 and device.type == "cpu" and not hasattr(_here, "is_lane")


def in_lanes(function: Callable[[Item], Result], items: Sequence[Item], *, device: torch.device) -> list[Result]:
    """The function of every item, in their order. It has to set torch's modes itself, which are a thread's own.

    Autocast is as it is here.
    """
    if len(items) < 2 or not has_two_lanes(device):
        return [function(item) for item in items]
    results: list[Any] = [None] * len(items)
    waiting = iter(range(len(items)))  # the next item goes to the lane that is ready for it

    def run_lane() -> None:
        if getattr(_here, "threads", None) != _threads:  # a new thread has all of OpenMP's until it is told
            torch.set_num_threads(_threads_of_a_lane())
            _here.threads = _threads
        _here.is_lane = True
        try:
            for number in waiting:
                results[number] = function(items[number])
        finally:
            del _here.is_lane

    def run_other_lane() -> None:
        with torch.autocast("cpu", number_type, enabled=is_autocast, cache_enabled=False):
            run_lane()

    is_autocast, number_type = torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")
    other = _other_thread().submit(run_other_lane)
    try:
        run_lane()
    finally:
        wait([other])
    other.result()
    return results


def run_recurrences(
    modules: Sequence[nn.RNNBase], features: Sequence[Float[Tensor, "_ _ input"]]
) -> Sequence[Float[Tensor, "_ _ hidden"]]:
    """The states of each of torch's recurrences over its features, (batch, token, hidden) each.

    In training, where there are two lanes, they are computed in them, and so are their gradients. Both are the same,
    bit for bit, as in one: a parameter that several modules share has their gradients added up in the same order.
    """
    if features[0].device.type == "cpu" and torch.is_autocast_enabled("cpu"):
        # Given float32, autocast asks oneDNN for an LSTM that only processors with the instructions have.
        features = [given.to(torch.get_autocast_dtype("cpu")) for given in features]
    if not (torch.is_grad_enabled() and has_two_lanes(features[0].device)):
        return [module(given)[0] for module, given in zip(modules, features, strict=True)]
    parameters = [parameter for module in reversed(modules) for parameter in module.parameters()]  # as autograd goes
    states: Sequence[Tensor] = _InLanes.apply(modules, *features, *parameters)  # type: ignore[no-untyped-call]
    return states


class _InLanes(torch.autograd.Function):
    """A graph for each module, built and gone through backwards in its lane.

    These inner graphs are out of the reach of autograd's own and of `torch.compile`, which with `threads=1` meets plain
    modules. They are worth it: measured in turn, on two cores that others used too, a training step of the paper's
    model takes 0.76 (10 sentences), 0.74 (32) and 0.95 (128) of its time with one thread, where torch's own two threads
    took several times as long; without them training would have no use for a second thread. They are kept for as long
    as autograd keeps this node, so that `retain_graph` has its meaning; second derivatives are refused.
    """

    @staticmethod
    def forward(ctx: Any, modules: Sequence[nn.RNNBase], *tensors: Tensor) -> tuple[Tensor, ...]:
        def run(number: int) -> tuple[Tensor, Tensor]:
            with torch.enable_grad():
                given = tensors[number].detach().requires_grad_()
                return given, modules[number](given)[0]

        ctx.modules, ctx.graphs = modules, in_lanes(run, range(len(modules)), device=tensors[0].device)
        return tuple(states.detach() for _, states in ctx.graphs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        def run(number: int) -> tuple[Tensor, ...]:
            given, states = ctx.graphs[number]
            inputs = (given, *ctx.modules[number].parameters())
            return torch.autograd.grad(states, inputs, gradients[number], retain_graph=True)

        found = in_lanes(run, range(len(ctx.graphs)), device=gradients[0].device)
        return None, *(own[0] for own in found), *(gradient for own in reversed(found) for gradient in own[1:])


def _threads_of_a_lane() -> int:
    return max(_threads // 2, 1)


@cache
def _other_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="lane")
