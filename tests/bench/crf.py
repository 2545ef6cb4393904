"""The chain with the 73 tags of OntoNotes: beside pytorch-crf, in each number type, and what it keeps in memory."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from functools import partial
from importlib.util import find_spec

import torch
from torch import Tensor, nn

from ner.model.chain import ChainScores, safe_dtype, score
from ner.model.crf import LinearChainCRF

from .material import invented, random_lengths
from .measuring import Options, Row, assert_equal, compare_rates, saved_bytes

NUM_TAGS = 73
PEER = "pytorch-crf"
HAS_PEER = find_spec("torchcrf") is not None
MISSING = "the peer is missing: pip install pytorch-crf"
ALGORITHMS = {torch.float32: "float32", torch.float64: "float64", None: "log space"}

Inputs = list[tuple[Tensor, Tensor, Tensor]]
"""Emissions, tags and mask of batches."""


def rows(options: Options) -> Iterator[Row]:
    for batch_size in options.batch_sizes:
        yield from beside_peer(options, batch_size)
    yield from beside_float32(options, options.batch_sizes[len(options.batch_sizes) // 2])


def draw_inputs(options: Options, batch_size: int, *, scale: float = 1.0) -> Inputs:
    """Random emissions and tags for an epoch of sentences with real lengths; ever wider apart with `scale`."""
    torch.manual_seed(1)
    inputs = []
    for batch in invented(random_lengths(options.sentences)).batches(batch_size, num_sentences=options.sentences):
        mask = batch.mask.to(options.device)
        emissions = scale * torch.randn(*mask.shape, NUM_TAGS, device=options.device)
        inputs.append((emissions.requires_grad_(), torch.randint_like(mask.long(), NUM_TAGS), mask))
    return inputs


def num_tokens(inputs: Inputs) -> int:
    return sum(int(mask.sum()) for _, _, mask in inputs)


def new_crf(options: Options) -> LinearChainCRF:
    torch.manual_seed(1)
    return LinearChainCRF(NUM_TAGS).to(options.device)


def new_peer(crf: LinearChainCRF) -> nn.Module:
    from torchcrf import CRF

    peer = CRF(NUM_TAGS, batch_first=True).to(crf.transitions.device)
    peer.load_state_dict(crf.state_dict())
    return peer


def loss(crf: nn.Module, emissions: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
    """-log p(tags), summed over the sentences, of ours or the peer's."""
    likelihood = crf.log_likelihood if isinstance(crf, LinearChainCRF) else crf
    return -likelihood(emissions, tags, mask).sum()


def learn(crf: nn.Module, inputs: Inputs) -> None:
    for emissions, tags, mask in inputs:
        torch.autograd.backward(loss(crf, emissions, tags, mask))


@torch.no_grad()
def decode(crf: nn.Module, inputs: Inputs) -> None:
    for emissions, _, mask in inputs:
        crf.decode(emissions, mask)


def marginals(crf: LinearChainCRF, inputs: Inputs) -> None:
    for emissions, _, mask in inputs:
        crf.marginals(emissions, mask)


def beside_peer(options: Options, batch_size: int) -> Iterator[Row]:
    """Loss with gradient, decoding and memory beside pytorch-crf; marginals beside our own gradient."""
    inputs, settings = draw_inputs(options, batch_size), f"{NUM_TAGS} tags, batch {batch_size}"
    crf = new_crf(options)
    peer = new_peer(crf) if HAS_PEER else None
    if peer is not None:
        check(crf, peer, inputs)
    rates = partial(compare_rates, settings=settings, amount=num_tokens(inputs), repeat=options.repeat, missing=MISSING)
    for what, function in (("CRF loss + gradient", learn), ("CRF decoding", decode)):
        yield rates(partial(function, crf, inputs), peer and partial(function, peer, inputs), what=what, peer_name=PEER)
    yield rates(
        partial(marginals, crf, inputs),
        partial(learn, crf, inputs),
        what="CRF marginals",
        peer_name="our loss + gradient",
    )
    ours, theirs = saved_per_value(crf, inputs), peer and saved_per_value(peer, inputs)
    yield Row(
        what="CRF memory until backward",
        settings=settings,
        value=ours,
        unit="bytes/(token x tag)",
        peer=PEER,
        peer_value=theirs,
        ratio=theirs and theirs / ours,
        note="" if peer else MISSING,
    )


def check(crf: LinearChainCRF, peer: nn.Module, inputs: Inputs) -> None:
    """Our loss and gradients must be the peer's in double precision, and our best paths as good as its."""
    exact = deepcopy(peer).double()
    for emissions, tags, mask in inputs[:3]:
        found = []
        for one, leaf in ((crf, emissions), (exact, emissions.detach().double().requires_grad_())):
            value = loss(one, leaf, tags, mask)
            leaves = [leaf, one.start_transitions, one.transitions, one.end_transitions]
            found.append([value, *torch.autograd.grad(value, leaves)])
        assert_equal(*found, what="CRF loss and gradients")
        paths = [torch.tensor(path, device=mask.device) for path in peer.decode(emissions, mask)]
        scores = ChainScores(crf.start_transitions, crf.transitions, crf.end_transitions)
        best = (crf.decode(emissions, mask), nn.utils.rnn.pad_sequence(paths, batch_first=True))
        assert_equal(*([score(emissions, path, mask, scores)] for path in best), what="CRF decoding")


def saved_per_value(crf: nn.Module, inputs: Inputs) -> float:
    """Bytes kept for the backward pass for each real token and tag, the emissions among them."""
    saved = sum(saved_bytes(partial(loss, crf, *batch)) for batch in inputs)
    return saved / (num_tokens(inputs) * NUM_TAGS)


def beside_float32(options: Options, batch_size: int) -> Iterator[Row]:
    """The algorithms that wider and wider emissions go through, beside the one for emissions around 1."""
    crf, near = new_crf(options), draw_inputs(options, batch_size)
    for scale in (10, 100):
        far = draw_inputs(options, batch_size, scale=scale)
        if HAS_PEER:
            check(crf, new_peer(crf), far)
        yield compare_rates(
            partial(learn, crf, far),
            partial(learn, crf, near),
            what="CRF loss + gradient",
            settings=f"batch {batch_size}, emissions x {scale}: {algorithms(crf, far)}",
            peer_name=f"ours, emissions x 1: {algorithms(crf, near)}",
            amount=num_tokens(far),
            repeat=options.repeat,
        )


def algorithms(crf: LinearChainCRF, inputs: Inputs) -> str:
    scores = ChainScores(crf.start_transitions.detach(), crf.transitions.detach(), crf.end_transitions.detach())
    chosen = {safe_dtype(emissions.detach(), mask, scores) for emissions, _, mask in inputs}
    return " and ".join(name for dtype, name in ALGORITHMS.items() if dtype in chosen)
