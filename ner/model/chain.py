"""Exact inference in a linear chain (Lafferty et al., 2001): functions of scores alone, independent of any network.

A sequence y of tags 1..K over emissions P scores

    s(P, y) = start[y_1] + sum_i P[i, y_i] + sum_i transitions[y_i, y_{i+1}] + end[y_n]

where transitions are [from, to], and a score of -inf forbids a start, an end or a transition. Emissions must be
finite. Sentences have at least one token, and their padding follows the real tokens. Totals over a sentence are in
double precision, since they can be large and their difference small; `viterbi` adds up in the emissions' own number
type, single precision as a rule, so that of two sequences whose scores differ by less than its rounding it may give
either.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ner.model.gather import look_up
from ner.shapes import Bool, Float, Int


class ChainScores(NamedTuple):
    """The scores that do not depend on the input: `start` and `end` (tag), `transitions` (tag from, tag to)."""

    start: Float[Tensor, " tag"]
    transitions: Float[Tensor, "tag tag"]
    end: Float[Tensor, " tag"]


def score(
    emissions: Float[Tensor, "batch token tag"],
    tags: Int[Tensor, "batch token"],
    mask: Bool[Tensor, "batch token"],
    scores: ChainScores,
) -> Float[Tensor, " batch"]:
    """The score s(P, y) of each sentence's tags."""
    emitted = emissions.gather(2, tags[:, :, None])[:, :, 0].double()
    pairs = tags[:, :-1] * len(scores.start) + tags[:, 1:]
    moved = look_up(pairs, scores.transitions.reshape(-1, 1))[:, :, 0].double()
    last = tags.gather(1, mask.sum(1, keepdim=True) - 1)[:, 0]
    return (
        scores.start[tags[:, 0]]
        + emitted.masked_fill(~mask, 0).sum(1)
        + moved.masked_fill(~mask[:, 1:], 0).sum(1)
        + scores.end[last]
    )


def log_partition(
    emissions: Float[Tensor, "batch token tag"], mask: Bool[Tensor, "batch token"], scores: ChainScores
) -> Float[Tensor, " batch"]:
    """log sum_y exp s(P, y) over all tag sequences of each sentence, in nats; differentiable once.

    On the CPU forward-backward runs in probability space, one matrix product per token, wherever `safe_dtype` proves
    that nothing underflows, otherwise in log space; on CUDA devices, which a proof would have to wait for, in log space
    always. Memory is linear in tokens x tags. Where every sequence is forbidden the value is -inf and its gradients
    are 0.
    """
    if (kernels := _kernels(emissions)) is not None:
        in_log_space: Tensor = kernels.log_partition(emissions, mask, *scores)
        return in_log_space
    dtype = None
    if not emissions.is_cuda:
        dtype = safe_dtype(emissions.detach(), mask, ChainScores(*(part.detach() for part in scores)))
    algorithm = _LogSpace if dtype is None else _Scaled
    value: Tensor = algorithm.apply(emissions, mask, *scores, dtype or torch.float64)  # type: ignore[no-untyped-call]
    return value


class Messages(NamedTuple):
    """Forward and backward messages, (token, batch, tag): what the tokens up to and after each say of its tag.

    With `log` applied, forward[t, k] + backward[t, k] is log p(y_t = k | P), and
    forward[t, j] + move[j, k] + observed[t + 1, k] + backward[t + 1, k] is log p(y_t = j, y_{t+1} = k | P). They are
    probabilities where those are safe (`log` is torch.log), else logarithms already (`log` is the identity).
    """

    forward: Float[Tensor, "token batch tag"]
    backward: Float[Tensor, "token batch tag"]
    observed: Float[Tensor, "token batch tag"]
    move: Float[Tensor, "tag tag"]
    log: Callable[[Tensor], Tensor]


@torch.no_grad()
def messages(
    emissions: Float[Tensor, "batch token tag"], mask: Bool[Tensor, "batch token"], scores: ChainScores
) -> Messages:
    """The messages of forward-backward. On padding, and where every sequence is forbidden, they mean nothing."""
    dtype = safe_dtype(emissions, mask, scores)
    if dtype is None:
        chain = _LogForward.run(emissions, mask, scores)
        return Messages(chain.forward, chain.backward(), chain.observed, chain.move, lambda logarithm: logarithm)
    scaled = _ScaledForward.run(emissions, mask, scores, dtype)
    return Messages(scaled.forward, scaled.backward()[0], scaled.observed / scaled.sums, scaled.move, torch.log)


