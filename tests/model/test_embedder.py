"""Token features: what enters, in which order, and what is not computed twice."""

from __future__ import annotations

import pytest
import torch

from ner.corpus.batch import Batch, Words
from ner.model.embedder import WORDS_TOGETHER, CharacterCNN, CharacterLSTM, Embedder, random_vectors

WORDS = Words(torch.tensor([3, 1, 4]), torch.tensor([[2, 3, 4], [5, 0, 0], [2, 2, 0]]))
BATCH = Batch(
    words=WORDS,
    mask=torch.tensor([[True, True, True], [True, True, False]]),
    word_rows=torch.tensor([[0, 1, 0], [2, 0, 0]]),
    heads=torch.tensor([[1, 1, 0], [0, 0, 2]]),
    relation_ids=torch.tensor([[1, 2, 3], [2, 1, 0]]),
)


def embedder(
    characters: torch.nn.Module | None = None,
    *,
    head_word: bool = True,
    relation_size: int = 2,
    word_dropout: float = 0.0,
) -> Embedder:
    torch.manual_seed(0)
    return Embedder(
        random_vectors(6, 4),
        characters=characters,
        head_word=head_word,
        num_relations=4,
        relation_size=relation_size,
        dropout=0.5,
        word_dropout=word_dropout,
    )


def test_input_is_word_then_head_word_then_relation():
    model = embedder().eval()
    found = model(BATCH)
    assert found.shape == (2, 3, model.output_size)
    word, head = model.word.weight[3], model.word.weight[1]
    torch.testing.assert_close(found[0, 0], torch.cat([word, head, model.relation.weight[1]]))
    torch.testing.assert_close(found[1, 0, 4:8], found[1, 0, :4], msg="the root is its own head")


def test_head_word_and_relation_are_options():
    assert embedder(head_word=False, relation_size=0).eval()(BATCH).shape == (2, 3, 4)
    assert embedder(head_word=False).relation is not None
    assert embedder(relation_size=0).relation is None


def test_word_features_given_are_used_as_they_are():
    model = embedder(CharacterLSTM(6, embedding_size=3, hidden_size=5, dropout=0.0)).eval()
    torch.testing.assert_close(model(BATCH, model.word_features(WORDS)), model(BATCH))


def test_gradient_of_word_vectors_holds_the_words_of_the_batch_only():
    model = embedder()
    model(BATCH).sum().backward()
    gradient = model.word.weight.grad.coalesce()
    assert gradient.indices().tolist() == [[1, 3, 4]]


def test_word_dropout_trains_the_vector_of_unknown_words():
    model = embedder(word_dropout=0.5)
    torch.manual_seed(1)
    features = model.word_features(Words(torch.full((1000,), 3), torch.ones(1000, 1, dtype=torch.long)))
    is_unknown = (features == model.word.weight[0]).all(1)
    assert float(is_unknown.float().mean()) == pytest.approx(0.5, abs=0.05)
    assert torch.equal(features[~is_unknown][0], model.word.weight[3])
    assert not (model.eval().word_features(WORDS) == model.word.weight[0]).all(1).any()
    with pytest.raises(ValueError, match="less than 1"):
        embedder(word_dropout=1.0)


def test_vectors_are_drawn_within_their_bound():
    vectors = random_vectors(1000, 12)
    assert float(vectors.abs().max()) <= 0.5
    assert float(vectors.var()) == pytest.approx(1 / 12, rel=0.1)


@pytest.mark.parametrize("kind", [CharacterLSTM, CharacterCNN])
def test_spelling_does_not_depend_on_padding_or_company(kind):
    torch.manual_seed(0)
    characters = kind(6, embedding_size=3, hidden_size=5, dropout=0.5).eval()
    together = characters(torch.nn.functional.pad(WORDS.character_ids, (0, 4)))
    for row, length in enumerate([3, 1, 2]):
        alone = characters(WORDS.character_ids[row : row + 1, :length])
        torch.testing.assert_close(together[row], alone[0])


def test_many_words_are_as_few():
    """More words than are computed together, in any order."""
    torch.manual_seed(0)
    characters = CharacterLSTM(6, embedding_size=3, hidden_size=5, dropout=0.0)
    lengths = torch.randint(1, 9, (2 * WORDS_TOGETHER + 7,))
    ids = torch.randint(1, 6, (len(lengths), 8)) * (torch.arange(8) < lengths[:, None])
    together = characters(ids)
    for row, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(together[row], characters(ids[row : row + 1, :length])[0])


def test_character_lstm_is_the_last_state_of_torch_lstm():
    characters = CharacterLSTM(6, embedding_size=3, hidden_size=5, dropout=0.0)
    output, _ = characters.lstm(characters.embedding(WORDS.character_ids[2:3, :2]))
    torch.testing.assert_close(characters(WORDS.character_ids)[2], output[0, -1])


def test_even_filters_are_refused():
    with pytest.raises(ValueError, match="must be odd"):
        CharacterCNN(6, embedding_size=3, hidden_size=5, dropout=0.0, width=4)
