"""The tensors a model sees: a `Batch` of sentences over the distinct `Words` they are made of."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ner.shapes import Bool, Int


@dataclass(frozen=True, eq=False)
class Words:
    """Distinct words, each once, so that nothing about a word's spelling is computed twice.

    `word_ids` are rows of the word embedding; `character_ids` spell the words, 0 after their end.
    """

    word_ids: Int[Tensor, " word"]
    character_ids: Int[Tensor, "word character"]

    def __len__(self) -> int:
        return len(self.word_ids)

    def to(self, device: torch.device) -> Words:
        return Words(self.word_ids.to(device, non_blocking=True), self.character_ids.to(device, non_blocking=True))

    def pin_memory(self) -> Words:
        return Words(self.word_ids.pin_memory(), self.character_ids.pin_memory())


@dataclass(frozen=True, eq=False)
class Batch:
    """Sentences padded to the longest.

    `mask` is True on real tokens. `word_rows` points each token into `words`; `heads` are positions in the
    sentence, the root's and the padding's their own. `tag_ids` is None where the truth is not known. Padding
    holds 0 elsewhere.
    """

    words: Words
    mask: Bool[Tensor, "batch token"]
    word_rows: Int[Tensor, "batch token"]
    heads: Int[Tensor, "batch token"]
    relation_ids: Int[Tensor, "batch token"]
    tag_ids: Int[Tensor, "batch token"] | None = None

    def __len__(self) -> int:
        return len(self.mask)

    @property
    def num_tokens(self) -> int:
        """Real tokens in the batch (synchronises a device; call it before `to`)."""
        return int(self.mask.sum())

    def to(self, device: torch.device) -> Batch:
        def move(tensor: Tensor) -> Tensor:
            return tensor.to(device, non_blocking=True)

        return Batch(
            words=self.words.to(device),
            mask=move(self.mask),
            word_rows=move(self.word_rows),
            heads=move(self.heads),
            relation_ids=move(self.relation_ids),
            tag_ids=None if self.tag_ids is None else move(self.tag_ids),
        )

    def pin_memory(self) -> Batch:
        return Batch(
            words=self.words.pin_memory(),
            mask=self.mask.pin_memory(),
            word_rows=self.word_rows.pin_memory(),
            heads=self.heads.pin_memory(),
            relation_ids=self.relation_ids.pin_memory(),
            tag_ids=None if self.tag_ids is None else self.tag_ids.pin_memory(),
        )
