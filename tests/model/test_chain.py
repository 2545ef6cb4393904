"""The chain against the enumeration of all tag sequences, at every scale of scores."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ner.corpus.tags import legal_transitions, tag_set
from ner.model import chain
from ner.model.chain import ChainScores, log_partition, marginals, messages, score, viterbi

TAGS = tag_set(["X"], "IOBES")  # 5 tags, with 4 of them legal in a word of its own place
LEGAL = legal_transitions(TAGS)
LENGTHS = [5, 1, 3, 2]


def random_case(scale: float, *, constrained: bool, seed: int = 0, dtype: torch.dtype = torch.float32) -> tuple:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator).to(dtype) * scale

    tags = len(TAGS)
    scores = ChainScores(draw(tags), draw(tags, tags), draw(tags))
    if constrained:
        allowed = (LEGAL.start, LEGAL.transitions, LEGAL.end)
        pairs = zip(scores, allowed, strict=True)
        scores = ChainScores(*(part.masked_fill(~torch.tensor(may), -torch.inf) for part, may in pairs))
    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    return draw(len(LENGTHS), max(LENGTHS), tags), mask, scores


def enumerated(emissions: Tensor, mask: Tensor, scores: ChainScores) -> tuple[Tensor, list[list[int]]]:
    """log Z and the best path of each sentence, by summing over all sequences in double precision."""
    totals, paths = [], []
    for sentence, real in zip(emissions.double(), mask, strict=True):
        length = int(real.sum())
        y = torch.tensor(list(itertools.product(range(len(TAGS)), repeat=length)))
        values = scores.start.double()[y[:, 0]] + scores.end.double()[y[:, -1]]
        values = values + sentence[torch.arange(length), y].sum(1)
        values = values + scores.transitions.double()[y[:, :-1], y[:, 1:]].sum(1)
        totals.append(values.logsumexp(0))
        paths.append(y[int(values.argmax())].tolist())
    return torch.stack(totals), paths


def with_gradients(function, emissions: Tensor, mask: Tensor, scores: ChainScores) -> tuple[Tensor, list[Tensor]]:
    """The value and its gradients, one sentence weighing more than another."""
    leaves = [part.detach().clone().requires_grad_() for part in (emissions, *scores)]
    value = function(leaves[0], mask, ChainScores(*leaves[1:]))
    weights = torch.arange(1.0, len(value) + 1, dtype=value.dtype)
    return value.detach(), list(torch.autograd.grad((value * weights).sum(), leaves))


@pytest.mark.parametrize("constrained", [False, True])
@pytest.mark.parametrize("scale", [1.0, 30.0, 200.0])
@pytest.mark.parametrize("seed", range(3))
def test_partition_and_gradients_equal_enumeration(scale, constrained, seed):
    emissions, mask, scores = random_case(scale, constrained=constrained, seed=seed)
    value, gradients = with_gradients(log_partition, emissions, mask, scores)

    def by_enumeration(emissions: Tensor, mask: Tensor, scores: ChainScores) -> Tensor:
        return enumerated(emissions, mask, scores)[0]

    expected, expected_gradients = with_gradients(by_enumeration, emissions, mask, scores)
    torch.testing.assert_close(value, expected, rtol=1e-6, atol=1e-5)
    for found, wanted in zip(gradients, expected_gradients, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("constrained", [False, True])
@pytest.mark.parametrize("scale", [1.0, 30.0, 200.0])
def test_viterbi_finds_the_best_of_all_sequences(scale, constrained):
    emissions, mask, scores = random_case(scale, constrained=constrained, seed=7)
    _, paths = enumerated(emissions, mask, scores)
    decoded = viterbi(emissions, mask, scores)
    assert [tags[:length].tolist() for tags, length in zip(decoded, LENGTHS, strict=True)] == paths
    assert not decoded[~mask].any()


def test_score_of_given_tags():
    emissions, mask, scores = random_case(1.0, constrained=False)
    tags = torch.tensor([[0, 1, 2, 3, 4], [3, 0, 0, 0, 0], [1, 2, 3, 0, 0], [0, 4, 0, 0, 0]])
    by_hand = scores.start[1] + scores.transitions[1, 2] + scores.transitions[2, 3] + scores.end[3]
    by_hand = by_hand + emissions[2, 0, 1] + emissions[2, 1, 2] + emissions[2, 2, 3]
    found = score(emissions, tags, mask, scores)
    assert float(found[2]) == pytest.approx(float(by_hand))
    assert float(found[1]) == pytest.approx(float(scores.start[3] + emissions[1, 0, 3] + scores.end[3]))


@pytest.mark.parametrize("constrained", [False, True])
@pytest.mark.parametrize("scale", [1.0, 30.0, 200.0])
def test_marginals_are_probabilities_and_padding_has_none(scale, constrained):
    found = marginals(*random_case(scale, constrained=constrained, seed=2))
    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    torch.testing.assert_close(found.sum(2), mask.float(), rtol=1e-4, atol=1e-5)
    assert (found >= 0).all()


@pytest.mark.parametrize("constrained", [False, True])
@pytest.mark.parametrize("scale", [1.0, 30.0, 200.0])
def test_marginals_are_the_gradient_of_the_partition_in_every_mode_of_torch(scale, constrained):
    emissions, mask, scores = random_case(scale, constrained=constrained, seed=3)
    leaf = emissions.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(log_partition(leaf, mask, scores).sum(), leaf)
    torch.testing.assert_close(marginals(leaf, mask, scores), gradient, rtol=1e-4, atol=1e-6)
    with torch.inference_mode():
        torch.testing.assert_close(marginals(*random_case(scale, constrained=constrained, seed=3)), gradient)


@pytest.mark.parametrize("scale", [1.0, 200.0])
def test_messages_give_the_probabilities_of_tags_and_of_pairs(scale):
    emissions, mask, scores = random_case(scale, constrained=True, seed=5)
    found = messages(emissions, mask, scores)
    log = [found.log(part.double()) for part in found[:4]]
    forward, backward, observed, move = log
    singles, expected = (forward + backward).exp(), marginals(emissions, mask, scores).transpose(0, 1).double()
    torch.testing.assert_close(singles[mask.T], expected[mask.T], rtol=1e-4, atol=1e-6)
    pairs = (forward[:-1, :, :, None] + move + (observed + backward)[1:, :, None, :]).exp()
    torch.testing.assert_close(pairs.sum(2)[mask.T[1:]], singles[1:][mask.T[1:]], rtol=1e-4, atol=1e-6)


IMPOSSIBLE = {
    "start": lambda start, transitions, end: (torch.full_like(start, -torch.inf), transitions, end),
    "end": lambda start, transitions, end: (start, transitions, torch.full_like(end, -torch.inf)),
    "transitions": lambda start, transitions, end: (start, torch.full_like(transitions, -torch.inf), end),
    "one token": lambda start, transitions, end: (only(start, 0), transitions, only(end, 1)),
}


def only(part: Tensor, tag: int) -> Tensor:
    return torch.where(torch.arange(len(part)) == tag, part, -torch.inf)


@pytest.mark.parametrize("dtype", ["chosen", torch.float32, None])
@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_where_nothing_is_possible_the_partition_is_minus_infinity_and_the_rest_zero(what, dtype, monkeypatch):
    """Beside other sentences, which are scored as they are without it."""
    emissions, mask, scores = random_case(1.0, constrained=False, seed=6)
    scores = ChainScores(*IMPOSSIBLE[what](*scores))
    if dtype == torch.float32 and what != "one token":
        assert chain.safe_dtype(emissions, mask, scores) is None
        return
    if dtype != "chosen":
        monkeypatch.setattr(chain, "safe_dtype", lambda *_: dtype)
    expected = enumerated(emissions, mask, scores)[0]
    value, gradients = with_gradients(log_partition, emissions, mask, scores)
    assert value.isneginf().any()
    torch.testing.assert_close(value, expected)
    assert all(gradient.isfinite().all() for gradient in gradients)
    found = marginals(emissions, mask, scores)
    possible = ~value.isneginf()
    torch.testing.assert_close(found.sum(2), (mask & possible[:, None]).float())


def test_forbidden_predecessor_beside_a_gap_that_probabilities_cannot_hold():
    """I-X must follow B-X, whose emission is 200 below the others': in float32 its probability would be 0."""
    begin, inside, end = (TAGS.index(tag) for tag in ("B-X", "I-X", "E-X"))
    allowed = (LEGAL.start, LEGAL.transitions, LEGAL.end)
    scores = ChainScores(
        *(torch.zeros(torch.tensor(a).shape).masked_fill(~torch.tensor(a), -torch.inf) for a in allowed)
    )
    emissions = torch.zeros(1, 3, len(TAGS))
    emissions[0, 0, begin] = -200.0
    emissions[0, 1, inside] = 300.0
    emissions[0, 2, end] = 300.0
    mask = torch.ones(1, 3, dtype=torch.bool)
    value, gradients = with_gradients(log_partition, emissions, mask, scores)
    assert float(value) == pytest.approx(400.0, rel=1e-6)
    assert float(gradients[0][0, 0, begin]) == pytest.approx(1.0)


