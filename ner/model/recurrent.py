"""Recurrent layers: features and a mask to hidden states, whatever padding stands behind the real tokens."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from ner.model.gather import gather_tokens
from ner.model.trees import Trees
from ner.shapes import Bool, Float, Int


class Recurrent(nn.Module, ABC):
    """A layer of the stack, built with its input size and its hidden size, that of both directions together."""

    output_size: int

    @abstractmethod
    def forward(
        self, features: Float[Tensor, "batch token input"], trees: Trees
    ) -> Float[Tensor, "batch token hidden"]: ...


class LSTM(Recurrent):
    """A bidirectional LSTM (Hochreiter & Schmidhuber, 1997): `hidden_size` is that of both directions together.

    Each direction is a left-to-right LSTM of its own, the second over the real tokens reversed in their place, so
    that padding stays behind them and no state ever runs through it: nothing needs sorting, packing, or the lengths
    on the host.

    Raises:
        ValueError: for an odd hidden size, which two directions cannot share.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        if hidden_size % 2:
            raise ValueError(f"hidden_size {hidden_size} is odd, and is shared by two directions")
        self.output_size = hidden_size
        self.forwards = nn.LSTM(input_size, hidden_size // 2, batch_first=True)
        self.backwards = nn.LSTM(input_size, hidden_size // 2, batch_first=True)

    def forward(
        self, features: Float[Tensor, "batch token input"], trees: Trees
    ) -> Float[Tensor, "batch token hidden"]:
        reversal = reversed_positions(trees.mask)
        left, _ = self.forwards(features)
        right, _ = self.backwards(gather_tokens(features, reversal))
        return torch.cat([left, gather_tokens(right, reversal)], 2)


def reversed_positions(mask: Bool[Tensor, "batch token"]) -> Int[Tensor, "batch token"]:
    """For each place the one that takes it when a sentence's real tokens are reversed; padding keeps its own."""
    places = torch.arange(mask.shape[1], device=mask.device)
    return torch.where(mask, mask.sum(1, keepdim=True) - 1 - places, places)