def marginals(
    emissions: Float[Tensor, "batch token tag"], mask: Bool[Tensor, "batch token"], scores: ChainScores
) -> Float[Tensor, "batch token tag"]:
    """p(y_i = k | P), the gradient of the log partition by the emissions; 0 on padding.

    Where every sequence is forbidden, all are 0. Not differentiable; works in any of torch's modes.
    """
    forward, backward, *_, log = messages(emissions, mask, scores)
    products = forward * backward if log is torch.log else (forward + backward).exp()
    return products.transpose(0, 1).masked_fill(~mask[:, :, None], 0).to(emissions.dtype)


@torch.no_grad()
def viterbi(
    emissions: Float[Tensor, "batch token tag"], mask: Bool[Tensor, "batch token"], scores: ChainScores
) -> Int[Tensor, "batch token"]:
    """The tags of the highest score of each sentence; 0 on padding.

    No back-pointers are kept: the best path needs one arg-max per token, which is cheaper in the backward pass than
    for all tags in the forward pass. The forward pass runs over padding, the backward pass skips it.
    """
    if (kernels := _kernels(emissions)) is not None:
        tags: Tensor = kernels.viterbi(emissions, mask, *scores)
        return tags
    real, emissions = mask.T, _time_major(emissions)
    moves = scores.transitions[:, None, :].contiguous()
    by_target = scores.transitions.T.contiguous()
    best = torch.empty_like(emissions)
    torch.add(scores.start, emissions[0], out=best[0])
    reached = emissions.new_empty(len(moves), *emissions.shape[1:])  # the from-tag outermost: whole rows are compared
    for t in range(1, len(best)):
        torch.add(best[t - 1].T[:, :, None], moves, out=reached)
        torch.amax(reached, 0, out=best[t]).add_(emissions[t])
    last = mask.sum(1) - 1
    final = (best[last, torch.arange(len(mask), device=mask.device)] + scores.end).argmax(1)
    tag, path = final, [final]
    for t in range(len(best) - 1, 0, -1):
        previous = (best[t - 1] + by_target.index_select(0, tag)).argmax(1)
        tag = torch.where(real[t], previous, final)
        path.append(tag)
    return torch.stack(path[::-1], dim=1).masked_fill(~mask, 0)


def safe_dtype(
    emissions: Float[Tensor, "batch token tag"], mask: Bool[Tensor, "batch token"], scores: ChainScores
) -> torch.dtype | None:
    """The narrowest float type in which scaled forward-backward cannot underflow, None if there is none.

    Let S bound the gap between the best and the worst allowed score of one step, and let any tag lead to any other
    in m steps (1 without forbidden transitions, 3 for IOBES). A scaled forward probability of an allowed tag is then
    at least exp(-m S) / K^(m+1): some tag had at least 1/K m steps ago, each step on the path from it loses at most
    exp(-S), and each normaliser is at most K. Products before the next normalisation lose one step more. Where all
    starts, transitions or ends are forbidden, S is infinite.
    """
    steps = _mixing_steps(scores.transitions.isfinite())
    if steps is None:
        return None
    emitted = (emissions.amax(2) - emissions.amin(2)).masked_fill(~mask, 0).amax()
    edges = torch.stack([_gap(part) for part in scores]).amax()
    bound = (steps + 1) * float(emitted + edges) + (steps + 2) * math.log(emissions.shape[2])
    for dtype in (torch.float32, torch.float64):
        wide_enough = torch.finfo(dtype).bits >= torch.finfo(emissions.dtype).bits
        if wide_enough and bound < -math.log(torch.finfo(dtype).tiny):
            return dtype
    return None


def _kernels(emissions: Tensor) -> ModuleType | None:
    """`ner.kernels` where they apply: on a CUDA device with Triton, below double precision."""
    if not emissions.is_cuda or emissions.dtype == torch.float64:
        return None
    try:
        from ner import kernels
    except ImportError:  # torch has no Triton on some systems
        return None
    return kernels


