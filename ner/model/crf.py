"""Linear-chain conditional random field (Lafferty et al., 2001): exact inference, and the layer that learns its scores.

The algorithms are functions of scores alone. A sequence y of tags 1..K over emissions P scores

    s(P, y) = start[y_1] + sum_i P[i, y_i] + sum_i transitions[y_i, y_{i+1}] + end[y_n]

where transitions are [from, to], and a score of -inf forbids a start, an end or a transition. Emissions must be
finite. Sentences have at least one token, and their padding follows the real tokens. Totals over a sentence are in
double precision, since they can be large and their difference small.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import embedding

from ner.corpus.tags import LegalTransitions
from ner.model.decoder import Decoder, check_constraints
from ner.shapes import Bool, Float, Int

CONSTRAINTS = ("none", "decoding", "training")


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
    moved = embedding(pairs, scores.transitions.reshape(-1, 1))[:, :, 0].double()
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

    Forward-backward runs in probability space, one matrix product a token, wherever `_safe_dtype` proves that
    nothing underflows, otherwise in log space. Memory is linear in tokens x tags.
    """
    dtype = _safe_dtype(emissions.detach(), mask, ChainScores(*(part.detach() for part in scores)))
    algorithm = _LogSpace if dtype is None else _Scaled
    value: Tensor = algorithm.apply(emissions, mask, *scores, dtype or torch.float64)  # type: ignore[no-untyped-call]
    return value


def marginals(
    emissions: Float[Tensor, "batch token tag"], mask: Bool[Tensor, "batch token"], scores: ChainScores
) -> Float[Tensor, "batch token tag"]:
    """p(y_i = k | P), the gradient of the log partition by the emissions; 0 on padding."""
    with torch.enable_grad():
        leaf = emissions.detach().requires_grad_()
        total = log_partition(leaf, mask, ChainScores(*(part.detach() for part in scores))).sum()
    (gradient,) = torch.autograd.grad(total, leaf)
    return gradient


@torch.no_grad()
def viterbi(
    emissions: Float[Tensor, "batch token tag"], mask: Bool[Tensor, "batch token"], scores: ChainScores
) -> Int[Tensor, "batch token"]:
    """The tags of the highest score of each sentence; 0 on padding.

    No back-pointers are kept: the best path needs one arg-max a token, which is cheaper taken on the way back than
    for all tags on the way forth. Padding is passed over on the way back only.
    """
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


