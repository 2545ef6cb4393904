"""The probability of an entity against the enumeration of all tag sequences."""

from __future__ import annotations

import itertools
from functools import cache

import pytest
import torch
from torch import Tensor

from ner.corpus.sentence import Span
from ner.corpus.tags import legal_transitions, spans_to_tags, tag_set, tags_to_spans
from ner.model import chain
from ner.model.chain import ChainScores
from ner.model.paths import NO_TAG, TagPaths, path_probabilities

LENGTHS = [4, 1, 3]
MASK = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
SCHEMES = {"IOBES": tag_set(["X"], "IOBES"), "BIO": tag_set(["X", "Y"], "BIO")}


def random_case(scheme: str, scale: float, *, constrained: bool) -> tuple[Tensor, ChainScores]:
    tags, generator = SCHEMES[scheme], torch.Generator().manual_seed(1)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator) * scale

    scores = ChainScores(draw(len(tags)), draw(len(tags), len(tags)), draw(len(tags)))
    if constrained:
        legal = legal_transitions(tags)
        allowed = (legal.start, legal.transitions, legal.end)
        pairs = zip(scores, allowed, strict=True)
        scores = ChainScores(*(part.masked_fill(~torch.tensor(may), -torch.inf) for part, may in pairs))
    return draw(len(LENGTHS), max(LENGTHS), len(tags)), scores


@cache
def sequences(scheme: str, length: int) -> tuple[Tensor, list[frozenset[Span]]]:
    """All sequences of tag ids, and the spans that the scorer finds in each."""
    tags = SCHEMES[scheme]
    ids = list(itertools.product(range(len(tags)), repeat=length))
    return torch.tensor(ids), [frozenset(tags_to_spans([tags[i] for i in one], scheme)) for one in ids]


def enumerated(scheme: str, emissions: Tensor, scores: ChainScores, span: Span) -> float:
    """The share of the probability that is in the sequences where exactly this span stands."""
    ids, spans = sequences(scheme, len(emissions))
    start, transitions, end = (part.double() for part in scores)
    values = start[ids[:, 0]] + end[ids[:, -1]] + transitions[ids[:, :-1], ids[:, 1:]].sum(1)
    values = values + emissions.double()[torch.arange(len(emissions)), ids].sum(1)
    has_span = torch.tensor([span in found for found in spans])
    return float((values[has_span].logsumexp(0) - values.logsumexp(0)).exp()) if has_span.any() else 0.0


def all_spans(scheme: str) -> list[tuple[int, Span]]:
    labels = sorted({tag[2:] for tag in SCHEMES[scheme] if tag != "O"})
    return [
        (row, Span(start, end, label))
        for row, length in enumerate(LENGTHS)
        for start, end in itertools.combinations(range(length + 1), 2)
        for label in labels
    ]


def paths_of(scheme: str, spans: list[tuple[int, Span]]) -> TagPaths:
    tags = SCHEMES[scheme]
    runs = [
        torch.tensor([tags.index(tag) for tag in spans_to_tags([span], span.end, scheme)[span.start :]])
        for _, span in spans
    ]
    return TagPaths(
        sentences=torch.tensor([row for row, _ in spans]),
        starts=torch.tensor([span.start for _, span in spans]),
        tag_ids=torch.nn.utils.rnn.pad_sequence(runs, batch_first=True, padding_value=NO_TAG),
        stops=torch.tensor([tags.index(f"I-{span.label}") if scheme == "BIO" else NO_TAG for _, span in spans]),
    )


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("constrained", [False, True])
@pytest.mark.parametrize("scale", [0.0, 1.0, 5.0, 30.0, 200.0])
def test_probability_of_every_span_equals_enumeration(scheme, constrained, scale):
    emissions, scores = random_case(scheme, scale, constrained=constrained)
    spans = all_spans(scheme)
    found = path_probabilities(emissions, MASK, scores, paths_of(scheme, spans))
    expected = [enumerated(scheme, emissions[row, : LENGTHS[row]], scores, span) for row, span in spans]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=2e-5, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, None])
def test_every_algorithm_gives_the_same(dtype, monkeypatch):
    emissions, scores = random_case("BIO", 2.0, constrained=True)
    paths = paths_of("BIO", all_spans("BIO"))
    expected = path_probabilities(emissions, MASK, scores, paths)
    monkeypatch.setattr(chain, "safe_dtype", lambda *_: dtype)
    torch.testing.assert_close(path_probabilities(emissions, MASK, scores, paths), expected, rtol=2e-5, atol=1e-12)


def test_where_nothing_is_possible_no_path_is():
    emissions, scores = random_case("IOBES", 1.0, constrained=True)
    scores = scores._replace(start=torch.full_like(scores.start, -torch.inf))
    assert not path_probabilities(emissions, MASK, scores, paths_of("IOBES", all_spans("IOBES"))).any()


@pytest.mark.parametrize(("row", "start", "size"), [(1, 0, 2), (2, 3, 1), (0, -1, 1), (0, 0, 0)])
def test_a_path_outside_of_its_sentence_is_refused(row, start, size):
    emissions, scores = random_case("BIO", 1.0, constrained=False)
    tag_ids = torch.tensor([[1] * size + [NO_TAG] * (3 - size)])
    paths = TagPaths(torch.tensor([row]), torch.tensor([start]), tag_ids, torch.tensor([NO_TAG]))
    with pytest.raises(ValueError, match="empty or leaves its sentence"):
        path_probabilities(emissions, MASK, scores, paths)
