"""The parts of a token's features: those of its word alone, and those of its place in the sentence."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from ner.corpus.batch import Batch, Words
from ner.model.gather import gather_tokens, look_up
from ner.shapes import Float


class WordPart(nn.Module):
    """A feature of a word that is the same wherever the word occurs: (word, output_size), of distinct words."""

    output_size: int

    def forward(self, words: Words) -> Float[Tensor, "word feature"]:
        raise NotImplementedError


class TokenPart(nn.Module):
    """A feature of a word in its sentence: (batch, token, output_size).

    `forward` also gets the features that the parts of the word have made of each token's word. A part that reads heads
    or relations says so in `uses_trees`.
    """

    output_size: int
    uses_trees = False

    def forward(self, batch: Batch, words: Float[Tensor, "batch token word"]) -> Float[Tensor, "batch token feature"]:
        raise NotImplementedError


class WordVectors(WordPart):
    """A trained vector for each word of the vocabulary; its gradient is sparse: it holds the words of the batch only.

    Args:
        vectors: the initial ones, a row a word.
        dropout: the share of a batch's distinct words that get the vector of `<unk>`, row 0, in training. Where
            every training word has a vector of its own, nothing else teaches the model what to do without one.

    Raises:
        ValueError: for a share below 0, or of 1 and more.
    """

    rate_group = "word"
    sparse = True

    def __init__(self, vectors: Float[Tensor, "word feature"], *, dropout: float = 0.0) -> None:
        super().__init__()
        if not 0 <= dropout < 1:
            raise ValueError(f"a word_dropout of {dropout}: it must be at least 0 and less than 1")
        self.output_size = vectors.shape[1]
        self.dropout = dropout
        self.weight = nn.Parameter(vectors)

    def forward(self, words: Words) -> Float[Tensor, "word feature"]:
        word_ids = words.word_ids
        if self.training and self.dropout:
            word_ids = word_ids.masked_fill(torch.rand(word_ids.shape, device=word_ids.device) < self.dropout, 0)
        return embedding(word_ids, self.weight, sparse=True)


class HeadWord(TokenPart):
    """w_{p(i)}: the features of the head's word, `word_size` of them; the root is its own head."""

    uses_trees = True

    def __init__(self, word_size: int) -> None:
        super().__init__()
        self.output_size = word_size

    def forward(self, batch: Batch, words: Float[Tensor, "batch token word"]) -> Float[Tensor, "batch token feature"]:
        return gather_tokens(words, batch.heads)


class Relation(TokenPart):
    """v_{r(i)}: a trained vector for each relation to the head."""

    uses_trees = True

    def __init__(self, num_relations: int, size: int) -> None:
        super().__init__()
        self.output_size = size
        self.weight = nn.Parameter(torch.empty(num_relations, size))
        nn.init.normal_(self.weight)

    def forward(self, batch: Batch, words: Float[Tensor, "batch token word"]) -> Float[Tensor, "batch token feature"]:
        return look_up(batch.relation_ids, self.weight)


def random_vectors(num_words: int, size: int) -> Float[Tensor, "word feature"]:
    """Vectors drawn uniformly from +-sqrt(3 / size), which gives each value the variance 1 / size."""
    bound = math.sqrt(3 / size)
    return torch.empty(num_words, size).uniform_(-bound, bound)
