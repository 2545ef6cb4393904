"""Dropout whose random bits are cheap on the CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

from ner.shapes import Float


class Dropout(nn.Module):
    """In training sets each value to 0 with `probability`, and scales the others to keep the mean.

    On the CPU torch draws one random number for each value, which costs more than the recurrent layer's input
    product; here 64 random bits serve four values, and the probability is rounded to a multiple of 2^-16.

    Raises:
        ValueError: for a probability below 0, or of 1 and more.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        if not 0 <= probability < 1:
            raise ValueError(f"a dropout of {probability}: it must be at least 0 and less than 1")
        self.probability = probability

    def forward(self, values: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        if not self.training or self.probability == 0:
            return values
        if values.device.type != "cpu":
            return dropout(values, self.probability)
        draws = torch.empty(-(-values.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        kept = draws.view(torch.int16)[: values.numel()] >= round(self.probability * 2**16) - 2**15
        scale = kept.to(values.dtype).mul_(1 / (1 - self.probability))
        return values * scale.view(values.shape)

    def extra_repr(self) -> str:
        return str(self.probability)
