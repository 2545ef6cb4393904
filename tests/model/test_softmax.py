"""The independent softmax per token against the cross entropy of each token, and against enumeration."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch.nn.functional import cross_entropy

from ner.corpus.tags import legal_transitions, tag_set, tags_to_spans
from ner.model.softmax import Softmax

TAGS = tag_set(["X"], "IOBES")
LEGAL = legal_transitions(TAGS)
MASK = torch.tensor([[True] * 5, [True] * 3 + [False] * 2, [True] + [False] * 4])


@pytest.fixture
def emissions() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(3, 5, len(TAGS), dtype=torch.float64, requires_grad=True)


def test_likelihood_is_the_cross_entropy_of_the_real_tokens(emissions):
    tags = torch.randint(len(TAGS), MASK.shape)
    found = Softmax(len(TAGS)).log_likelihood(emissions, tags, MASK)
    for row, length in enumerate(MASK.sum(1)):
        wanted = -cross_entropy(emissions[row, :length], tags[row, :length], reduction="sum")
        torch.testing.assert_close(found[row], wanted)
    assert torch.autograd.gradcheck(lambda e: Softmax(len(TAGS)).log_likelihood(e, tags, MASK), (emissions,))
    (gradient,) = torch.autograd.grad(found.sum(), emissions)
    assert float(gradient[~MASK].abs().max()) == 0


def test_marginals_are_probabilities_of_real_tokens(emissions):
    marginals = Softmax(len(TAGS)).marginals(emissions, MASK)
    torch.testing.assert_close(marginals.sum(2), MASK.double())
    torch.testing.assert_close(marginals[0, 0], emissions[0, 0].softmax(0))


def test_unconstrained_each_token_decides_for_itself(emissions):
    found = Softmax(len(TAGS), LEGAL).decode(emissions, MASK)
    assert torch.equal(found, emissions.argmax(2) * MASK)
    assert not all(is_legal(row) for row in real(found))


def test_constrained_decoding_is_the_best_of_all_well_formed_sequences(emissions):
    found = Softmax(len(TAGS), LEGAL, constraints="decoding").decode(emissions, MASK)
    assert int(found[~MASK].abs().max()) == 0
    for row, tags in enumerate(real(found)):
        scores = emissions[row].detach().log_softmax(1)
        sequences = (s for s in itertools.product(range(len(TAGS)), repeat=len(tags)) if is_legal(s))
        best = max(sequences, key=lambda s: sum(float(scores[token, tag]) for token, tag in enumerate(s)))
        assert tuple(tags) == best


def test_what_a_malformed_sequence_spells():
    """Decoding leaves it as it is; the scorer counts no entity where the tags spell none."""
    tags = ["B-X", "O", "I-X", "E-X", "S-X"]
    emissions = torch.eye(len(TAGS))[[TAGS.index(tag) for tag in tags]][None]
    found = Softmax(len(TAGS), LEGAL).decode(emissions, torch.ones(1, 5, dtype=torch.bool))
    assert [TAGS[index] for index in found[0].tolist()] == tags
    assert [(span.start, span.end) for span in tags_to_spans(tags)] == [(4, 5)]


def test_nothing_is_learned():
    assert list(Softmax(len(TAGS), LEGAL).parameters()) == []
    assert Softmax(len(TAGS), LEGAL, constraints="decoding").state_dict() == {}


def test_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="'training': choose one of none, decoding"):
        Softmax(len(TAGS), LEGAL, constraints="training")
    with pytest.raises(ValueError, match="need the legal transitions"):
        Softmax(len(TAGS), constraints="decoding")
    with pytest.raises(ValueError, match="5 tags for a decoder of 7"):
        Softmax(7, LEGAL)


def real(tags: torch.Tensor) -> list[list[int]]:
    return [row[:length] for row, length in zip(tags.tolist(), MASK.sum(1).tolist(), strict=True)]


def is_legal(tags: list[int] | tuple[int, ...]) -> bool:
    inside = all(LEGAL.transitions[a][b] for a, b in itertools.pairwise(tags))
    return LEGAL.start[tags[0]] and inside and LEGAL.end[tags[-1]]
