"""Token features: what enters, in which order, and what is not computed twice."""

from __future__ import annotations

import pytest
import torch

from ner.corpus.batch import Batch, Words
from ner.model.embedder import WORDS_TOGETHER, CharacterCNN, CharacterLSTM, Embedder
from ner.model.parts import HeadWord, Relation, TokenPart, WordPart, WordVectors, random_vectors

WORDS = Words(torch.tensor([3, 1, 4]), torch.tensor([[2, 3, 4], [5, 0, 0], [2, 2, 0]]))
BATCH = Batch(
    words=WORDS,
    mask=torch.tensor([[True, True, True], [True, True, False]]),
    word_rows=torch.tensor([[0, 1, 0], [2, 0, 0]]),
    heads=torch.tensor([[1, 1, 0], [0, 0, 2]]),
    relation_ids=torch.tensor([[1, 2, 3], [2, 1, 0]]),
)


def embedder(
    characters: WordPart | None = None,
    *,
    head_word: bool = True,
    relation_size: int = 2,
) -> Embedder:
    torch.manual_seed(0)
    words: dict[str, WordPart] = {"word": WordVectors(random_vectors(6, 4))}
    if characters:
        words["characters"] = characters
    tokens: dict[str, TokenPart] = {}
    if head_word:
        tokens["head_word"] = HeadWord(sum(part.output_size for part in words.values()))
    if relation_size:
        tokens["relation"] = Relation(4, relation_size)
    return Embedder(words=words, tokens=tokens, dropout=0.5)


def spelled(character_ids: torch.Tensor) -> Words:
    return Words(torch.zeros(len(character_ids), dtype=torch.long), character_ids)


def test_input_is_word_then_head_word_then_relation():
    model = embedder().eval()
    found = model(BATCH)
    assert found.shape == (2, 3, model.output_size)
    word, head = model.word.weight[3], model.word.weight[1]
    torch.testing.assert_close(found[0, 0], torch.cat([word, head, model.relation.weight[1]]))
    torch.testing.assert_close(found[1, 0, 4:8], found[1, 0, :4], msg="the root is its own head")


def test_the_parts_are_a_choice():
    plain = embedder(head_word=False, relation_size=0)
    assert plain.eval()(BATCH).shape == (2, 3, 4)
    assert list(plain.state_dict()) == ["word.weight"]
    assert list(embedder().state_dict()) == ["word.weight", "relation.weight"]
    needs = {
        (head, size): embedder(head_word=head, relation_size=size).uses_trees for head in (0, 1) for size in (0, 2)
    }
    assert needs == {(0, 0): False, (0, 2): True, (1, 0): True, (1, 2): True}


def test_a_part_of_ones_own_is_a_class():
    class Position(TokenPart):
        output_size = 1

        def forward(self, batch, words):
            return torch.arange(batch.mask.shape[1]).expand(batch.mask.shape)[..., None] + 0 * words[..., :1]

    class Length(WordPart):
        output_size = 1

        def forward(self, words):
            return (words.character_ids != 0).sum(1, keepdim=True).float()

    found = Embedder(words={"length": Length()}, tokens={"position": Position()}, dropout=0.0)(BATCH)
    assert found[0].tolist() == [[3, 0], [1, 1], [3, 2]]


def test_word_features_given_are_used_as_they_are():
    model = embedder(CharacterLSTM(6, embedding_size=3, hidden_size=5, dropout=0.0)).eval()
    torch.testing.assert_close(model(BATCH, model.word_features(WORDS)), model(BATCH))


@pytest.mark.parametrize("kind", [CharacterLSTM, CharacterCNN])
def test_spelling_does_not_depend_on_padding_or_company(kind):
    torch.manual_seed(0)
    characters = kind(6, embedding_size=3, hidden_size=5, dropout=0.5).eval()
    together = characters(spelled(torch.nn.functional.pad(WORDS.character_ids, (0, 4))))
    for row, length in enumerate([3, 1, 2]):
        alone = characters(spelled(WORDS.character_ids[row : row + 1, :length]))
        torch.testing.assert_close(together[row], alone[0])


def test_many_words_are_as_few():
    """More words than are computed together, in any order."""
    torch.manual_seed(0)
    characters = CharacterLSTM(6, embedding_size=3, hidden_size=5, dropout=0.0)
    lengths = torch.randint(1, 9, (2 * WORDS_TOGETHER + 7,))
    ids = torch.randint(1, 6, (len(lengths), 8)) * (torch.arange(8) < lengths[:, None])
    together = characters(spelled(ids))
    for row, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(together[row], characters(spelled(ids[row : row + 1, :length]))[0])


def test_character_lstm_is_the_last_state_of_torch_lstm():
    characters = CharacterLSTM(6, embedding_size=3, hidden_size=5, dropout=0.0)
    output, _ = characters.lstm(characters.embedding(WORDS.character_ids[2:3, :2]))
    torch.testing.assert_close(characters(WORDS)[2], output[0, -1])


def test_even_filters_are_refused():
    with pytest.raises(ValueError, match="must be odd"):
        CharacterCNN(6, embedding_size=3, hidden_size=5, dropout=0.0, width=4)
