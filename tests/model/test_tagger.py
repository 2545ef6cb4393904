"""The taggers as built: that they learn, and what does not change their answers."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch

from ner.corpus.batch import Batch, Words
from ner.corpus.tags import tag_set
from ner.corpus.vectors import Vectors
from ner.corpus.vocabulary import Vocabularies, Vocabulary
from ner.model.crf import LinearChainCRF
from ner.model.embedder import CharacterLSTM
from ner.model.interaction import MLP
from ner.model.recurrent import LSTM
from ner.model.tagger import Tagger, bilstm_crf, dglstm_crf, initial_vectors

TAGS = tag_set(["LOC", "PER"], "IOBES")
VOCABULARIES = Vocabularies(
    words=Vocabulary(("<unk>", "a", "b", "c", "d"), unknown=True),
    characters=Vocabulary(("<pad>", "<unk>", "a", "b", "c", "d"), unknown=True),
    relations=Vocabulary(("<unk>", "root", "nsubj"), unknown=True),
    tags=Vocabulary(TAGS, unknown=False),
    scheme="IOBES",
    digits_to_zero=False,
)
BATCH = Batch(
    words=Words(torch.tensor([1, 2, 3]), torch.tensor([[2], [3], [4]])),
    mask=torch.tensor([[True, True, True], [True, True, False]]),
    word_rows=torch.tensor([[0, 1, 2], [2, 0, 0]]),
    heads=torch.tensor([[1, 1, 1], [0, 0, 2]]),
    relation_ids=torch.tensor([[2, 1, 2], [1, 2, 0]]),
    tag_ids=torch.tensor([[TAGS.index(t) for t in ("B-PER", "E-PER", "O")], [TAGS.index("S-LOC"), 0, 0]]),
)


def small(build=dglstm_crf, **changes) -> Tagger:
    torch.manual_seed(0)
    options = {
        "vocabularies": VOCABULARIES,
        "vectors": None,
        "word_size": 4,
        "word_dropout": 0.0,
        "characters": partial(CharacterLSTM, embedding_size=3, hidden_size=3, dropout=0.0),
        "layers": 2,
        "hidden_size": 8,
        "recurrent": LSTM,
        "input_dropout": 0.0,
        "between_dropout": 0.0,
        "output_dropout": 0.0,
        "decoder": partial(LinearChainCRF, constraints="decoding"),
    }
    if build is dglstm_crf:
        options |= {"head_word": True, "relation_size": 2, "interaction": MLP}
    return build(**(options | changes))


@pytest.mark.parametrize("build", [dglstm_crf, bilstm_crf])
def test_learns_a_batch_by_heart(build):
    tagger = small(build)
    sparse = [tagger.embedder.word.weight]
    dense = [p for p in tagger.parameters() if p is not sparse[0]]
    optimizers = torch.optim.Adam(dense, 0.02), torch.optim.SparseAdam(sparse, 0.02)
    first = float(tagger.loss(BATCH).detach())
    for _ in range(80):
        for optimizer in optimizers:
            optimizer.zero_grad()
        tagger.loss(BATCH).backward()
        for optimizer in optimizers:
            optimizer.step()
    assert float(tagger.loss(BATCH).detach()) < 0.1 < first
    assert torch.equal(tagger.decode(BATCH), BATCH.tag_ids)


def test_loss_is_the_sum_over_sentences_whatever_their_company():
    tagger = small()
    alone = [
        Batch(BATCH.words, *(getattr(BATCH, name)[row : row + 1, :length] for name in FIELDS))
        for row, length in enumerate([3, 2])
    ]
    torch.testing.assert_close(tagger.loss(BATCH), tagger.loss(alone[0]) + tagger.loss(alone[1]))


FIELDS = ("mask", "word_rows", "heads", "relation_ids", "tag_ids")


def test_decoding_with_word_features_given_is_the_same():
    tagger = small().eval()
    features = tagger.word_features(BATCH.words)
    assert torch.equal(tagger.decode(BATCH, features), tagger.decode(BATCH))


def test_the_plain_model_sees_no_tree():
    tagger = small(bilstm_crf).eval()
    other = replace(BATCH, heads=torch.zeros_like(BATCH.heads), relation_ids=torch.zeros_like(BATCH.relation_ids))
    torch.testing.assert_close(tagger(BATCH), tagger(other))
    guided = small().eval()
    assert not torch.allclose(guided(BATCH), guided(other))


@pytest.mark.parametrize("layers", [0, 1, 3])
def test_any_number_of_layers(layers):
    assert small(bilstm_crf, layers=layers).loss(BATCH).isfinite()
    assert small(layers=layers, interaction=MLP if layers > 1 else None).loss(BATCH).isfinite()


def test_a_loss_needs_tags():
    with pytest.raises(ValueError, match="batch with tags"):
        small().loss(replace(BATCH, tag_ids=None))


def test_words_start_from_their_pretrained_vectors():
    vectors = Vectors(("c", "a"), torch.tensor([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]))
    matrix = initial_vectors(VOCABULARIES, vectors, 4)
    assert matrix[[1, 3]].tolist() == [[5, 6, 7, 8], [1, 2, 3, 4]]
    assert float(matrix[[0, 2, 4]].abs().max()) <= (3 / 4) ** 0.5
    with pytest.raises(ValueError, match="word_size is 5, but the word vectors have 4"):
        initial_vectors(VOCABULARIES, vectors, 5)
