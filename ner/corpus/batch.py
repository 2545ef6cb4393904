"""The tensors a model sees: a `Batch` of sentences over the distinct `Words` they are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import torch
from torch import Tensor

from ner.shapes import Bool, Float, Int

Record = TypeVar("Record", bound="Tensors")


@dataclass(frozen=True, eq=False)
class Tensors:
    """A record whose fields are tensors, other such records, or None."""

    def map(self: Record, function: Callable[[Tensor], Tensor]) -> Record:
        """Apply a function to every tensor."""

        def mapped(value: Any) -> Any:
            if isinstance(value, Tensors):
                return value.map(function)
            return None if value is None else function(value)

        return replace(self, **{field.name: mapped(getattr(self, field.name)) for field in fields(self)})

    def to(self: Record, device: torch.device) -> Record:
        """Copy to a device, which is not waited for."""
        return self.map(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self: Record) -> Record:
        """Copy to page-locked memory, from which a CUDA device copies without waiting."""
        return self.map(Tensor.pin_memory)


@dataclass(frozen=True, eq=False)
class Words(Tensors):
    """Distinct words, each once, so that nothing about a word's spelling is computed twice.

    `word_ids` are rows of the word embedding; `character_ids` spell the words, 0 after their end.
    """

    word_ids: Int[Tensor, " word"]
    character_ids: Int[Tensor, "word character"]

    def __len__(self) -> int:
        return len(self.word_ids)

    def select(self, rows: Int[Tensor, " row"]) -> Words:
        """The words in the given rows, without the columns of characters that none of them needs."""
        chosen = self.map(lambda tensor: tensor[rows])
        longest = int((chosen.character_ids != 0).sum(1).max())
        return replace(chosen, character_ids=chosen.character_ids[:, : max(longest, 1)])


@dataclass(frozen=True, eq=False)
class Pieces(Tensors):
    """Windows of pieces for a pretrained encoder, padded to the longest, and which of them stand for which token.

    `mask` is True on real pieces. The piece at `positions[k]` of the flattened windows stands for the token
    `owners[k]` of the flattened batch; a token without any has vanished in the tokenizer.
    """

    piece_ids: Int[Tensor, "window piece"]
    mask: Bool[Tensor, "window piece"]
    positions: Int[Tensor, " standing"]
    owners: Int[Tensor, " standing"]


@dataclass(frozen=True, eq=False)
class Batch(Tensors):
    """Sentences padded to the longest.

    `mask` is True on real tokens. `word_rows` points each token into `words`; `heads` are positions in the
    sentence, the root's and the padding's their own. `tag_ids` is None where the truth is not known. Padding
    holds 0 elsewhere. For a model with contextual vectors there are `pieces`, or the `layers` of a frozen encoder
    that were computed from them before. `targets` are the start and the end (exclusive) of the one span whose label is
    asked for, where that is the task. For a model of feature templates there are `feature_ids`, 0 for what it does not
    know.
    """

    words: Words
    mask: Bool[Tensor, "batch token"]
    word_rows: Int[Tensor, "batch token"]
    heads: Int[Tensor, "batch token"]
    relation_ids: Int[Tensor, "batch token"]
    tag_ids: Int[Tensor, "batch token"] | None = None
    pieces: Pieces | None = None
    layers: Float[Tensor, "batch token layer vector"] | None = None
    targets: Int[Tensor, "batch 2"] | None = None
    feature_ids: Int[Tensor, "batch token template"] | None = None

    def __len__(self) -> int:
        return len(self.mask)

    @property
    def num_tokens(self) -> int:
        """Real tokens in the batch (synchronises a device; call it before `to`)."""
        return int(self.mask.sum())
