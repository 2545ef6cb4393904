"""From words to token features: word vector, spelling, head word and relation (the input u_i of Jie & Lu, 2019)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool1d

from ner.corpus.batch import Batch, Words
from ner.model.dropout import Dropout
from ner.model.gather import gather_tokens, look_up
from ner.model.parts import TokenPart, WordPart
from ner.shapes import Float, Int
from ner.threads import run_recurrences

WORDS_TOGETHER = 96


class CharacterLSTM(WordPart):
    """A word's spelling as the last state of a left-to-right LSTM over its characters."""

    def __init__(self, num_characters: int, *, embedding_size: int, hidden_size: int, dropout: float) -> None:
        super().__init__()
        self.output_size = hidden_size
        self.embedding = nn.Embedding(num_characters, embedding_size)
        self.dropout = Dropout(dropout)
        self.lstm = nn.LSTM(embedding_size, hidden_size, batch_first=True)

    def forward(self, words: Words) -> Float[Tensor, "word feature"]:
        character_ids = words.character_ids
        lengths = (character_ids != 0).sum(1).clamp_(min=1)
        if character_ids.device.type != "cpu" or torch.compiler.is_exporting():
            states, _ = self.lstm(self.dropout(look_up(character_ids, self.embedding.weight)))
            return _last_states(states, lengths)
        # Words of like length together: padding costs more than the few more calls, and packing more than both.
        order = lengths.argsort(stable=True)
        groups = torch.split(order, WORDS_TOGETHER)
        spelled = [character_ids[group, : int(lengths[group[-1]])] for group in groups]
        inputs = [self.dropout(look_up(ids, self.embedding.weight)) for ids in spelled]
        states = run_recurrences([self.lstm] * len(groups), inputs)
        last = [_last_states(own, lengths[group]) for own, group in zip(states, groups, strict=True)]
        return look_up(order.argsort(), torch.cat(last))


def _last_states(
    states: Float[Tensor, "word character feature"], lengths: Int[Tensor, " word"]
) -> Float[Tensor, "word feature"]:
    return gather_tokens(states, lengths[:, None] - 1)[:, 0]


class CharacterCNN(WordPart):
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

    def forward(self, words: Words) -> Float[Tensor, "word feature"]:
        real = (words.character_ids != 0)[:, None, :]
        embedded = (
            self.dropout(look_up(words.character_ids, self.embedding.weight)).transpose(1, 2).masked_fill(~real, 0)
        )
        responses = self.convolution(embedded).masked_fill(~real, -torch.inf)
        features: Tensor = max_pool1d(responses, responses.shape[2])[:, :, 0]
        return features


class Embedder(nn.Module):
    """u_i = [w_i ; parts of the token], with w_i the parts of its word; each part is a submodule of its name.

    With the word vector and the spelling as parts of the word, the head word and the relation as parts of the token,
    u_i = [w_i ; w_{p(i)} ; v_{r(i)}], the input of Jie & Lu (2019).

    Args:
        words: what depends on the word alone, computed once for each distinct word of a batch; at least one part.
        tokens: what depends on the word's place in its sentence.
        dropout: on u_i.
        locked: whether a feature is dropped in all of a sentence, see `Dropout`.
    """

    def __init__(
        self, *, words: Mapping[str, WordPart], tokens: Mapping[str, TokenPart], dropout: float, locked: bool = False
    ) -> None:
        super().__init__()
        for name, part in (*words.items(), *tokens.items()):
            self.add_module(name, part)
        self._words, self._tokens = tuple(words.values()), tuple(tokens.values())
        self.dropout = Dropout(dropout, locked=locked)
        self.output_size = sum(part.output_size for part in self._words)
        self.output_size += sum(part.output_size for part in self._tokens)
        self.uses_trees = any(part.uses_trees for part in self._tokens)

    def word_features(self, words: Words) -> Float[Tensor, "word feature"]:
        """w of each distinct word."""
        return torch.cat([part(words) for part in self._words], 1)

    def forward(
        self, batch: Batch, word_features: Float[Tensor, "word feature"] | None = None
    ) -> Float[Tensor, "batch token input"]:
        features = self.word_features(batch.words) if word_features is None else word_features
        words = look_up(batch.word_rows, features)
        tokens: Tensor = self.dropout(torch.cat([words, *(part(batch, words) for part in self._tokens)], 2))
        return tokens
