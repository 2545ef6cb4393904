"""Kernels for CUDA devices: exact inference in a linear chain, as in `ner.model.chain`, one kernel a pass.

The kernels are in Triton, which comes with torch where torch can use a CUDA device. One program takes one sentence.
Everything is in log space, single precision, and each message is kept below 0 by taking off its highest value, whose
sum is in double precision: exact at any scale of scores, so that nothing has to be asked of the device beforehand.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

from ner.shapes import Bool, Float, Int


def log_partition(
    emissions: Float[Tensor, "batch token tag"],
    mask: Bool[Tensor, "batch token"],
    start: Float[Tensor, " tag"],
    transitions: Float[Tensor, "tag tag"],
    end: Float[Tensor, " tag"],
) -> Float[Tensor, " batch"]:
    """`ner.model.chain.log_partition`: in nats, double precision; differentiable once."""
    value: Tensor = _LogPartition.apply(emissions, mask, start, transitions, end)  # type: ignore[no-untyped-call]
    return value


def viterbi(
    emissions: Float[Tensor, "batch token tag"],
    mask: Bool[Tensor, "batch token"],
    start: Float[Tensor, " tag"],
    transitions: Float[Tensor, "tag tag"],
    end: Float[Tensor, " tag"],
) -> Int[Tensor, "batch token"]:
    """`ner.model.chain.viterbi`: the tags of the highest score of each sentence; 0 on padding."""
    chain = _Chain(emissions, mask, start, transitions, end)
    best = torch.empty_like(chain.emissions)
    tags = torch.zeros(mask.shape, dtype=torch.int64, device=mask.device)
    chain.launch(_best_kernel, best)
    chain.launch(_path_kernel, best, tags)
    return tags


class _Chain:
    """What every kernel reads, laid out as it expects it."""

    def __init__(self, emissions: Tensor, mask: Tensor, start: Tensor, transitions: Tensor, end: Tensor) -> None:
        self.emissions = emissions.float().contiguous()
        self.lengths = mask.sum(1)
        self.scores = [part.float().contiguous() for part in (start, transitions, end)]

    def launch(self, kernel: Any, *results: Tensor) -> None:
        batch, tokens, tags = self.emissions.shape
        block = max(triton.next_power_of_2(tags), 16)
        warps = max(1, min(16, block * block // 1024))
        kernel[(batch,)](
            self.emissions, self.lengths, *self.scores, *results, tokens, tags, BLOCK=block, num_warps=warps
        )


class _LogPartition(torch.autograd.Function):
    """Forward-backward with the analytic gradient: the expected counts of tags and of pairs of tags."""

    @staticmethod
    def forward(ctx: Any, emissions: Tensor, mask: Tensor, start: Tensor, transitions: Tensor, end: Tensor) -> Tensor:
        chain = _Chain(emissions, mask, start, transitions, end)
        forward = torch.empty_like(chain.emissions)
        totals = torch.empty(len(mask), dtype=torch.float64, device=mask.device)
        chain.launch(_forward_kernel, forward, totals)
        ctx.chain, ctx.dtypes = chain, (emissions.dtype, start.dtype)
        ctx.save_for_backward(forward)
        return totals

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        chain, (forward,) = ctx.chain, ctx.saved_tensors
        batch, _, tags = forward.shape
        expected = torch.zeros_like(forward)
        pairs = torch.empty(batch, tags, tags, device=forward.device)
        chain.launch(_backward_kernel, forward, gradient.float().contiguous(), expected, pairs)
        last = expected.gather(1, (chain.lengths - 1)[:, None, None].expand(-1, 1, tags))[:, 0]
        dtype, scores_dtype = ctx.dtypes
        by_score = (counts.sum(0).to(scores_dtype) for counts in (expected[:, 0], pairs, last))
        return expected.to(dtype), None, *by_score


@triton.jit
def _load(places, inside):
    """The scores there; -inf beyond the tags."""
    return tl.load(places, mask=inside, other=float("-inf"))


@triton.jit
def _load_moves(pointer, tag, tags):
    """(from, to)"""
    return _load(pointer + tag[:, None] * tags + tag[None, :], (tag[:, None] < tags) & (tag[None, :] < tags))


@triton.jit
def _highest(values):
    """The highest value, 0 where all are -inf: what to take off before exp."""
    top = tl.max(values, 0)
    return tl.where(top == float("-inf"), 0.0, top)


@triton.jit(do_not_specialize=["tokens"])
def _forward_kernel(emissions, lengths, start, moves, end, forward, totals, tokens, tags, BLOCK: tl.constexpr):
    sentence = tl.program_id(0).to(tl.int64)
    length = tl.load(lengths + sentence)
    tag = tl.arange(0, BLOCK)
    inside = tag < tags
    move = _load_moves(moves, tag, tags)
    row = sentence * tokens * tags + tag
    message = _load(start + tag, inside) + _load(emissions + row, inside)
    top = _highest(message)
    total = top.to(tl.float64)
    message -= top
    tl.store(forward + row, message, mask=inside)
    for _ in range(1, length):
        row += tags
        sums = message[:, None] + move
        peaks = tl.max(sums, 0)
        peaks = tl.where(peaks == float("-inf"), 0.0, peaks)
        reached = tl.log(tl.sum(tl.exp(sums - peaks[None, :]), 0)) + peaks
        message = reached + _load(emissions + row, inside)
        top = _highest(message)
        total += top.to(tl.float64)
        message -= top
        tl.store(forward + row, message, mask=inside)
    message += _load(end + tag, inside)
    top = _highest(message)
    total += (top + tl.log(tl.sum(tl.exp(message - top), 0))).to(tl.float64)
    tl.store(totals + sentence, total)


@triton.jit(do_not_specialize=["tokens"])
def _backward_kernel(
    emissions, lengths, start, moves, end, forward, gradient, expected, pairs, tokens, tags, BLOCK: tl.constexpr
):
    sentence = tl.program_id(0).to(tl.int64)
    length = tl.load(lengths + sentence)
    weight = tl.load(gradient + sentence)
    tag = tl.arange(0, BLOCK)
    inside = tag < tags
    move = _load_moves(moves, tag, tags)
    row = (sentence * tokens + length - 1) * tags + tag
    message = _load(end + tag, inside)
    joint = message + _load(forward + row, inside)
    shares = tl.exp(joint - _highest(joint))
    whole = tl.sum(shares, 0)
    scale = weight / tl.where(whole == 0.0, 1.0, whole)
    tl.store(expected + row, shares * scale, mask=inside)
    counts = tl.zeros((BLOCK, BLOCK), tl.float32)
    for _ in range(1, length):
        arrived = message + _load(emissions + row, inside)
        row -= tags
        sums = move + arrived[None, :]
        peaks = tl.max(sums, 1)
        peaks = tl.where(peaks == float("-inf"), 0.0, peaks)
        parts = tl.exp(sums - peaks[:, None])
        returned = tl.log(tl.sum(parts, 1)) + peaks
        before = _load(forward + row, inside)
        joint = before + returned
        top = _highest(joint)
        shares = tl.exp(joint - top)
        whole = tl.sum(shares, 0)
        scale = weight / tl.where(whole == 0.0, 1.0, whole)
        tl.store(expected + row, shares * scale, mask=inside)
        counts += parts * (tl.exp(before + peaks - top) * scale)[:, None]
        message = returned - _highest(returned)
    square = tag[:, None] * tags + tag[None, :]
    both = (tag[:, None] < tags) & (tag[None, :] < tags)
    tl.store(pairs + sentence * tags * tags + square, counts, mask=both)


@triton.jit(do_not_specialize=["tokens"])
def _best_kernel(emissions, lengths, start, moves, end, best, tokens, tags, BLOCK: tl.constexpr):
    sentence = tl.program_id(0).to(tl.int64)
    length = tl.load(lengths + sentence)
    tag = tl.arange(0, BLOCK)
    inside = tag < tags
    move = _load_moves(moves, tag, tags)
    row = sentence * tokens * tags + tag
    message = _load(start + tag, inside) + _load(emissions + row, inside)
    tl.store(best + row, message, mask=inside)
    for _ in range(1, length):
        row += tags
        message = tl.max(message[:, None] + move, 0) + _load(emissions + row, inside)
        tl.store(best + row, message, mask=inside)


@triton.jit(do_not_specialize=["tokens"])
def _path_kernel(emissions, lengths, start, moves, end, best, path, tokens, tags, BLOCK: tl.constexpr):
    sentence = tl.program_id(0).to(tl.int64)
    length = tl.load(lengths + sentence)
    tag = tl.arange(0, BLOCK)
    inside = tag < tags
    row = (sentence * tokens + length - 1) * tags + tag
    place = path + sentence * tokens + length - 1
    message = _load(best + row, inside) + _load(end + tag, inside)
    chosen = tl.argmax(message, 0)
    tl.store(place, chosen)
    for _ in range(1, length):
        row -= tags
        place -= 1
        into = _load(moves + tag * tags + chosen, inside)
        chosen = tl.argmax(_load(best + row, inside) + into, 0)
        tl.store(place, chosen)
