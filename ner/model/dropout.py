"""Dropout whose random bits are cheap on the CPU."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

from ner.shapes import Float


class Dropout(nn.Module):
    """In training sets each value to 0 with `probability`, and scales the others to keep the mean.

    With `locked`, of values of (batch, token, feature), a feature is dropped at all tokens of a sentence or at none
    (Gal & Ghahramani, 2016).

    On the CPU torch draws one random number for each value, which costs more than the recurrent layer's input
    product; here 64 random bits serve four values, and the probability is rounded to a multiple of 2^-16.

    Raises:
        ValueError: for a probability below 0, or of 1 and more.
    """

    def __init__(self, probability: float, *, locked: bool = False) -> None:
        super().__init__()
        if not 0 <= probability < 1:
            raise ValueError(f"a dropout of {probability}: it must be at least 0 and less than 1")
        self.probability = probability
        self.locked = locked

    def forward(self, values: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        if not self.training or self.probability == 0:
            return values
        if values.device.type != "cpu" and not self.locked:
            return dropout(values, self.probability)
        shape = (len(values), 1, values.shape[2]) if self.locked else values.shape
        if values.device.type != "cpu":
            return values * dropout(values.new_ones(shape), self.probability)
        size = math.prod(shape)
        draws = torch.empty(-(-size // 4), dtype=torch.int64).random_(-(2**63), None)
        kept = draws.view(torch.int16)[:size] >= round(self.probability * 2**16) - 2**15
        scale = kept.to(values.dtype).mul_(1 / (1 - self.probability))
        return values * scale.view(shape)

    def extra_repr(self) -> str:
        return f"{self.probability}, locked" if self.locked else str(self.probability)
