"""The k best sequences against the enumeration of all."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from ner.corpus.tags import legal_transitions, tag_set
from ner.model.chain import ChainScores, viterbi
from ner.model.k_best import k_best

TAGS = tag_set(["X"], "IOBES")
LENGTHS = [4, 1, 3]
MASK = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]


def random_case(scale: float, *, constrained: bool) -> tuple[Tensor, ChainScores]:
    generator = torch.Generator().manual_seed(2)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator) * scale

    scores = ChainScores(draw(len(TAGS)), draw(len(TAGS), len(TAGS)), draw(len(TAGS)))
    if constrained:
        legal = legal_transitions(TAGS)
        pairs = zip(scores, (legal.start, legal.transitions, legal.end), strict=True)
        scores = ChainScores(*(part.masked_fill(~torch.tensor(may), -torch.inf) for part, may in pairs))
    return draw(len(LENGTHS), max(LENGTHS), len(TAGS)), scores


def enumerated(emissions: Tensor, scores: ChainScores) -> list[tuple[float, list[int]]]:
    """The scores and tags of all possible sequences, best first."""
    ids = torch.tensor(list(itertools.product(range(len(TAGS)), repeat=len(emissions))))
    start, transitions, end = (part.double() for part in scores)
    values = start[ids[:, 0]] + end[ids[:, -1]] + transitions[ids[:, :-1], ids[:, 1:]].sum(1)
    values = values + emissions.double()[torch.arange(len(emissions)), ids].sum(1)
    found = zip(values.tolist(), ids.tolist(), strict=True)
    return sorted((pair for pair in found if pair[0] > -torch.inf), reverse=True)


@pytest.mark.parametrize("constrained", [False, True])
@pytest.mark.parametrize("scale", [1.0, 30.0, 200.0])
@pytest.mark.parametrize("k", [1, 2, 7, 40])
def test_they_are_the_best_of_all_in_their_order(k, scale, constrained):
    emissions, scores = random_case(scale, constrained=constrained)
    tags, totals = k_best(emissions, MASK, scores, k)
    assert tags.shape == (len(LENGTHS), k, max(LENGTHS))
    for row, length in enumerate(LENGTHS):
        wanted = enumerated(emissions[row, :length], scores)[:k]
        assert tags[row, : len(wanted), :length].tolist() == [ids for _, ids in wanted]
        torch.testing.assert_close(
            totals[row, : len(wanted)], torch.tensor([value for value, _ in wanted], dtype=torch.float64)
        )
        assert totals[row, len(wanted) :].isneginf().all()
        assert not tags[row, :, length:].any()


def test_the_first_is_that_of_viterbi():
    emissions, scores = random_case(3.0, constrained=True)
    assert torch.equal(k_best(emissions, MASK, scores, 3)[0][:, 0], viterbi(emissions, MASK, scores))


def test_a_k_below_one_is_refused():
    with pytest.raises(ValueError, match="k is 0"):
        k_best(*(random_case(1.0, constrained=False)[0], MASK), random_case(1.0, constrained=False)[1], 0)
