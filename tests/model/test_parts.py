"""The parts of a token's features, each by itself."""

from __future__ import annotations

import pytest
import torch

from ner.corpus.batch import Batch, Words
from ner.model.parts import HeadWord, Relation, WordVectors, random_vectors

WORDS = Words(torch.tensor([3, 1, 4]), torch.tensor([[2, 3, 4], [5, 0, 0], [2, 2, 0]]))
BATCH = Batch(
    words=WORDS,
    mask=torch.tensor([[True, True, True], [True, True, False]]),
    word_rows=torch.tensor([[0, 1, 0], [2, 0, 0]]),
    heads=torch.tensor([[1, 1, 0], [0, 0, 2]]),
    relation_ids=torch.tensor([[1, 2, 3], [2, 1, 0]]),
)


def test_vectors_are_those_of_the_word_ids():
    part = WordVectors(torch.arange(12.0).reshape(6, 2))
    assert part(WORDS).tolist() == [[6, 7], [2, 3], [8, 9]]
    assert (part.output_size, part.rate_group) == (2, "word")


def test_gradient_of_word_vectors_holds_the_words_of_the_batch_only():
    part = WordVectors(random_vectors(6, 4))
    part(WORDS).sum().backward()
    assert part.weight.grad.coalesce().indices().tolist() == [[1, 3, 4]]


def test_word_dropout_trains_the_vector_of_unknown_words():
    part = WordVectors(random_vectors(6, 4), dropout=0.5)
    torch.manual_seed(1)
    features = part(Words(torch.full((1000,), 3), torch.ones(1000, 1, dtype=torch.long)))
    is_unknown = (features == part.weight[0]).all(1)
    assert float(is_unknown.float().mean()) == pytest.approx(0.5, abs=0.05)
    assert torch.equal(features[~is_unknown][0], part.weight[3])
    assert not (part.eval()(WORDS) == part.weight[0]).all(1).any()


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_word_dropout_is_a_share(share):
    with pytest.raises(ValueError, match=f"word_dropout of {share}"):
        WordVectors(random_vectors(6, 4), dropout=share)


def test_the_head_word_is_gathered_by_the_heads():
    words = torch.arange(6.0).reshape(2, 3, 1)
    assert HeadWord(1)(BATCH, words)[..., 0].tolist() == [[1, 1, 0], [3, 3, 5]]


def test_relations_are_embedded():
    part = Relation(4, 2)
    found = part(BATCH, torch.zeros(2, 3, 1))
    assert torch.equal(found[0, 2], part.weight[3])
    assert found.shape == (2, 3, 2)


def test_vectors_are_drawn_within_their_bound():
    vectors = random_vectors(1000, 12)
    assert float(vectors.abs().max()) <= 0.5
    assert float(vectors.var()) == pytest.approx(1 / 12, rel=0.1)
