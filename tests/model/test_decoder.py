"""What all decoders share: probabilities of entities and of whole sequences, for every kind and constraint."""

from __future__ import annotations

import itertools
from functools import partial

import pytest
import torch
from torch import Tensor

from ner.corpus.tags import legal_transitions, tag_set
from ner.model.crf import LinearChainCRF
from ner.model.decoder import Decoder
from ner.model.paths import NO_TAG, TagPaths
from ner.model.softmax import Softmax

TAGS = tag_set(["X"], "IOBES")
LEGAL = legal_transitions(TAGS)
B, E, INSIDE, S = (TAGS.index(f"{prefix}-X") for prefix in "BEIS")
MASK = torch.tensor([[True] * 4, [True] * 3 + [False]])
DECODERS = [
    partial(LinearChainCRF, constraints="none"),
    partial(LinearChainCRF, constraints="decoding"),
    partial(LinearChainCRF, constraints="training"),
    partial(Softmax, constraints="none"),
    partial(Softmax, constraints="decoding"),
]


@pytest.fixture(params=DECODERS, ids=str)
def decoder(request: pytest.FixtureRequest) -> Decoder:
    torch.manual_seed(0)
    made: Decoder = request.param(len(TAGS), LEGAL)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter)
    return made


@pytest.fixture
def emissions() -> Tensor:
    return torch.randn(2, 4, len(TAGS), generator=torch.Generator().manual_seed(3))


def distribution(decoder: Decoder, emissions: Tensor, temperature: float) -> dict[tuple[int, ...], float]:
    """p of every sequence of one sentence, from the scores of the chain."""
    start, transitions, end = (part.detach().double() for part in decoder.chain(emissions[None]))
    ids = torch.tensor(list(itertools.product(range(len(TAGS)), repeat=len(emissions))))
    values = start[ids[:, 0]] + end[ids[:, -1]] + transitions[ids[:, :-1], ids[:, 1:]].sum(1)
    values = values + emissions.double()[torch.arange(len(emissions)), ids].sum(1)
    return dict(zip(map(tuple, ids.tolist()), (values / temperature).softmax(0).tolist(), strict=True))


@pytest.mark.parametrize("temperature", [1.0, 0.5, 3.0])
def test_sequences_and_paths_have_the_probabilities_of_the_enumeration(decoder, emissions, temperature):
    tags, found = decoder.best_sequences(emissions, MASK, 6, temperature=temperature)
    paths = TagPaths(
        torch.tensor([0, 0, 1]),
        torch.tensor([1, 3, 0]),
        torch.tensor([[B, INSIDE, E], [S, NO_TAG, NO_TAG], [B, E, NO_TAG]]),
        torch.full((3,), NO_TAG),
    )
    of_paths = decoder.path_probabilities(emissions, MASK, paths, temperature=temperature).tolist()
    every = [distribution(decoder, emissions[row, :length], temperature) for row, length in enumerate((4, 3))]
    for row, length in enumerate((4, 3)):
        wanted = sorted(every[row].items(), key=lambda item: -item[1])[:6]
        assert [tuple(one) for one in tags[row, :, :length].tolist()] == [ids for ids, _ in wanted]
        assert found[row].tolist() == pytest.approx([p for _, p in wanted], rel=1e-5)
    expected = [
        sum(p for ids, p in every[row].items() if ids[start : start + len(path)] == path)
        for row, start, path in ((0, 1, (B, INSIDE, E)), (0, 3, (S,)), (1, 0, (B, E)))
    ]
    assert of_paths == pytest.approx(expected, rel=1e-5)


def test_the_first_is_what_decode_gives_at_any_temperature(decoder, emissions):
    for temperature in (0.3, 1.0, 4.0):
        tags, _ = decoder.best_sequences(emissions, MASK, 2, temperature=temperature)
        assert torch.equal(tags[:, 0], decoder.decode(emissions, MASK))


def test_no_more_sequences_than_are_possible(decoder, emissions):
    one = torch.tensor([[True], [True]])
    _, found = decoder.best_sequences(emissions[:, :1], one, 9)
    possible = sum(p > 0 for p in distribution(decoder, emissions[0, :1], 1.0).values())
    assert int((found[0] > 0).sum()) == possible
    torch.testing.assert_close(found.sum(1), torch.ones(2, dtype=torch.float64))


@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_a_temperature_that_is_none_is_refused(decoder, emissions, temperature):
    with pytest.raises(ValueError, match="must be above 0"):
        decoder.best_sequences(emissions, MASK, 1, temperature=temperature)
