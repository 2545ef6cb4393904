"""From words to token features: word vector, spelling, head word and relation (the input u_i of Jie & Lu, 2019)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, max_pool1d

from ner.corpus.batch import Batch, Words
from ner.model.dropout import Dropout
from ner.model.gather import gather_tokens
from ner.shapes import Float, Int
from ner.threads import run_recurrences

WORDS_TOGETHER = 96


class CharacterLSTM(nn.Module):
    """A word's spelling as the last state of a left-to-right LSTM over its characters."""

    def __init__(self, num_characters: int, *, embedding_size: int, hidden_size: int, dropout: float) -> None:
        super().__init__()
        self.output_size = hidden_size
        self.embedding = nn.Embedding(num_characters, embedding_size)
        self.dropout = Dropout(dropout)
        self.lstm = nn.LSTM(embedding_size, hidden_size, batch_first=True)

    def forward(self, character_ids: Int[Tensor, "word character"]) -> Float[Tensor, "word feature"]:
        lengths = (character_ids != 0).sum(1).clamp_(min=1)
        if character_ids.device.type != "cpu":
            states, _ = self.lstm(self.dropout(self.embedding(character_ids)))
            return _last_states(states, lengths)
        # Words of like length together: padding costs more than the few more calls, and packing more than both.
        order = lengths.argsort(stable=True)
        groups = torch.split(order, WORDS_TOGETHER)
        spelled = [character_ids[group, : int(lengths[group[-1]])] for group in groups]
        inputs = [self.dropout(self.embedding(ids)) for ids in spelled]
        states = run_recurrences([self.lstm] * len(groups), inputs)
        last = [_last_states(own, lengths[group]) for own, group in zip(states, groups, strict=True)]
        return embedding(order.argsort(), torch.cat(last))


def _last_states(
    states: Float[Tensor, "word character feature"], lengths: Int[Tensor, " word"]
) -> Float[Tensor, "word feature"]:
    return gather_tokens(states, lengths[:, None] - 1)[:, 0]


class CharacterCNN(nn.Module):
    """A word's spelling as the largest response of each filter over its characters (Ma & Hovy, 2016)."""

    def __init__(
        self, num_characters: int, *, embedding_size: int, hidden_size: int, dropout: float, width: int = 3
    ) -> None:
        super().__init__()
        if width % 2 == 0:
            raise ValueError(f"width {width}: a filter looks as far to the left as to the right, so it must be odd")
        self.output_size = hidden_size
        self.embedding = nn.Embedding(num_characters, embedding_size)
        self.dropout = Dropout(dropout)
        self.convolution = nn.Conv1d(embedding_size, hidden_size, width, padding=width // 2)

    def forward(self, character_ids: Int[Tensor, "word character"]) -> Float[Tensor, "word feature"]:
        real = (character_ids != 0)[:, None, :]
        embedded = self.dropout(self.embedding(character_ids)).transpose(1, 2).masked_fill(~real, 0)
        responses = self.convolution(embedded).masked_fill(~real, -torch.inf)
        features: Tensor = max_pool1d(responses, responses.shape[2])[:, :, 0]
        return features


class Embedder(nn.Module):
    """u_i = [w_i ; w_{p(i)} ; v_{r(i)}], where w = [word vector ; spelling] and v_r embeds the relation to the head.

    Args:
        vectors: the initial word vectors, one row a word of the vocabulary. They are tuned, and their gradient is
            sparse: it holds the rows of the words in the batch and no other.
        characters: the feature of a word's spelling, if any.
        head_word: whether w_{p(i)} is part of the input.
        num_relations, relation_size: the relation embedding's; no relation enters if the size is 0.
        dropout: on u_i.
        word_dropout: the share of a batch's distinct words whose vector is that of `<unk>`, row 0, in training. Where
            every training word has a vector of its own, nothing else teaches the model what to do without one.

    Raises:
        ValueError: for a share below 0, or of 1 and more.
    """

    def __init__(
        self,
        vectors: Float[Tensor, "word feature"],
        *,
        characters: CharacterLSTM | CharacterCNN | None,
        head_word: bool,
        num_relations: int,
        relation_size: int,
        dropout: float,
        word_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if not 0 <= word_dropout < 1:
            raise ValueError(f"a word_dropout of {word_dropout}: it must be at least 0 and less than 1")
        self.word_dropout = word_dropout
        self.word = nn.Embedding(len(vectors), vectors.shape[1], sparse=True, _weight=vectors)
        self.characters = characters
        self.head_word = head_word
        self.uses_trees = head_word or relation_size > 0
        self.relation = nn.Embedding(num_relations, relation_size) if relation_size else None
        self.dropout = Dropout(dropout)
        word_size = vectors.shape[1] + (characters.output_size if characters else 0)
        self.output_size = word_size * (2 if head_word else 1) + relation_size

    def word_features(self, words: Words) -> Float[Tensor, "word feature"]:
        """w of each distinct word: all that does not depend on the sentence, computed once a word."""
        word_ids = words.word_ids
        if self.training and self.word_dropout:
            word_ids = word_ids.masked_fill(torch.rand(word_ids.shape, device=word_ids.device) < self.word_dropout, 0)
        vectors: Tensor = self.word(word_ids)
        if self.characters is None:
            return vectors
        return torch.cat([vectors, self.characters(words.character_ids)], 1)

    def forward(
        self, batch: Batch, word_features: Float[Tensor, "word feature"] | None = None
    ) -> Float[Tensor, "batch token input"]:
        features = self.word_features(batch.words) if word_features is None else word_features
        parts = [embedding(batch.word_rows, features)]
        if self.head_word:
            parts.append(gather_tokens(parts[0], batch.heads))
        if self.relation is not None:
            parts.append(self.relation(batch.relation_ids))
        tokens: Tensor = self.dropout(torch.cat(parts, 2))
        return tokens


def random_vectors(num_words: int, size: int) -> Float[Tensor, "word feature"]:
    """Vectors drawn uniformly from +-sqrt(3 / size), which gives each value the variance 1 / size."""
    bound = math.sqrt(3 / size)
    return torch.empty(num_words, size).uniform_(-bound, bound)