def _safe_dtype(
    emissions: Float[Tensor, "batch token tag"], mask: Bool[Tensor, "batch token"], scores: ChainScores
) -> torch.dtype | None:
    """The narrowest float type in which scaled forward-backward cannot underflow, None if there is none.

    Let S bound the gap between the best and the worst allowed score of one step, and let any tag lead to any other
    in m steps (1 without forbidden transitions, 3 for IOBES). A scaled forward probability of an allowed tag is then
    at least exp(-m S) / K^(m+1): some tag had at least 1/K m steps ago, each step on the path from it loses at most
    exp(-S), and each normaliser is at most K. Products before the next normalisation lose one step more.
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


def _gap(scores: Tensor) -> Tensor:
    """The difference of the highest and the lowest score that is not forbidden."""
    return scores.amax() - scores.masked_fill(scores.isneginf(), torch.inf).amin()


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


class _Scaled(torch.autograd.Function):
    """Forward-backward on probabilities, each step divided by its sum (Rabiner, 1989), with the analytic gradient."""

    @staticmethod
    def forward(
        ctx: Any, emissions: Tensor, mask: Tensor, start: Tensor, transitions: Tensor, end: Tensor, dtype: torch.dtype
    ) -> Tensor:
        steps = mask.T[:, :, None]
        peaks = emissions.amax(2, keepdim=True)
        observed = _time_major((emissions - peaks).to(dtype)).exp_()
        highest = [part.amax() for part in (start, transitions, end)]
        first, move, last = (
            (part - high).to(dtype).exp() for part, high in zip((start, transitions, end), highest, strict=True)
        )

        forward = torch.empty_like(observed)
        sums = torch.ones_like(observed[:, :, :1])
        for t in range(len(observed)):
            reached = (forward[t - 1] @ move if t else first) * observed[t]
            torch.sum(reached, 1, keepdim=True, out=sums[t])
            torch.where(steps[t], reached.div_(sums[t]), forward[t - 1], out=forward[t])
        final = forward[-1] @ last

        ctx.save_for_backward(mask, observed, move, last, forward, sums, final)
        ctx.output_dtype = emissions.dtype
        scaled = sums.log().masked_fill_(~steps, 0).sum((0, 2), dtype=torch.float64) + final.log()
        peak = peaks[:, :, 0].masked_fill(~mask, 0).sum(1, dtype=torch.float64)
        return scaled + peak + highest[0] + highest[1] * (mask.sum(1) - 1) + highest[2]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        mask, observed, move, last, forward, sums, final = ctx.saved_tensors
        steps = mask.T[:, :, None]
        backward = torch.empty_like(forward)
        backward[-1] = last / final[:, None]
        arrived = (observed / sums).masked_fill_(~steps, 0)
        returned = move.T.contiguous()
        for t in range(len(forward) - 1, 0, -1):
            arrived[t].mul_(backward[t])
            torch.where(steps[t], arrived[t] @ returned, backward[t], out=backward[t - 1])
        weight = gradient.to(forward.dtype)[:, None]
        by_end = ((forward[-1] * last) * (weight / final[:, None])).sum(0)
        expected = (forward * backward).mul_(weight).masked_fill_(~steps, 0)
        arrived = arrived[1:].mul_(weight)
        by_transition = move * (forward[:-1].flatten(0, 1).T @ arrived.flatten(0, 1))
        return _gradients(expected, by_transition, by_end, ctx.output_dtype)


class _LogSpace(torch.autograd.Function):
    """Forward-backward on logarithms in double precision: exact at any scale of scores, and slower."""

    @staticmethod
    def forward(
        ctx: Any, emissions: Tensor, mask: Tensor, start: Tensor, transitions: Tensor, end: Tensor, dtype: torch.dtype
    ) -> Tensor:
        steps = mask.T[:, :, None]
        observed = _time_major(emissions.to(dtype))
        first, move, last = (part.to(dtype) for part in (start, transitions, end))
        forward = torch.empty_like(observed)
        forward[0] = first + observed[0]
        for t in range(1, len(observed)):
            reached = (forward[t - 1, :, :, None] + move).logsumexp(1).add_(observed[t])
            torch.where(steps[t], reached, forward[t - 1], out=forward[t])
        total = (forward[-1] + last).logsumexp(1)
        ctx.save_for_backward(mask, observed, move, last, forward, total)
        ctx.output_dtype = emissions.dtype
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        mask, observed, move, last, forward, total = ctx.saved_tensors
        steps = mask.T[:, :, None]
        weight = gradient.to(forward.dtype)[:, None]
        backward = torch.empty_like(forward)
        backward[-1] = last - total[:, None]
        by_transition = torch.zeros_like(move)
        for t in range(len(forward) - 1, 0, -1):
            arrived = move + (observed[t] + backward[t])[:, None, :]
            torch.where(steps[t], arrived.logsumexp(2), backward[t], out=backward[t - 1])
            pairs = (forward[t - 1, :, :, None] + arrived).exp_().masked_fill_(~steps[t, :, :, None], 0)
            by_transition += (pairs * weight[:, :, None]).sum(0)
        expected = (forward + backward).exp_().mul_(weight).masked_fill_(~steps, 0)
        by_end = ((forward[-1] + last - total[:, None]).exp_() * weight).sum(0)
        return _gradients(expected, by_transition, by_end, ctx.output_dtype)


class LinearChainCRF(Decoder):
    """A learned linear chain over `num_tags` tags.

    Args:
        legal: the starts, transitions and ends of well-formed tag sequences.
        constraints: where only these are possible: nowhere (`none`), in `decoding`, or in `training` as well, which
            takes probability from malformed sequences in the likelihood and the marginals.

    Raises:
        ValueError: for unknown constraints, constraints without `legal`, or `legal` of another tag set.
    """

    def __init__(self, num_tags: int, legal: LegalTransitions | None = None, *, constraints: str = "none") -> None:
        super().__init__()
        check_constraints(constraints, CONSTRAINTS, num_tags, legal)
        self.num_tags = num_tags
        self.constrain_training = constraints == "training"
        self.start_transitions = nn.Parameter(torch.empty(num_tags).uniform_(-0.1, 0.1))
        self.transitions = nn.Parameter(torch.empty(num_tags, num_tags).uniform_(-0.1, 0.1))  # [from, to]
        self.end_transitions = nn.Parameter(torch.empty(num_tags).uniform_(-0.1, 0.1))
        allowed = (legal.start, legal.transitions, legal.end) if legal and constraints != "none" else (True, True, True)
        parameters = (self.start_transitions, self.transitions, self.end_transitions)
        for name, may, parameter in zip(ChainScores._fields, allowed, parameters, strict=True):
            forbidden = ~torch.tensor(may).expand_as(parameter)
            self.register_buffer(f"forbidden_{name}", forbidden.contiguous(), persistent=False)

    def log_likelihood(
        self,
        emissions: Float[Tensor, "batch token tag"],
        tags: Int[Tensor, "batch token"],
        mask: Bool[Tensor, "batch token"],
    ) -> Float[Tensor, " batch"]:
        scores = self._scores(constrained=self.constrain_training)
        return (score(emissions, tags, mask, scores) - log_partition(emissions, mask, scores)).to(emissions.dtype)

    def marginals(
        self, emissions: Float[Tensor, "batch token tag"], mask: Bool[Tensor, "batch token"]
    ) -> Float[Tensor, "batch token tag"]:
        return marginals(emissions, mask, self._scores(constrained=self.constrain_training))

    def decode(
        self, emissions: Float[Tensor, "batch token tag"], mask: Bool[Tensor, "batch token"]
    ) -> Int[Tensor, "batch token"]:
        return viterbi(emissions, mask, self._scores(constrained=True))

    def _scores(self, *, constrained: bool) -> ChainScores:
        scores = ChainScores(self.start_transitions, self.transitions, self.end_transitions)
        if not constrained:
            return scores
        forbidden = (getattr(self, f"forbidden_{name}") for name in ChainScores._fields)
        return ChainScores(*(part.masked_fill(no, -torch.inf) for part, no in zip(scores, forbidden, strict=True)))