def test_every_algorithm_that_is_safe_agrees(monkeypatch):
    emissions, mask, scores = random_case(2.0, constrained=True, seed=4)
    assert chain.safe_dtype(emissions, mask, scores) is torch.float32
    expected, expected_gradients = with_gradients(log_partition, emissions, mask, scores)
    for dtype in (torch.float64, None):
        monkeypatch.setattr(chain, "safe_dtype", lambda *_, dtype=dtype: dtype)
        value, gradients = with_gradients(log_partition, emissions, mask, scores)
        torch.testing.assert_close(value, expected, rtol=1e-6, atol=1e-5)
        for found, wanted in zip(gradients, expected_gradients, strict=True):
            torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(scale=st.floats(0, 300), constrained=st.booleans(), seed=st.integers(0, 2**20))
def test_whatever_is_called_safe_has_no_underflow(scale, constrained, seed):
    """The scaled algorithm, where the bound lets it run, agrees with the one on logarithms."""
    emissions, mask, scores = random_case(scale, constrained=constrained, seed=seed)
    value = log_partition(emissions, mask, scores)
    exact = chain._LogSpace.apply(emissions, mask, *scores, torch.float64)
    torch.testing.assert_close(value, exact, rtol=1e-6, atol=1e-5)


def test_steps_until_any_tag_leads_to_any_other():
    assert chain._mixing_steps(torch.ones(4, 4, dtype=torch.bool)) == 1
    assert chain._mixing_steps(torch.tensor(legal_transitions(tag_set(["X", "Y"], "IOBES")).transitions)) == 3
    assert chain._mixing_steps(torch.eye(3, dtype=torch.bool)) is None


@pytest.mark.parametrize("constrained", [False, True])
def test_gradcheck(constrained):
    emissions, mask, scores = random_case(1.0, constrained=False, dtype=torch.float64)
    forbidden = ~torch.tensor(LEGAL.transitions) if constrained else torch.zeros(len(TAGS), len(TAGS), dtype=torch.bool)

    def function(emissions: Tensor, start: Tensor, transitions: Tensor, end: Tensor) -> Tensor:
        scores = ChainScores(start, transitions.masked_fill(forbidden, -torch.inf), end)
        return log_partition(emissions, mask, scores)

    leaves = tuple(part.requires_grad_() for part in (emissions, *scores))
    assert torch.autograd.gradcheck(function, leaves)


def test_padding_and_company_change_nothing():
    emissions, mask, scores = random_case(3.0, constrained=True, seed=9)
    together = log_partition(emissions, mask, scores)
    for row, length in enumerate(LENGTHS):
        alone = log_partition(emissions[row : row + 1, :length], mask[row : row + 1, :length], scores)
        torch.testing.assert_close(alone[0], together[row])
