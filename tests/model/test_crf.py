"""The layer that learns a chain: its constraints, likelihood and memory."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from ner.corpus.tags import legal_transitions, tag_set
from ner.model.crf import LinearChainCRF

TAGS = tag_set(["X"], "IOBES")
LEGAL = legal_transitions(TAGS)


def test_layer_forbids_malformed_sequences_only_where_it_was_told_to():
    torch.manual_seed(0)
    mask = torch.ones(64, 6, dtype=torch.bool)
    emissions = torch.randn(64, 6, len(TAGS)) * 5

    def malformed(tags: Tensor) -> int:
        pairs = itertools.chain.from_iterable(itertools.pairwise(row) for row in tags.tolist())
        return sum(not LEGAL.transitions[a][b] for a, b in pairs)

    free, constrained = LinearChainCRF(len(TAGS)), LinearChainCRF(len(TAGS), LEGAL, constraints="decoding")
    assert malformed(free.decode(emissions, mask)) > 0
    assert malformed(constrained.decode(emissions, mask)) == 0
    illegal = torch.full((64, 6), TAGS.index("I-X"))
    assert constrained.log_likelihood(emissions, illegal, mask).isfinite().all()
    strict = LinearChainCRF(len(TAGS), LEGAL, constraints="training")
    assert strict.log_likelihood(emissions, illegal, mask).isneginf().all()
    assert float(strict.marginals(emissions, mask)[:, 0, TAGS.index("I-X")].max()) == 0


def test_layer_likelihood_sums_to_one():
    torch.manual_seed(0)
    layer, mask = LinearChainCRF(len(TAGS)), torch.ones(1, 3, dtype=torch.bool)
    emissions = torch.randn(1, 3, len(TAGS))
    sequences = torch.tensor(list(itertools.product(range(len(TAGS)), repeat=3)))
    with torch.no_grad():
        likelihoods = torch.stack([layer.log_likelihood(emissions, tags[None], mask)[0] for tags in sequences])
    assert float(likelihoods.exp().sum()) == pytest.approx(1, rel=1e-4)


def test_layer_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="5 tags for a decoder of 7"):
        LinearChainCRF(7, LEGAL)
    with pytest.raises(ValueError, match="need the legal transitions"):
        LinearChainCRF(5, constraints="training")
    with pytest.raises(ValueError, match="none, decoding, training"):
        LinearChainCRF(5, LEGAL, constraints="hard")


def test_memory_is_linear_in_tags():
    """What the backward pass keeps is a few numbers a token and tag, never one a token and pair of tags."""
    kept: list[int] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor.numel())
        return tensor

    layer, tokens, tags = LinearChainCRF(40), 50, 40
    emissions = torch.randn(4, tokens, tags, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        layer.log_likelihood(
            emissions, torch.zeros(4, tokens, dtype=torch.long), torch.ones(4, tokens, dtype=torch.bool)
        )
    assert sum(kept) < 6 * 4 * tokens * tags


def test_marginals_under_inference_mode():
    torch.manual_seed(0)
    layer, mask = LinearChainCRF(len(TAGS), LEGAL, constraints="training"), torch.ones(2, 4, dtype=torch.bool)
    with torch.inference_mode():
        found = layer.marginals(torch.randn(2, 4, len(TAGS)), mask)
    torch.testing.assert_close(found.sum(2), torch.ones(2, 4))