def _gap(scores: Tensor) -> Tensor:
    """The difference of the highest and the lowest score that is not forbidden, infinite where all are."""
    return (scores.amax() - scores.masked_fill(scores.isneginf(), torch.inf).amin()).abs()


def _mixing_steps(allowed: Bool[Tensor, "tag tag"], *, most: int = 4) -> int | None:
    """The smallest number of allowed transitions that leads from any tag to any other, None above `most`."""
    step = allowed.float()
    reached = step
    for steps in range(1, most + 1):
        if bool((reached > 0).all()):
            return steps
        reached = ((reached @ step) > 0).float()
    return None


def _time_major(emissions: Float[Tensor, "batch token tag"]) -> Float[Tensor, "token batch tag"]:
    return emissions.transpose(0, 1).contiguous()


def _gradients(
    expected: Float[Tensor, "token batch tag"],
    by_transition: Float[Tensor, "tag tag"],
    by_end: Float[Tensor, " tag"],
    dtype: torch.dtype,
) -> tuple[Tensor | None, ...]:
    """One gradient for each argument of `forward`, the expected counts being those of the first four scores."""
    by_start = expected[0].sum(0)
    by_emission = expected.transpose(0, 1)
    return by_emission.to(dtype), None, by_start.to(dtype), by_transition.to(dtype), by_end.to(dtype), None


class _ScaledForward(NamedTuple):
    """The forward pass on probabilities, each step divided by its sum (Rabiner, 1989)."""

    steps: Bool[Tensor, "token batch 1"]
    observed: Float[Tensor, "token batch tag"]
    move: Float[Tensor, "tag tag"]
    last: Float[Tensor, " tag"]
    forward: Float[Tensor, "token batch tag"]
    sums: Float[Tensor, "token batch 1"]
    final: Float[Tensor, " batch"]
    offset: Float[Tensor, " batch"]  # what was taken off the scores, so that no probability is above 1

    @classmethod
    def run(cls, emissions: Tensor, mask: Tensor, scores: ChainScores, dtype: torch.dtype) -> _ScaledForward:
        steps = mask.T[:, :, None]
        peaks = emissions.amax(2, keepdim=True)
        observed = _time_major((emissions - peaks).to(dtype)).exp_()
        highest = [part.amax() for part in scores]
        first, move, last = ((part - high).to(dtype).exp() for part, high in zip(scores, highest, strict=True))

        forward = torch.empty_like(observed)
        sums = torch.ones_like(observed[:, :, :1])
        for t in range(len(observed)):
            reached = (forward[t - 1] @ move if t else first) * observed[t]
            torch.sum(reached, 1, keepdim=True, out=sums[t])
            torch.where(steps[t], reached.div_(sums[t]), forward[t - 1], out=forward[t])
        peak = peaks[:, :, 0].masked_fill(~mask, 0).sum(1, dtype=torch.float64)
        offset = peak + highest[0] + highest[1] * (mask.sum(1) - 1) + highest[2]
        return cls(steps, observed, move, last, forward, sums, forward[-1] @ last, offset)

    def log_partition(self) -> Float[Tensor, " batch"]:
        scaled = self.sums.log().masked_fill_(~self.steps, 0).sum((0, 2), dtype=torch.float64) + self.final.log()
        return scaled + self.offset

    def reachable(self) -> Float[Tensor, " batch"]:
        """`final`, by which messages are divided; infinite where nothing is possible, so that they become 0."""
        return self.final.masked_fill(self.final == 0, torch.inf)

    def backward(self) -> tuple[Float[Tensor, "token batch tag"], Float[Tensor, "token batch tag"]]:
        """The backward messages, and for each token but the first what it hands to the one before."""
        steps, backward = self.steps, torch.empty_like(self.forward)
        backward[-1] = self.last / self.reachable()[:, None]
        arrived = (self.observed / self.sums).masked_fill_(~steps, 0)
        returned = self.move.T.contiguous()
        for t in range(len(backward) - 1, 0, -1):
            arrived[t].mul_(backward[t])
            torch.where(steps[t], arrived[t] @ returned, backward[t], out=backward[t - 1])
        return backward, arrived


