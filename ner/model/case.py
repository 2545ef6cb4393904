"""The case of a word's letters, as a feature of the word."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from ner.corpus.batch import Words
from ner.corpus.vocabulary import PADDING, UNKNOWN, Vocabularies
from ner.model.parts import WordPart
from ner.shapes import Float, Int

NO_LETTER, LOWER, UPPER, CAPITALIZED, MIXED = range(5)


class Case(WordPart):
    """A trained vector for each way to write a word: no letter, all lower case, all upper case, capitalized, mixed.

    The classes are those of Chiu & Nichols (2016). A word of one capital letter is all upper case. A character that the
    vocabulary lacks is no letter.

    Args:
        size: of the vectors.

    Raises:
        ValueError: for a size below 1.
    """

    is_lower: Tensor
    is_upper: Tensor

    def __init__(self, vocabularies: Vocabularies, *, size: int) -> None:
        super().__init__()
        if size < 1:
            raise ValueError(f"size is {size}: it must be 1 or more")
        self.output_size = size
        characters = ["" if item in (PADDING, UNKNOWN) else item for item in vocabularies.characters.items]
        self.register_buffer("is_lower", torch.tensor([item.islower() for item in characters]), persistent=False)
        self.register_buffer("is_upper", torch.tensor([item.isupper() for item in characters]), persistent=False)
        self.weight = nn.Parameter(torch.empty(MIXED + 1, size))
        nn.init.normal_(self.weight)

    def forward(self, words: Words) -> Float[Tensor, "word feature"]:
        return embedding(self.classes(words), self.weight)

    def classes(self, words: Words) -> Int[Tensor, " word"]:
        """How each word is written."""
        lower, upper = self.is_lower[words.character_ids], self.is_upper[words.character_ids]
        has_lower, num_upper = lower.any(1), upper.sum(1)
        classes = torch.full_like(words.word_ids, MIXED)
        classes[upper[:, 0] & (num_upper == 1)] = CAPITALIZED
        classes[~has_lower & (num_upper > 0)] = UPPER
        classes[has_lower & (num_upper == 0)] = LOWER
        classes[~has_lower & (num_upper == 0)] = NO_LETTER
        return classes