class _Scaled(torch.autograd.Function):
    """Forward-backward on probabilities with the analytic gradient."""

    @staticmethod
    def forward(
        ctx: Any, emissions: Tensor, mask: Tensor, start: Tensor, transitions: Tensor, end: Tensor, dtype: torch.dtype
    ) -> Tensor:
        passed = _ScaledForward.run(emissions, mask, ChainScores(start, transitions, end), dtype)
        ctx.save_for_backward(*passed)
        ctx.output_dtype = emissions.dtype
        return passed.log_partition()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        passed = _ScaledForward(*ctx.saved_tensors)
        forward, move = passed.forward, passed.move
        backward, arrived = passed.backward()
        weight = gradient.to(forward.dtype)[:, None]
        by_end = ((forward[-1] * passed.last) * (weight / passed.reachable()[:, None])).sum(0)
        expected = (forward * backward).mul_(weight).masked_fill_(~passed.steps, 0)
        arrived = arrived[1:].mul_(weight)
        by_transition = move * (forward[:-1].flatten(0, 1).T @ arrived.flatten(0, 1))
        return _gradients(expected, by_transition, by_end, ctx.output_dtype)


class _LogForward(NamedTuple):
    """The forward pass on logarithms in double precision."""

    steps: Bool[Tensor, "token batch 1"]
    observed: Float[Tensor, "token batch tag"]
    move: Float[Tensor, "tag tag"]
    last: Float[Tensor, " tag"]
    forward: Float[Tensor, "token batch tag"]
    total: Float[Tensor, " batch"]

    @classmethod
    def run(cls, emissions: Tensor, mask: Tensor, scores: ChainScores) -> _LogForward:
        steps = mask.T[:, :, None]
        observed = _time_major(emissions.double())
        first, move, last = (part.double() for part in scores)
        forward = torch.empty_like(observed)
        forward[0] = first + observed[0]
        for t in range(1, len(observed)):
            reached = (forward[t - 1, :, :, None] + move).logsumexp(1).add_(observed[t])
            torch.where(steps[t], reached, forward[t - 1], out=forward[t])
        return cls(steps, observed, move, last, forward, (forward[-1] + last).logsumexp(1))

    def possible(self) -> Float[Tensor, " batch"]:
        """`total`, which messages are divided by, and 0 where nothing is possible, so that none becomes NaN."""
        return self.total.masked_fill(self.total.isneginf(), 0)

    def backward(self) -> Float[Tensor, "token batch tag"]:
        """The backward messages."""
        backward = torch.empty_like(self.forward)
        backward[-1] = self.last - self.possible()[:, None]
        for t in range(len(backward) - 1, 0, -1):
            arrived = self.move + (self.observed[t] + backward[t])[:, None, :]
            torch.where(self.steps[t], arrived.logsumexp(2), backward[t], out=backward[t - 1])
        return backward


class _LogSpace(torch.autograd.Function):
    """Forward-backward on logarithms: exact at any scale of scores, and slower."""

    @staticmethod
    def forward(
        ctx: Any, emissions: Tensor, mask: Tensor, start: Tensor, transitions: Tensor, end: Tensor, dtype: torch.dtype
    ) -> Tensor:
        passed = _LogForward.run(emissions, mask, ChainScores(start, transitions, end))
        ctx.save_for_backward(*passed)
        ctx.output_dtype = emissions.dtype
        return passed.total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        passed = _LogForward(*ctx.saved_tensors)
        forward, observed, move = passed.forward, passed.observed, passed.move
        backward, weight = passed.backward(), gradient.to(passed.forward.dtype)[:, None]
        by_transition = torch.zeros_like(move)
        for t in range(len(forward) - 1, 0, -1):
            arrived = move + (observed[t] + backward[t])[:, None, :]
            pairs = (forward[t - 1, :, :, None] + arrived).exp_().masked_fill_(~passed.steps[t, :, :, None], 0)
            by_transition += (pairs * weight[:, :, None]).sum(0)
        expected = (forward + backward).exp_().mul_(weight).masked_fill_(~passed.steps, 0)
        by_end = ((forward[-1] + passed.last - passed.possible()[:, None]).exp_() * weight).sum(0)
        return _gradients(expected, by_transition, by_end, ctx.output_dtype)
